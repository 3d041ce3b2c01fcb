//! Stages that need a tool, a toolchain or a database: a missing one fails the stage by its name.

use super::{Outcome, Scene};
use crate::process::{Step, cargo};
use crate::workspace::{Member, Workspace};

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
        let check = [toolchain.as_str(), "check", "--lib", "--bins", "--package"];
        let features = promised(&scene.workspace, member).join(",");
        cargo(scene.root, check)
            .args([
                &member.name,
                "--no-default-features",
                "--features",
                &features,
            ])
            .run()?;
    }
    Ok(Outcome::Passed)
}

/// The features of a crate that its own oldest Rust compiles: all but those that bring a crate of
/// ours which asks for a newer one, and says so itself.
fn promised<'a>(workspace: &Workspace, member: &'a Member) -> Vec<&'a str> {
    let own = version(member);
    let features = member.manifest.features();
    let mut left: Vec<_> = features.iter().map(|(name, _)| *name).collect();
    loop {
        let fits = |item: &&str| match item.strip_prefix("dep:") {
            Some(package) => workspace
                .member(package)
                .is_none_or(|brought| version(brought) <= own),
            None => item.contains('/') || left.contains(item),
        };
        let still: Vec<_> = features
            .iter()
            .filter(|(name, list)| left.contains(name) && list.iter().all(fits))
            .map(|(name, _)| *name)
            .collect();
        if still.len() == left.len() {
            return still;
        }
        left = still;
    }
}

/// The oldest Rust of a crate, part by part.
fn version(member: &Member) -> Vec<u32> {
    let text = member.manifest.str(&["package", "rust-version"]);
    let parts = text.unwrap_or_default().split('.');
    let mut parts: Vec<_> = parts.map(|part| part.parse().unwrap_or(0)).collect();
    parts.resize(3, 0);
    parts
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    #[test]
    fn features_that_bring_a_crate_with_a_newer_rust_are_that_crates_promise() {
        let crate_of = |name: &str, rust: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\nrust-version = \"{rust}\"\n{rest}")
        };
        let features = "[features]\ndefault = [\"old\"]\nold = [\"dep:b\", \"dep:serde\"]\n\
            new = [\"dep:c\"]\nfull = [\"old\", \"new\"]\nplain = [\"serde/derive\"]\n";
        let workspace = sample(&[
            ("crates/a/Cargo.toml", &crate_of("a", "1.85", features)),
            ("crates/b/Cargo.toml", &crate_of("b", "1.85.0", "")),
            ("crates/c/Cargo.toml", &crate_of("c", "1.94.1", "")),
        ]);
        let facade = workspace.member("a").unwrap();
        let mut found = promised(&workspace, facade);
        found.sort_unstable();
        assert_eq!(found, ["default", "old", "plain"]);
    }
}
