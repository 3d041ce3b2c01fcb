//! Bad input: each gives an error that names the thing, says what to do, and its exit code.

use std::fs;

use crate::program::perennial;

#[track_caller]
fn check(variables: &[(&str, &str)], reference: &str, code: i32, errors: &str) {
    perennial(variables, &["get", reference]).is(code, "", errors);
}

#[test]
fn an_unknown_vault_is_answered_with_those_that_exist() {
    check(
        &[],
        "none/foo",
        6,
        "error: cannot resolve {vault://none/foo}: there is no vault `none`\n  \
           help: vaults: aws, azure, azure-certs, conjur, env, fs, gcp, hcv\n",
    );
    check(
        &[("PERENNIAL_VAULT_TEAM_ENV_BACKEND", "env")],
        "{vault://team-en/foo}",
        6,
        "error: cannot resolve {vault://team-en/foo}: there is no vault `team-en`\n  \
           help: did you mean `team-env`? vaults: aws, azure, azure-certs, conjur, env, fs, gcp, \
           hcv, team-env\n",
    );
}

#[test]
fn a_backend_that_is_planned_says_so() {
    check(
        &[],
        "{vault://azure/my-secret-name/foo}",
        6,
        "error: cannot resolve {vault://azure/my-secret-name/foo}: backend `azure` is not \
         available yet\n  help: available: aws, env, fs, gcp, hcv\n",
    );
}

#[test]
fn an_unknown_option_is_answered_with_the_nearest() {
    check(
        &[("X", "y")],
        "{vault://env/x?tttl=5}",
        6,
        "error: cannot resolve {vault://env/x?tttl=5}: there is no option `tttl`\n  \
           help: did you mean `ttl`?\n",
    );
    check(
        &[("X", "y")],
        "{vault://env/x?prefix=A_}",
        6,
        "error: cannot resolve {vault://env/x?prefix=A_}: vault `env` does not let references set \
         `prefix`\n  help: allow it with PERENNIAL_VAULT_ENV_ALLOW_OPTIONS=prefix\n",
    );
}

#[test]
fn a_bad_duration_is_named_with_its_place() {
    check(
        &[("X", "y")],
        "{vault://env/x?ttl=soon}",
        6,
        "error: cannot resolve {vault://env/x?ttl=soon}: invalid value of option `ttl` at byte 19: \
         expected seconds such as `600` or `0.5`, or a whole number and a unit such as `30s`, `5m`, \
         `6h` or `1d`, at most 100000000 seconds, found `soon`, as in \
         `{vault://aws/db/password?ttl=600&neg_ttl=30}`\n",
    );
    check(
        &[("X", "y"), ("KONG_VAULT_ENV_TTL", "abc")],
        "env/x",
        6,
        "error: cannot resolve {vault://env/x}: setting `ttl` takes seconds, or a number with s, m, \
         h or d, not `abc`\n  help: set by environment variable KONG_VAULT_ENV_TTL\n",
    );
}

#[test]
fn a_missing_variable_is_named() {
    check(
        &[],
        "env/db-password",
        3,
        "error: cannot resolve {vault://env/db-password}: environment variable `DB_PASSWORD` is not \
         set\n  help: set `DB_PASSWORD` in the environment of this process\n",
    );
}

#[test]
fn json_without_the_key_is_never_repeated() {
    let variables = [
        ("DB", r#"{"user":"canary","port":5432}"#),
        ("PLAIN", "canary"),
    ];
    for (reference, code, expected) in [
        ("env/db/password", 3, "`db` has no member `password`"),
        ("env/db?pointer=/a/b", 3, "`db` has nothing at `/a/b`"),
        (
            "env/db/port",
            6,
            "member `port` of `db` is a number, not a string",
        ),
        (
            "env/plain/key",
            6,
            "`plain` is not JSON, so nothing can be looked up in it",
        ),
        ("env/plain?base64_decode", 6, "is not base64"),
    ] {
        let ran = perennial(&variables, &["get", reference]);
        ran.code_is(code);
        assert!(ran.errors().contains(expected), "{}", ran.errors());
        assert!(!ran.errors().contains("canary") && ran.output().is_empty());
    }
}

#[test]
fn text_that_is_no_utf8_is_refused_where_text_is_needed() {
    check(
        &[],
        "{vault://env/%ff%fe}",
        6,
        "error: cannot resolve {vault://env/%ff%fe}: invalid utf-8 at byte 13: expected escapes \
         that spell utf-8, found the byte 0xff out of place, as in `{vault://env/caf%C3%A9}`\n",
    );
}

#[test]
fn a_vault_that_cannot_be_is_refused_as_a_whole() {
    for (variable, value, expected) in [
        (
            "PERENNIAL_VAULT_1X_BACKEND",
            "env",
            "PERENNIAL_VAULT_1X_BACKEND declares a vault `1x`, which no name can be (use at least \
             two capitals, digits and `_`, beginning with a letter)",
        ),
        (
            "PERENNIAL_VAULT_AWS_BACKEND",
            "env",
            "PERENNIAL_VAULT_AWS_BACKEND declares a vault `aws`, which is the name of a backend \
             type (declare another name, such as `PERENNIAL_VAULT_AWS_MAIN_BACKEND`, or set fields \
             of the default vault of `aws` without declaring it)",
        ),
        (
            "PERENNIAL_VAULT_MINE_BACKEND",
            "enw",
            "PERENNIAL_VAULT_MINE_BACKEND names the backend `enw`, which nobody knows (did you mean \
             `env`?)",
        ),
        (
            "PERENNIAL_VAULT_ENV_PREFX",
            "A_",
            "PERENNIAL_VAULT_ENV_PREFX sets `prefx`, which vault `env` does not have (did you mean \
             `prefix`?)",
        ),
    ] {
        check(
            &[(variable, value)],
            "env/x",
            6,
            &format!("error: {expected}\n"),
        );
    }
    let ran = perennial(
        &[("X", "y"), ("KONG_VAULT_ENV_PREFX", "A_")],
        &["get", "env/x"],
    );
    ran.is(
        0,
        "y\n",
        "warning: ignored: KONG_VAULT_ENV_PREFX sets `prefx`, which vault `env` does not have (did \
         you mean `prefix`?)\n",
    );
}

#[test]
fn a_required_setting_is_asked_for_by_its_variable() {
    check(
        &[],
        "fs/db/password.txt",
        6,
        "error: cannot resolve {vault://fs/db/password.txt}: vault `fs` needs the setting \
         `prefix`\n  help: set PERENNIAL_VAULT_FS_PREFIX, for example to `/run/secrets`\n",
    );
    let named = [("PERENNIAL_VAULT_MY_FILES_BACKEND", "fs")];
    let ran = perennial(&named, &["get", "my-files/x"]);
    assert!(
        ran.code_is(6)
            .errors()
            .contains("set PERENNIAL_VAULT_MY_FILES_PREFIX")
    );
}

#[test]
fn an_oversized_file_is_refused_with_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("big"), vec![b'x'; 2000]).unwrap();
    let variables = [
        ("PERENNIAL_VAULT_FS_PREFIX", folder.path().to_str().unwrap()),
        ("PERENNIAL_VAULT_FS_MAX_SIZE", "1000"),
    ];
    let ran = perennial(&variables, &["get", "fs/big"]);
    ran.code_is(6);
    assert!(
        ran.errors().contains("big") && ran.errors().contains("1000"),
        "{}",
        ran.errors()
    );
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_denied() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("locked");
    fs::write(&file, "canary").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // No permission stops root, so the program runs as nobody if this test is root's. The binary is
    // copied to where nobody can reach it.
    let program = folder.path().join("program");
    fs::copy(crate::program::binary(), &program).unwrap();
    let mut command = Command::new(&program);
    command
        .args(["get", "fs/locked"])
        .env_clear()
        .env("PERENNIAL_VAULT_FS_PREFIX", folder.path());
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if is_root {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{errors}");
    assert!(
        errors.contains("locked") && !errors.contains("canary"),
        "{errors}"
    );
    assert!(errors.contains("help: "), "{errors}");
}

#[test]
fn a_store_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("not-mounted");
    let variables = [("PERENNIAL_VAULT_FS_PREFIX", prefix.to_str().unwrap())];
    let ran = perennial(&variables, &["get", "fs/db/password"]);
    ran.code_is(5);
    assert!(ran.errors().contains("does not exist"), "{}", ran.errors());
    assert!(
        ran.errors().contains("help: mount the volume"),
        "{}",
        ran.errors()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_unexpected() {
    let output = std::process::Command::new(crate::program::binary())
        .args(["get", "env/x"])
        .env_clear()
        .env("X", "y")
        .stdout(fs::File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.starts_with("error: cannot write: "), "{errors}");
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for args in [
        &[][..],
        &["get"],
        &["frob"],
        &["get", "--frob", "env/x"],
        &["explain"],
    ] {
        let ran = perennial(&[], args);
        ran.code_is(2);
        assert_eq!(ran.output(), b"");
        assert!(ran.errors().contains("Usage:"), "{}", ran.errors());
    }
}

#[test]
fn nothing_is_printed_unless_everything_was_found() {
    let ran = perennial(&[("A", "x")], &["get", "env/a", "env/b", "nowhere/c"]);
    ran.is(
        3,
        "",
        "error: cannot resolve {vault://env/b}: environment variable `B` is not set\n  \
           help: set `B` in the environment of this process\n\
         error: cannot resolve {vault://nowhere/c}: there is no vault `nowhere`\n  \
           help: vaults: aws, azure, azure-certs, conjur, env, fs, gcp, hcv\n",
    );
}
