//! Files that may not be read: said so, and for them alone.

use crate::fetch::check;
use crate::stage::{Stage, as_nobody};

#[test]
fn a_file_that_may_not_be_read_is_denied() {
    let stage = Stage::new();
    stage.write("closed", "canary");
    stage.write("db/closed", "canary");
    stage.write("db/open", "pa55");
    stage.chmod("closed", 0o000);
    stage.chmod("db/closed", 0o000);
    let files = stage.files();
    as_nobody(|| {
        check(
            &files,
            "closed",
            "permission_denied: `closed` may not be read by this process (EACCES)",
        );
        check(
            &files,
            "db",
            "closed: permission_denied: `db/closed` may not be read by this process (EACCES)\n\
             open=pa55\n",
        );
    });
}

#[test]
fn a_directory_may_let_pass_without_being_listed() {
    let stage = Stage::new();
    stage.write("passage/file", "pa55");
    stage.chmod("passage", 0o711);
    // The owner may list what others may only pass through, unless it takes that from itself.
    stage.chmod("passage", 0o111);
    let files = stage.files();
    as_nobody(|| {
        check(&files, "passage/file", "=pa55");
        check(
            &files,
            "passage",
            "permission_denied: `passage` may not be read by this process (EACCES)",
        );
    });
    stage.chmod("passage", 0o755);
}

#[test]
fn a_directory_that_may_not_be_entered_is_denied() {
    let stage = Stage::new();
    stage.write("closed/file", "canary");
    stage.write("listed/file", "canary");
    stage.chmod("closed", 0o000);
    stage.chmod("listed", 0o444);
    let files = stage.files();
    as_nobody(|| {
        check(
            &files,
            "closed/file",
            "permission_denied: `closed/file` may not be read by this process (EACCES)",
        );
        check(
            &files,
            "closed",
            "permission_denied: `closed` may not be read by this process (EACCES)",
        );
        check(
            &files,
            "listed",
            "permission_denied: `listed` may not be read by this process (EACCES)",
        );
    });
    stage.chmod("closed", 0o755);
    stage.chmod("listed", 0o755);
}

#[test]
fn a_prefix_that_may_not_be_entered_is_denied() {
    let stage = Stage::new();
    stage.write("file", "canary");
    stage.chmod("", 0o000);
    let files = stage.files();
    as_nobody(|| {
        check(
            &files,
            "file",
            "permission_denied: `file` may not be read by this process (EACCES)",
        );
    });
    stage.chmod("", 0o755);
}
