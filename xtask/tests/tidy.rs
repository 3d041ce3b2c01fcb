//! Tidy as a test: whoever runs the tests also learns what breaks the house rules.

use std::process::Command;

#[test]
fn the_repository_is_tidy() {
    let tidy = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("tidy")
        .output()
        .unwrap();
    let violations = String::from_utf8_lossy(&tidy.stdout);
    let errors = String::from_utf8_lossy(&tidy.stderr);
    assert!(tidy.status.success(), "\n{violations}\n{errors}");
}
