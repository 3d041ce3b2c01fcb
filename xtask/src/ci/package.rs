//! `package`: what would be published, packed and compiled as those who download it will.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Outcome, Scene};
use crate::process::cargo;

/// Packs every crate that would be published, and compiles it from there.
pub(super) fn run(scene: &Scene<'_>) -> Result<Outcome, String> {
    forget_packed(scene)?;
    let names = scene
        .workspace
        .publishable()
        .flat_map(|member| ["--package", &member.name]);
    cargo(scene.root, ["package", "--quiet", "--allow-dirty"])
        .args(names)
        .run()?;
    Ok(Outcome::Passed)
}

/// Removes what cargo unpacked and compiled from packages of ours when it verified them before.
///
/// It knows such a package by name and version alone, so that a crate would be compiled against the
/// others as they were then. It lies where no registry has its sources: those have a name before
/// the dash.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo's own folders are found as cargo finds them"
)]
fn forget_packed(scene: &Scene<'_>) -> Result<(), String> {
    let folder = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let home = folder("CARGO_HOME").or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let target = folder("CARGO_TARGET_DIR").unwrap_or_else(|| scene.root.join("target"));
    let version = scene.workspace.root();
    let version = version.str(&["workspace", "package", "version"]);
    let version = version.unwrap_or_default();
    let ours = |name: &str, tail: &str| {
        let mut all = scene.workspace.publishable();
        all.any(|member| name.strip_prefix(&*member.name) == Some(tail))
    };
    let mut stale = false;
    let sources = home.into_iter().map(|home| home.join("registry/src"));
    for registry in sources.flat_map(|sources| entries(&sources)) {
        if name(&registry).starts_with('-') {
            for unpacked in entries(&registry) {
                if ours(&name(&unpacked), &format!("-{version}")) {
                    remove(&unpacked)?;
                    stale = true;
                }
            }
        }
    }
    if stale {
        // What was compiled from there looks like what is compiled from here.
        for unit in entries(&target.join("debug/.fingerprint")) {
            let whole = name(&unit);
            let crate_name = whole.rsplit_once('-').map_or("", |(name, _)| name);
            if ours(crate_name, "") {
                remove(&unit)?;
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    found.map(|entry| entry.path()).collect()
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn remove(folder: &Path) -> Result<(), String> {
    fs::remove_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))
}
