//! What a person sees who opens the repository.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "top-level",
    about: "at the top stand the manifest, four folders, the README and what machines need",
    check,
};

const ALLOWED: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "crates",
    "docs",
    "tests",
    "xtask",
];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut tops: Vec<_> = workspace
        .paths()
        .filter_map(|path| path.split('/').next())
        .collect();
    tops.dedup();
    let stray = tops.into_iter().filter(|name| {
        !ALLOWED.contains(name) && !name.starts_with('.') && !name.starts_with("LICENSE-")
    });
    stray
        .map(|name| {
            Violation::new(
                name,
                "does not belong at the top: move it into one of the folders",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_stray_at_the_top_is_found() {
        check(
            &RULE,
            &[(".ci/run", ""), ("LICENSE-MIT", ""), ("docs/a.md", "")],
            &[],
        );
        check(
            &RULE,
            &[("scripts/a.sh", ""), ("scripts/b.sh", ""), ("notes.md", "")],
            &["notes.md", "scripts"],
        );
    }
}
