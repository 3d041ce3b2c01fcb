//! Every crate takes the workspace's lints, and no crate its own.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "lints",
    about: "every crate takes the lints of the workspace, and no crate has a configuration of its own",
    check,
};

/// A second file of this name replaces the one at the top instead of adding to it.
const CONFIGURATIONS: &[&str] = &[
    ".clippy.toml",
    "clippy.toml",
    ".rustfmt.toml",
    "rustfmt.toml",
];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in workspace.members() {
        let lints = member
            .manifest
            .get(&["lints"])
            .and_then(toml::Value::as_table);
        let alone = lints.is_some_and(|table| table.len() == 1);
        if !alone || !member.manifest.inherits(&["lints"]) {
            found.push(Violation::new(
                &member.manifest.path,
                "does not take the workspace's lints alone: write `[lints]` and `workspace = true`",
            ));
        }
        for name in CONFIGURATIONS {
            let path = format!("{}/{name}", member.dir);
            if workspace.exists(&path) {
                found.push(Violation::new(
                    path,
                    "replaces the file at the top: remove it, use `#[expect]` where needed",
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_crate_without_the_lints_or_with_its_own_is_found() {
        let rows = |lints: &str, expected: &[&str]| {
            let text = format!("[package]\nname = \"a\"\n{lints}");
            check(&RULE, &[("crates/a/Cargo.toml", &text)], expected);
        };
        rows("[lints]\nworkspace = true", &[]);
        rows("", &["crates/a/Cargo.toml"]);
        rows(
            "[lints.rust]\nunsafe_code = \"allow\"",
            &["crates/a/Cargo.toml"],
        );
        rows("[lints]\nworkspace = false", &["crates/a/Cargo.toml"]);
    }

    #[test]
    fn a_second_configuration_is_found() {
        let toml = (
            "crates/a/Cargo.toml",
            "[package]\nname = \"a\"\n[lints]\nworkspace = true",
        );
        check(
            &RULE,
            &[toml, ("crates/a/clippy.toml", "")],
            &["crates/a/clippy.toml"],
        );
    }
}
