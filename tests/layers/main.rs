//! What comes along with each layer, for users who take only one.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Returns the names of all packages that a member of the lab is built from, itself included.
fn built_from(member: &str) -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--package", member, "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_grammar_brings_no_runtime_and_no_serde() {
    let expected = ["memchr", "perennial-reference", "reference-only"].map(str::to_owned);
    assert_eq!(built_from("reference-only"), BTreeSet::from(expected));
}
