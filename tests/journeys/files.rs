//! Secrets in files, through the binary.

use std::fs;
use std::path::Path;

use crate::program::perennial;

fn get(prefix: &Path, references: &[&str]) -> crate::program::Ran {
    let variables = [("PERENNIAL_VAULT_FS_PREFIX", prefix.to_str().unwrap())];
    let args: Vec<_> = ["get"].iter().chain(references).collect();
    perennial(&variables, &args)
}

#[test]
fn files_directories_and_json_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path();
    fs::create_dir(prefix.join("db")).unwrap();
    fs::write(prefix.join("db/password.txt"), "pa55\n").unwrap();
    fs::write(prefix.join("db/user"), "alice").unwrap();
    fs::write(
        prefix.join("app.json"),
        r#"{"token":"t0ken","nested":{"a":["b"]}}"#,
    )
    .unwrap();
    get(prefix, &["{vault://fs/db/password.txt}"]).is(0, "pa55\n", "");
    get(prefix, &["fs/db%2Fpassword.txt", "fs/db/user"]).is(0, "pa55\nalice\n", "");
    get(
        prefix,
        &["fs/app.json/token", "fs/app.json?pointer=/nested/a/0"],
    )
    .is(0, "t0ken\nb\n", "");
    get(prefix, &["fs/db/"]).is(0, "{\"password.txt\":\"pa55\",\"user\":\"alice\"}\n", "");
    let missing = get(prefix, &["fs/db/nobody"]);
    missing.is(
        3,
        "",
        "error: cannot resolve {vault://fs/db/nobody}: `db` has no member `nobody`\n",
    );
}

#[cfg(unix)]
#[test]
fn a_kubernetes_volume_is_followed_when_it_is_swapped() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path().join("db");
    for (version, user) in [("..2026_01_01", "alice"), ("..2026_02_02", "bob")] {
        fs::create_dir_all(volume.join(version)).unwrap();
        fs::write(volume.join(version).join("user"), user).unwrap();
    }
    symlink("..data/user", volume.join("user")).unwrap();
    symlink("..2026_01_01", volume.join("..data")).unwrap();
    get(folder.path(), &["fs/db/user"]).is(0, "alice\n", "");
    symlink("..2026_02_02", volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    get(folder.path(), &["fs/db/user"]).is(0, "bob\n", "");
}

#[test]
fn no_name_leads_out_of_the_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("inside");
    fs::create_dir(&prefix).unwrap();
    fs::write(folder.path().join("outside"), "canary").unwrap();
    for name in [
        "..%2Foutside",
        "%2Fetc%2Fhostname",
        "../outside",
        "a%2F..%2F..%2Foutside",
    ] {
        let ran = get(&prefix, &[&format!("{{vault://fs/{name}}}")]);
        assert_eq!(ran.output(), b"", "{name}");
        assert!(!ran.errors().contains("canary"));
        assert!(
            ran.errors().starts_with("error: "),
            "{name}: {}",
            ran.errors()
        );
    }
}
