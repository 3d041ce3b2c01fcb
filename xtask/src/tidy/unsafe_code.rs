//! The lint against `unsafe` stays on.
//!
//! `forbid` at the top cannot be undone by an attribute, but a crate that leaves the workspace's
//! lints, or a top that only denies, would pass unseen.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "unsafe",
    about: "the workspace forbids unsafe code and nothing outside the lab switches that off",
    check,
};

const LINT: &str = "unsafe_code";
const LAB: &str = "tests/lab/";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    if workspace.root().str(&["workspace", "lints", "rust", LINT]) != Some("forbid") {
        found.push(Violation::new(
            "Cargo.toml",
            "does not forbid unsafe code: set `unsafe_code = \"forbid\"`",
        ));
    }
    for (path, text) in workspace
        .sources()
        .filter(|(path, _)| !path.starts_with(LAB))
    {
        for (index, line) in text.lines().enumerate() {
            if switches_off(line.trim_start()) {
                found.push(Violation::new(
                    format!("{path}:{}", index + 1),
                    "allows unsafe code: write it safely, or measure in the lab what it would buy",
                ));
            }
        }
    }
    found
}

fn switches_off(line: &str) -> bool {
    let attribute = line.starts_with("#[") || line.starts_with("#![");
    let softer = ["allow(", "expect(", "warn("]
        .iter()
        .any(|level| line.contains(level));
    attribute && softer && line.contains(LINT)
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn an_attribute_that_switches_the_lint_off_is_found() {
        let rows = |text: &str, expected: &[&str]| {
            check(&RULE, &[("crates/a/src/lib.rs", text)], expected);
        };
        rows("#![forbid(unsafe_code)]", &[]);
        rows("//! A.\n#![allow(unsafe_code)]", &["crates/a/src/lib.rs:2"]);
        rows(
            "#[expect(unsafe_code, reason = \"fast\")]",
            &["crates/a/src/lib.rs:1"],
        );
        rows(
            "#![cfg_attr(x, allow(unsafe_code))]",
            &["crates/a/src/lib.rs:1"],
        );
        check(
            &RULE,
            &[("tests/lab/src/lib.rs", "#![allow(unsafe_code)]")],
            &[],
        );
    }

    #[test]
    fn a_top_that_does_not_forbid_is_found() {
        check(
            &RULE,
            &[("Cargo.toml", "[workspace]\nmembers = []")],
            &["Cargo.toml"],
        );
    }
}
