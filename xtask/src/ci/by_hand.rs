//! Stages that need a tool, a toolchain or a database: a missing one fails the stage by its name.

use super::{Outcome, Scene};
use crate::process::{Step, cargo};

/// Checks every published crate with the oldest Rust that its manifest promises.
pub(super) fn msrv(scene: &Scene<'_>) -> Result<Outcome, String> {
    for member in scene.workspace.publishable() {
        let Some(version) = member.manifest.str(&["package", "rust-version"]) else {
            continue;
        };
        let toolchain = format!("+{version}");
        if !cargo(scene.root, [toolchain.as_str(), "--version"]).succeeds() {
            return Err(format!(
                "Rust {version} is not installed: rustup toolchain install {version} --profile minimal"
            ));
        }
        let check = [
            toolchain.as_str(),
            "check",
            "--all-features",
            "--lib",
            "--bins",
            "--package",
        ];
        cargo(scene.root, check).args([&member.name]).run()?;
    }
    Ok(Outcome::Passed)
}

/// Checks licences, advisories, duplicates and sources.
pub(super) fn deny(scene: &Scene<'_>) -> Result<Outcome, String> {
    installed(scene, "deny")?;
    if !scene.workspace.exists(".deny.toml") {
        return Err(
            "there is no .deny.toml: write which licences and sources are allowed".to_owned(),
        );
    }
    cargo(scene.root, ["deny", "check"]).run()?;
    Ok(Outcome::Passed)
}

/// Compares the API with the last release.
pub(super) fn semver(scene: &Scene<'_>) -> Result<Outcome, String> {
    installed(scene, "semver-checks")?;
    let git =
        Step::new(scene.root, "git").args(["describe", "--tags", "--abbrev=0", "--match", "v*"]);
    let Ok(tag) = git.capture() else {
        return Ok(Outcome::NotRun(
            "there is no release yet to compare with".to_owned(),
        ));
    };
    cargo(
        scene.root,
        ["semver-checks", "--workspace", "--baseline-rev", tag.trim()],
    )
    .run()?;
    Ok(Outcome::Passed)
}

/// Looks for types of others in the API that the manifests do not list.
pub(super) fn external_types(scene: &Scene<'_>) -> Result<Outcome, String> {
    installed(scene, "check-external-types")?;
    if !cargo(scene.root, ["+nightly", "--version"]).succeeds() {
        return Err(
            "no nightly toolchain is installed: rustup toolchain install nightly".to_owned(),
        );
    }
    for member in scene.workspace.publishable() {
        let path = member.manifest.path.as_str();
        cargo(
            scene.root,
            [
                "+nightly",
                "check-external-types",
                "--all-features",
                "--manifest-path",
                path,
            ],
        )
        .run()?;
    }
    Ok(Outcome::Passed)
}

fn installed(scene: &Scene<'_>, tool: &str) -> Result<(), String> {
    if cargo(scene.root, [tool, "--version"]).succeeds() {
        Ok(())
    } else {
        Err(format!(
            "cargo-{tool} is not installed: cargo install cargo-{tool} --locked"
        ))
    }
}
