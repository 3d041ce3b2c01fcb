//! `release prepare`: the one commit of a release, which holds nothing else.

use std::path::Path;

use toml::Value;

use super::version::Version;
use super::{CHANGELOG, changelog, current, require_clean, tag_exists};
use crate::clock::today;
use crate::manifest::Manifest;
use crate::process::{Step, cargo};
use crate::test::LAB;
use crate::workspace::Workspace;

/// The lab names our crates by path, so its lock holds their versions.
const LAB_LOCK: &str = "tests/lab/Cargo.lock";

/// Arguments of `release prepare`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask release prepare 0.2.0\n  cargo xtask release prepare 0.2.0 --date 2026-12-01\n  cargo xtask release prepare 0.2.0 --no-ci     where ci has run on this very commit"
)]
pub(super) struct Args {
    /// The version to release, in three numbers
    version: String,
    /// The date for the changelog; today if it is not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Do not run `ci` before the commit
    #[arg(long)]
    no_ci: bool,
}

pub(super) fn run(root: &Path, args: &Args) -> Result<(), String> {
    require_clean(root)?;
    let workspace = Workspace::load(root)?;
    let now = current(&workspace)?;
    let next = Version::parse(&args.version)?;
    let tag = format!("v{next}");
    if next < now || tag_exists(root, &tag) {
        return Err(format!(
            "{next} is not after what there is ({now}): `cargo xtask release plan` proposes one"
        ));
    }
    let log = workspace
        .text(CHANGELOG)
        .ok_or_else(|| format!("there is no {CHANGELOG}: write it"))?;
    if changelog::unreleased(log)?.entries == 0 {
        return Err(format!(
            "nothing is unreleased in {CHANGELOG}: write what changed"
        ));
    }
    let date = args.date.clone().unwrap_or_else(today);
    check_date(&date)?;
    let top = bumped(&workspace, now, next)?;

    write(
        root,
        CHANGELOG,
        &changelog::released(log, &args.version, &date),
    )?;
    write(root, "Cargo.toml", &top)?;
    // The lock names our own versions too; nothing else in it may move.
    let mut paths = vec![CHANGELOG, "Cargo.toml", "Cargo.lock"];
    cargo(root, ["update", "--workspace", "--offline"]).run()?;
    if workspace.exists(LAB_LOCK) {
        cargo(
            root,
            ["update", "--workspace", "--offline", "--manifest-path", LAB],
        )
        .run()?;
        paths.push(LAB_LOCK);
    }
    if !args.no_ci {
        let undo = "nothing was committed; `git restore .` takes the changes back";
        cargo(root, ["xtask", "ci"])
            .run()
            .map_err(|why| format!("{why}: {undo}"))?;
    }
    let message = format!("Release {next}");
    let commit = ["commit", "--quiet", "--message", &message, "--"];
    Step::new(root, "git").args(commit).args(paths).run()?;
    println!("committed: {message}; next: cargo xtask release publish");
    Ok(())
}

/// The manifest at the top with the new version wherever it names our own.
fn bumped(workspace: &Workspace, now: Version, next: Version) -> Result<String, String> {
    let (old, new) = (
        format!("version = \"{now}\""),
        format!("version = \"{next}\""),
    );
    let mut section = "";
    let mut text = String::new();
    for line in workspace.root().text.lines() {
        if line.starts_with('[') {
            section = line.trim();
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        let ours = match section {
            "[workspace.package]" => name == "version",
            "[workspace.dependencies]" => workspace.is_internal(name),
            _ => false,
        };
        text += &if ours {
            line.replacen(&old, &new, 1)
        } else {
            line.to_owned()
        };
        text.push('\n');
    }
    verify(workspace, &text, next)?;
    Ok(text)
}

/// Invariant: after a bump every crate of ours carries the new version, however it was written.
fn verify(workspace: &Workspace, text: &str, next: Version) -> Result<(), String> {
    let top = Manifest::parse("Cargo.toml", text)?;
    let next = next.to_string();
    let mut left = Vec::new();
    if top.str(&["workspace", "package", "version"]) != Some(&next) {
        left.push("workspace.package");
    }
    let shared = top
        .get(&["workspace", "dependencies"])
        .and_then(Value::as_table);
    for (name, value) in shared.into_iter().flatten() {
        let version = value.get("version").and_then(Value::as_str);
        if workspace.is_internal(name) && version.is_some_and(|version| version != next) {
            left.push(name);
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(format!(
        "cannot bump {} in Cargo.toml: write each with its version on one line",
        left.join(", ")
    ))
}

fn check_date(date: &str) -> Result<(), String> {
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if date.len() == 10 && date.bytes().enumerate().all(shape) {
        Ok(())
    } else {
        Err(format!("`{date}` is not a date: write it as in 2026-12-01"))
    }
}

fn write(root: &Path, path: &str, text: &str) -> Result<(), String> {
    std::fs::write(root.join(path), text).map_err(|why| format!("cannot write {path}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    fn bump(dependencies: &str) -> Result<String, String> {
        let top = format!(
            "[workspace]\nmembers = []\n\n[workspace.package]\nversion = \"0.1.0\" # one number\n\n\
             [workspace.dependencies]\n# Ours.\n{dependencies}\nother = {{ version = \"0.1.0\" }}\n"
        );
        let parse = |text| Version::parse(text).unwrap();
        bumped(
            &sample(&[("Cargo.toml", &top)]),
            parse("0.1.0"),
            parse("0.2.0"),
        )
    }

    #[test]
    fn our_versions_move_and_others_stay() {
        let text =
            bump("perennial-a = { version = \"0.1.0\", path = \"crates/perennial-a\" }").unwrap();
        assert!(text.contains("version = \"0.2.0\" # one number"), "{text}");
        assert!(
            text.contains("perennial-a = { version = \"0.2.0\", path"),
            "{text}"
        );
        assert!(text.contains("other = { version = \"0.1.0\" }"), "{text}");
        assert!(text.contains("# Ours."), "{text}");
    }

    #[test]
    fn after_a_bump_every_crate_of_ours_carries_the_new_version() {
        let why = bump("perennial-a = { path = \"a\", version = '0.1.0' }").unwrap_err();
        assert!(why.contains("perennial-a"), "{why}");
    }

    #[test]
    fn dates_have_ten_signs() {
        assert!(check_date("2026-12-01").is_ok());
        for date in ["", "1.12.2026", "2026-12-1", "2026/12/01"] {
            assert!(check_date(date).is_err(), "{date}");
        }
    }
}
