//! `release`: what a release would do, its one commit, and its way to the registry.
//!
//! All crates carry one version until 1.0: one number, one changelog, one tag.

mod changelog;
mod order;
mod plan;
mod prepare;
mod publish;
mod version;

use std::path::Path;

use crate::process::Step;
use crate::workspace::Workspace;
use version::Version;

const CHANGELOG: &str = "docs/changelog.md";

/// Arguments of `release`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask release plan                  what would happen\n  cargo xtask release prepare 0.2.0         the one commit of a release\n  cargo xtask release publish               a dry run\n  cargo xtask release publish --execute     for good"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Option<Phase>,
}

#[derive(Debug, clap::Subcommand)]
enum Phase {
    /// Shows the order of publishing, the next version and what stands in the way
    Plan(plan::Args),
    /// Dates the changelog, bumps the versions, runs `ci` and commits
    Prepare(prepare::Args),
    /// Publishes what is not up yet, in order, and tags last; a dry run unless told otherwise
    Publish(publish::Args),
}

/// Does one step of a release; the plan if none is named.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    match &args.step {
        None => plan::run(root, &plan::Args::default()),
        Some(Phase::Plan(args)) => plan::run(root, args),
        Some(Phase::Prepare(args)) => prepare::run(root, args),
        Some(Phase::Publish(args)) => publish::run(root, args),
    }
}

/// The version that all crates carry now.
fn current(workspace: &Workspace) -> Result<Version, String> {
    let text = workspace.root().str(&["workspace", "package", "version"]);
    Version::parse(text.ok_or("Cargo.toml has no version in [workspace.package]")?)
}

/// Fails if anything is changed and not committed.
fn require_clean(root: &Path) -> Result<(), String> {
    let changed = Step::new(root, "git")
        .args(["status", "--porcelain"])
        .capture()?;
    match changed.lines().count() {
        0 => Ok(()),
        count => Err(format!(
            "{count} files are changed and not committed: commit them or put them away first"
        )),
    }
}

fn tag_exists(root: &Path, tag: &str) -> bool {
    let reference = format!("refs/tags/{tag}");
    Step::new(root, "git")
        .args(["rev-parse", "--verify", "--quiet", &reference])
        .succeeds()
}

/// `--package` and a name, for every crate.
fn packages<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| ["--package", name]).collect()
}
