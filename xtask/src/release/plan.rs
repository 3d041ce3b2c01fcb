//! `release plan`: looks at everything a release needs and changes nothing.

use std::path::Path;

use super::version::Bump;
use super::{CHANGELOG, changelog, current, order, packages, require_clean, tag_exists};
use crate::process::{Step, cargo};
use crate::workspace::Workspace;

/// Arguments of `release plan`.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask release plan                      everything\n  cargo xtask release plan --bump minor         as if minor were asked for\n  cargo xtask release plan --no-package         without packing the crates"
)]
pub(super) struct Args {
    /// Which number to raise; by default what the changelog asks for
    #[arg(long)]
    bump: Option<Bump>,
    /// Do not try to pack and compile every crate
    #[arg(long)]
    no_package: bool,
}

pub(super) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let workspace = Workspace::load(root)?;
    let mut obstacles = Vec::new();

    let now = current(&workspace)?;
    let order = order::order(&workspace)?;
    println!("order:");
    for (index, name) in order.iter().enumerate() {
        println!("  {:>2}. {name}", index + 1);
    }

    let log = workspace
        .text(CHANGELOG)
        .ok_or_else(|| format!("there is no {CHANGELOG}"));
    let mut breaking = false;
    match log.and_then(changelog::unreleased) {
        Ok(found) => {
            let word = if found.breaking {
                ", something breaks"
            } else {
                ""
            };
            println!("changelog: {} unreleased{word}", found.entries);
            breaking = found.breaking;
            if found.entries == 0 {
                obstacles.push(format!(
                    "nothing is unreleased in {CHANGELOG}: write what changed"
                ));
            }
        }
        Err(why) => obstacles.push(why),
    }

    println!("version: {now} now");
    if tag_exists(root, &format!("v{now}")) {
        let bump = args.bump.unwrap_or_else(|| now.due(breaking));
        println!("next: {}", now.bumped(bump));
        semver(root, &format!("v{now}"), &mut obstacles)?;
    } else {
        let next = args.bump.map_or(now, |bump| now.bumped(bump));
        println!("next: {next}, as {now} was never tagged");
        println!("semver: not run, there is no release v{now} to compare with");
    }
    obstacles.extend(require_clean(root).err());

    if args.no_package {
        println!("package: not run, as asked");
    } else {
        let pack = cargo(root, ["package", "--allow-dirty"]).args(packages(&order));
        obstacles.extend(pack.run().err());
    }

    if obstacles.is_empty() {
        println!("nothing stands in the way");
        return Ok(());
    }
    Err(format!(
        "this stands in the way of a release:\n  {}",
        obstacles.join("\n  ")
    ))
}

fn semver(root: &Path, tag: &str, obstacles: &mut Vec<String>) -> Result<(), String> {
    if !cargo(root, ["semver-checks", "--version"]).succeeds() {
        println!("semver: not run, cargo-semver-checks is not installed");
        return Ok(());
    }
    let ended = Step::new(root, "cargo")
        .args(["semver-checks", "--workspace", "--baseline-rev", tag])
        .watch()?;
    if !ended.ok {
        obstacles.push(format!(
            "the API breaks what {tag} promised: say so in the changelog, or mend it"
        ));
    }
    Ok(())
}
