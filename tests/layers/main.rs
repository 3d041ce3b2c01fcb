//! What comes along with each layer, for users who take only one.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Returns the names of all packages that a package is built from, itself included.
fn built_from(package: &str, manifest: &str, features: &[&str]) -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--package", package, "--manifest-path"])
        .arg(manifest)
        .args(features)
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
    let built = built_from("reference-only", "lab/Cargo.toml", &[]);
    assert_eq!(built, BTreeSet::from(expected));
}

/// The cryptography that all share has a name that begins like the clients of AWS.
#[test]
fn a_backend_brings_the_client_of_its_own_store_and_no_other() {
    let check = |feature: &str, own: &str, others: &[&str]| {
        let features = ["--no-default-features", "--features", feature];
        let built = built_from("perennial", "../Cargo.toml", &features);
        let begins = |start: &str| {
            built
                .iter()
                .filter(|name| name.starts_with(start) && !name.starts_with("aws-lc-"))
                .collect::<Vec<_>>()
        };
        assert!(!begins(own).is_empty(), "{feature}: no {own}");
        for other in others.iter().chain(&["ring", "native-tls", "openssl-sys"]) {
            assert!(begins(other).is_empty(), "{feature}: {:?}", begins(other));
        }
    };
    check(
        "env",
        "perennial-backend-env",
        &["aws", "google-cloud", "vaultrs", "reqwest", "rustls"],
    );
    check(
        "fs",
        "notify",
        &["aws", "google-cloud", "vaultrs", "reqwest", "rustls"],
    );
    check(
        "aws",
        "aws-sdk-secretsmanager",
        &["google-cloud", "vaultrs", "reqwest"],
    );
    check("gcp", "google-cloud-secretmanager", &["aws", "vaultrs"]);
    check("hcv", "vaultrs", &["aws", "google-cloud"]);
}
