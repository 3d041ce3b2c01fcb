//! `perennial get`, when all goes well.

use serde_json::json;

use crate::program::{binary, perennial};

#[test]
fn a_value_is_printed_with_a_newline_and_nothing_else() {
    let variables = [("SECRETS_TEST", "hunter2")];
    for written in [
        "{vault://env/secrets-test}",
        "env/secrets_test",
        "vault://env/secrets-test",
    ] {
        perennial(&variables, &["get", written]).is(0, "hunter2\n", "");
    }
    perennial(&variables, &["get", "-n", "env/secrets-test"]).is(0, "hunter2", "");
    perennial(&[("EMPTY", "")], &["get", "env/empty"]).is(0, "\n", "");
}

#[test]
fn several_values_are_printed_one_a_line() {
    let variables = [
        ("DB", r#"{"user":"alice","password":"pa55"}"#),
        ("OTHER", "x"),
    ];
    let references = ["get", "env/db/user", "env/other", "env/db/password"];
    perennial(&variables, &references).is(0, "alice\nx\npa55\n", "");
    perennial(&variables, &["get", "-n", "env/db/user", "env/other"]).is(0, "alice\nx", "");
}

#[test]
fn options_and_versions_mean_the_same_in_the_short_form() {
    let variables = [
        ("A_TEST", "prefixed"),
        ("A_TEST_PREVIOUS", "older"),
        ("NUMBERS", r#"{"port":5432,"list":[{"x":"deep"}]}"#),
        ("CODED", "aGVsbG8="),
        ("PERENNIAL_VAULT_ENV_ALLOW_OPTIONS", "prefix"),
    ];
    perennial(&variables, &["get", "env/test?prefix=A_"]).is(0, "prefixed\n", "");
    perennial(&variables, &["get", "env/test?prefix=A_#2"]).is(0, "older\n", "");
    perennial(&variables, &["get", "env/numbers/port?coerce=scalar"]).is(0, "5432\n", "");
    perennial(&variables, &["get", "env/numbers?pointer=/list/0/x"]).is(0, "deep\n", "");
    perennial(&variables, &["get", "env/coded?base64_decode"]).is(0, "hello\n", "");
}

#[test]
fn vaults_are_configured_by_the_environment_in_both_spellings() {
    for variable in ["KONG_VAULT_ENV_PREFIX", "PERENNIAL_VAULT_ENV_PREFIX"] {
        for prefix in ["SECRETS_AGAIN_", "SECRETS-AGAIN-"] {
            let variables = [("SECRETS_AGAIN_TEST", "found"), (variable, prefix)];
            perennial(&variables, &["get", "env/test"]).is(0, "found\n", "");
        }
    }
    let named = [
        ("TEAM_TEST", "ours"),
        ("TEST", "everybody's"),
        ("PERENNIAL_VAULT_TEAM_ENV_BACKEND", "env"),
        ("PERENNIAL_VAULT_TEAM_ENV_PREFIX", "TEAM_"),
        ("KONG_VAULT_ROTATION_INTERVAL", "60"),
        ("KONG_VAULT_AWS_TTL", "300"),
    ];
    perennial(&named, &["get", "team-env/test", "env/test"]).is(0, "ours\neverybody's\n", "");
    let decoded = [
        ("CODED", "aGVsbG8"),
        ("KONG_VAULT_ENV_DECODE_BASE64", "true"),
    ];
    perennial(&decoded, &["get", "env/coded"]).is(0, "hello\n", "");
}

#[test]
fn json_has_an_object_for_each_reference() {
    let ran = perennial(
        &[("A", "x\"y")],
        &["get", "--json", "env/a", "env/b", "{vault://env/a}"],
    );
    assert_eq!(
        ran.code_is(3).json(),
        [
            json!({"ref": "{vault://env/a}", "ok": true, "value": "x\"y"}),
            json!({
                "ref": "{vault://env/b}",
                "ok": false,
                "error": {
                    "kind": "not_found",
                    "message": "environment variable `B` is not set",
                    "help": "set `B` in the environment of this process",
                },
            }),
            json!({"ref": "{vault://env/a}", "ok": true, "value": "x\"y"}),
        ]
    );
    assert_eq!(ran.errors(), "");
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_come_through() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    let run = |args: &[&str]| {
        let bytes = OsStr::from_bytes(b"\xff\x00b".strip_suffix(b"\x00b").unwrap());
        Command::new(binary())
            .args(args)
            .env_clear()
            .env("RAW", bytes)
            .output()
            .unwrap()
    };
    assert_eq!(run(&["get", "-n", "env/raw"]).stdout, b"\xff");
    let json = run(&["get", "--json", "env/raw"]).stdout;
    let line: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        line,
        json!({"ref": "{vault://env/raw}", "ok": true, "value_base64": "/w=="})
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    use std::process::{Command, Stdio};

    let mut child = Command::new(binary())
        .args(["get", "env/long"])
        .env_clear()
        .env("LONG", "x".repeat(100_000))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = perennial(&[], &["--help"]);
    help.code_is(0);
    for word in [
        "get",
        "explain",
        "completions",
        "Exit codes",
        "PERENNIAL_VAULT_",
    ] {
        assert!(help.output_text().contains(word), "{word}");
    }
    assert_eq!(help.errors(), "");
    perennial(&[], &["--version"]).is(0, &format!("perennial {}\n", env!("CARGO_PKG_VERSION")), "");
    for shell in ["bash", "zsh", "fish"] {
        let script = perennial(&[], &["completions", shell]);
        assert!(
            script.code_is(0).output_text().contains("explain"),
            "{shell}"
        );
    }
}

#[test]
fn man_pages_are_written_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("man");
    perennial(&[], &["man", target.to_str().unwrap()]).is(0, "", "");
    for page in ["perennial.1", "perennial-get.1", "perennial-explain.1"] {
        assert!(
            std::fs::read_to_string(target.join(page))
                .unwrap()
                .contains(".TH"),
            "{page}"
        );
    }
}
