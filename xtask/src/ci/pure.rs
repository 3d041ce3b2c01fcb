//! `pure`: the crates that only compute. The list says what each may stand on; all else fails.

use super::{Outcome, Scene};
use crate::process::cargo;
use crate::workspace::Workspace;

/// A pure crate.
struct Pure {
    name: &'static str,
    /// Every crate its default build may contain, however deep.
    may_use: &'static [&'static str],
    no_std: bool,
}

const PURE: &[Pure] = &[
    Pure {
        name: "perennial-clock",
        may_use: &[],
        no_std: true,
    },
    Pure {
        name: "perennial-reference",
        may_use: &["memchr"],
        no_std: true,
    },
    Pure {
        name: "perennial-cache",
        may_use: &["perennial-clock"],
        no_std: false,
    },
    Pure {
        name: "perennial-rotation",
        may_use: &["perennial-clock"],
        no_std: false,
    },
];

pub(super) fn run(scene: &Scene<'_>) -> Result<Outcome, String> {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for pure in PURE
        .iter()
        .filter(|pure| scene.workspace.member(pure.name).is_some())
    {
        let tree = [
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            pure.name,
        ];
        wrong.extend(strangers(pure, &cargo(scene.root, tree).capture()?));
        wrong.extend(needs_std(pure, &scene.workspace));
        seen += 1;
    }
    println!("{seen} pure crates looked at");
    if wrong.is_empty() {
        Ok(Outcome::Passed)
    } else {
        Err(wrong.join("\n"))
    }
}

fn strangers(pure: &Pure, tree: &str) -> Vec<String> {
    let mut names: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != pure.name && !pure.may_use.contains(name));
    let complain = |name| {
        format!(
            "{} stands on {name}: move what needs it to another crate",
            pure.name
        )
    };
    names.into_iter().map(complain).collect()
}

fn needs_std(pure: &Pure, workspace: &Workspace) -> Option<String> {
    let text = workspace
        .text(&format!("crates/{}/src/lib.rs", pure.name))
        .unwrap_or_default();
    let says = text.lines().any(|line| {
        line.starts_with("#![no_std]")
            || (line.starts_with("#![cfg_attr(") && line.contains("no_std"))
    });
    (pure.no_std && !says).then(|| {
        format!(
            "{} does not say `#![no_std]`: add it to its lib.rs",
            pure.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    const CRATE: Pure = Pure {
        name: "perennial-cache",
        may_use: &["perennial-clock"],
        no_std: true,
    };

    #[test]
    fn a_stranger_in_the_tree_is_found() {
        let tree = "perennial-cache v0.1.0\nperennial-clock v0.1.0\n";
        assert!(strangers(&CRATE, tree).is_empty());
        let tokio = format!("{tree}tokio v1.0.0\npin-project-lite v0.2.0\ntokio v1.0.0 (*)\n");
        assert_eq!(strangers(&CRATE, &tokio).len(), 2);
    }

    #[test]
    fn a_crate_that_must_do_without_std_says_so() {
        let check = |text: &str, right: bool| {
            let workspace = sample(&[("crates/perennial-cache/src/lib.rs", text)]);
            assert_eq!(needs_std(&CRATE, &workspace).is_none(), right, "{text}");
        };
        check("//! A.\n#![no_std]\n", true);
        check("#![cfg_attr(not(feature = \"system\"), no_std)]\n", true);
        check("//! A.\n// #![no_std]\n", false);
    }
}
