//! One file: its bytes, its newline, its size, its options, and what is missing.

use perennial_backend::{Backend, ErrorKind, Purpose, Request, SettingMap, Version};
use perennial_backend_fs::{Files, Trim, backend_type};

use crate::fetch::{check, fetch, told};
use crate::stage::Stage;

fn optional(resource: &str, name: &str, value: &str) -> Request {
    let options: [(Box<str>, Box<str>); 1] = [(name.into(), value.into())];
    Request::new(resource).with_options(options)
}

#[test]
fn the_content_of_a_file_is_the_secret() {
    let stage = Stage::new();
    stage.write("plain", "pa55");
    stage.write("db/app/password.txt", "p\na\n5\n5\n");
    stage.write("empty", "");
    stage.write("newline", "\n");
    stage.write("windows", "pa55\r\n");
    stage.write(".hidden", "hidden");
    stage.write("ä b", "odd name");
    let files = stage.files();
    check(&files, "plain", "=pa55");
    check(&files, "db/app/password.txt", "=p\na\n5\n5");
    check(&files, "empty", "=");
    check(&files, "newline", "=");
    check(&files, "windows", "=pa55");
    check(&files, ".hidden", "=hidden");
    check(&files, "ä b", "=odd name");
    let raw = Files::new(stage.config().with_trim(Trim::None)).unwrap();
    check(&raw, "newline", "=\n");
    check(&raw, "windows", "=pa55\r\n");
}

#[test]
fn bytes_that_are_no_text_keep_what_looks_like_a_newline() {
    let stage = Stage::new();
    let key = [0x30, 0x82, 0x00, 0xff, 0x0d, 0x0a];
    stage.write("key.der", key);
    let fetched = fetch(&stage.files(), &Request::new("key.der")).unwrap();
    match fetched.payload() {
        perennial_backend::Payload::Secret(secret) => assert_eq!(secret.expose(), key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_may_be_as_large_as_the_limit_and_no_larger() {
    let stage = Stage::new();
    stage.write("fits", "12345");
    stage.write("large", "canary");
    let files = Files::new(stage.config().with_max_size(5)).unwrap();
    check(&files, "fits", "=12345");
    check(
        &files,
        "large",
        "invalid_reference: `large` has more than 5 bytes",
    );
    let default = vec![b'x'; 1024 * 1024];
    stage.write("default", &default);
    assert!(fetch(&stage.files(), &Request::new("default")).is_ok());
    stage.write("default", [&default[..], b"x"].concat());
    check(
        &stage.files(),
        "default",
        "invalid_reference: `default` has more than 1048576 bytes",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn files_whose_size_the_system_does_not_know_are_read_within_the_limit() {
    let config = perennial_backend_fs::Config::default().with_prefix("/proc/self");
    let files = Files::new(config.clone()).unwrap();
    let status = told(&fetch(&files, &Request::new("status")));
    assert!(status.contains("Name:"), "{status}");
    check(
        &Files::new(config.with_max_size(16)).unwrap(),
        "status",
        "invalid_reference: `status` has more than 16 bytes",
    );
}

#[test]
fn options_of_a_reference_stand_in_for_settings() {
    let stage = Stage::new();
    stage.write("file", "pa55\n");
    let told_of = |request: &Request| told(&fetch(&stage.files(), request));
    assert_eq!(told_of(&optional("file", "trim", "none")), "=pa55\n");
    assert_eq!(
        told_of(&optional("file", "max_size", "4")),
        "invalid_reference: `file` has more than 4 bytes"
    );
    assert_eq!(
        told_of(&optional("file", "trim", "both")),
        "invalid_reference: option `trim` takes one of newline, none, not `both`"
    );
    assert_eq!(told_of(&optional("file", "prefix", "/etc")), "=pa55");
}

#[test]
fn what_is_not_there_is_not_found() {
    let stage = Stage::new();
    stage.write("file", "canary");
    stage.link("dangling", "nowhere");
    let files = stage.files();
    check(
        &files,
        "absent",
        "not_found: `absent` does not exist (ENOENT)",
    );
    check(
        &files,
        "absent/below",
        "not_found: `absent/below` does not exist (ENOENT)",
    );
    check(
        &files,
        "file/below",
        "not_found: `file/below` does not exist (ENOTDIR)",
    );
    check(
        &files,
        "dangling",
        "not_found: `dangling` is behind a link to something that does not exist (ENOENT)",
    );
    let long = "x".repeat(300);
    check(
        &files,
        &long,
        &format!("invalid_reference: `{long}` cannot be the name of a file here (ENAMETOOLONG)"),
    );
}

#[test]
fn a_prefix_that_is_not_there_is_unavailable_until_it_is() {
    let stage = Stage::new();
    stage.write("file", "pa55");
    let files = stage.files();
    let prefix = stage.beside("prefix");
    std::fs::rename(&prefix, stage.beside("elsewhere")).unwrap();
    let shown = prefix.display();
    check(
        &files,
        "file",
        &format!("unavailable: the vault's prefix `{shown}` does not exist (ENOENT)"),
    );
    std::fs::write(&prefix, "canary").unwrap();
    check(
        &files,
        "file",
        &format!("invalid_config: the vault's prefix `{shown}` is not a directory (ENOTDIR)"),
    );
    std::fs::remove_file(&prefix).unwrap();
    std::os::unix::fs::symlink("elsewhere", &prefix).unwrap();
    check(&files, "file", "=pa55");
}

#[test]
fn only_the_current_version_is_known() {
    let stage = Stage::new();
    stage.write("file", "pa55");
    let files = stage.files();
    let previous = Request::new("file").with_selector(perennial_backend::Selector::Previous);
    let error = fetch(&files, &previous).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.help(),
        Some("remove the version: this backend keeps none")
    );
    let known = Request::new("file")
        .with_known_version(Version::new("any"))
        .with_purpose(Purpose::Refresh);
    let fetched = fetch(&files, &known).unwrap();
    assert!(fetched.version().is_none());
    assert_eq!(files.capabilities(), perennial_backend::Capabilities::new());
}

#[test]
fn the_table_s_row_reads_files() {
    let stage = Stage::new();
    let row = backend_type();
    assert_eq!(row.name(), "fs");
    let prefix = stage
        .beside("prefix")
        .into_os_string()
        .into_string()
        .unwrap();
    assert!(row.build(&SettingMap::new().with("prefix", prefix)).is_ok());
    let error = row.build(&SettingMap::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.message(), "setting `prefix` is required");
    assert_eq!(
        error.help(),
        Some("set `prefix`, for example `/run/secrets`")
    );
}
