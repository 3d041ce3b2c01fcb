//! The first line of every Rust file says what lives in it.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "module-docs",
    about: "every Rust file opens with `//!` and says what lives in it",
    check,
};

fn check(workspace: &Workspace) -> Vec<Violation> {
    let bare = workspace
        .sources()
        .filter(|(_, text)| !opens_with_docs(text));
    bare.map(|(path, _)| {
        Violation::new(
            path,
            "open it with `//!`: what lives here, and what must not",
        )
    })
    .collect()
}

fn opens_with_docs(text: &str) -> bool {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    first
        .strip_prefix("//!")
        .is_some_and(|line| !line.trim().is_empty())
        || (first.starts_with("#![") && first.contains("doc = include_str!"))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_file_that_does_not_introduce_itself_is_found() {
        let rows =
            |text: &str, expected: &[&str]| check(&RULE, &[("crates/a/src/b.rs", text)], expected);
        rows("//! What a moment is.\n", &[]);
        rows("\n//! What a moment is.\n", &[]);
        rows("#![doc = include_str!(\"../README.md\")]\n", &[]);
        rows("use std::fmt;\n//! Too late.\n", &["crates/a/src/b.rs"]);
        rows("//!\n", &["crates/a/src/b.rs"]);
        rows("", &["crates/a/src/b.rs"]);
    }
}
