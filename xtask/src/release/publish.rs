//! `release publish`: the crates in order, then the tag. Safe to run twice.

use std::path::Path;

use super::{CHANGELOG, current, order, packages, require_clean, tag_exists};
use crate::process::{Step, cargo};
use crate::workspace::Workspace;

/// What cargo says of a version that is up already.
const ALREADY_UP: &str = "already exists on";

/// Arguments of `release publish`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask release publish               packs and checks everything, uploads nothing\n  cargo xtask release publish --execute     uploads what is not up yet, then tags"
)]
pub(super) struct Args {
    /// Upload and tag; without it this is a dry run
    #[arg(long)]
    execute: bool,
}

pub(super) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let workspace = Workspace::load(root)?;
    let version = current(&workspace)?;
    let order = order::order(&workspace)?;
    let tag = format!("v{version}");
    if !args.execute {
        cargo(root, ["publish", "--dry-run", "--allow-dirty"])
            .args(packages(&order))
            .run()?;
        println!(
            "a dry run: nothing was uploaded. With --execute this would publish, in this order,"
        );
        println!("  {}", order.join("\n  "));
        println!("and then set the tag {tag}");
        return Ok(());
    }
    require_clean(root)?;
    let log = workspace.text(CHANGELOG).unwrap_or_default();
    if !log
        .lines()
        .any(|line| line.starts_with(&format!("## {version} (")))
    {
        return Err(format!(
            "{version} has no dated heading in {CHANGELOG}: prepare it first"
        ));
    }
    for name in &order {
        let ended = cargo(root, ["publish", "--package", name]).watch()?;
        if ended.ok {
            println!("{name} {version}: published");
        } else if ended.errors.contains(ALREADY_UP) {
            println!("{name} {version}: is up already");
        } else {
            return Err(format!(
                "{name} was not published: mend it and run this again, what is up is skipped"
            ));
        }
    }
    set_tag(root, &tag)
}

/// Tags last, so that a tag means that everything is up.
fn set_tag(root: &Path, tag: &str) -> Result<(), String> {
    let git = |args: &[&str]| Step::new(root, "git").args(args);
    if tag_exists(root, tag) {
        let commit = format!("{tag}^{{commit}}");
        let there = git(&["rev-parse", &commit]).capture()?;
        let here = git(&["rev-parse", "HEAD"]).capture()?;
        if there != here {
            return Err(format!(
                "the tag {tag} is on another commit: look which of the two was published"
            ));
        }
        println!("the tag {tag} is set already");
    } else {
        git(&["tag", "--annotate", tag, "--message", tag]).run()?;
    }
    println!("done; now: git push origin {tag}");
    Ok(())
}
