//! Which crate may depend on which. The table is the architecture; the rest only compares.
//!
//! The facade may name every library layer, because what it re-exports it must depend on.
//! `xtask` and `tests` stand outside: they may look at everything.

use super::{Rule, Violation};
use crate::manifest::Kind;
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "arrows",
    about: "crates depend on each other only as the table of rooms allows",
    check,
};

/// Room → the rooms it may depend on; a name that ends in `*` stands for all that begin so.
const ROOMS: &[(&str, &[&str])] = &[
    ("perennial-clock", &[]),
    ("perennial-reference", &[]),
    ("perennial-cache", &["perennial-clock"]),
    ("perennial-rotation", &["perennial-clock"]),
    (
        "perennial-backend",
        &["perennial-clock", "perennial-reference"],
    ),
    ("perennial-backend-*", &["perennial-backend"]),
    (
        "perennial-config",
        &["perennial-backend", "perennial-reference"],
    ),
    (
        "perennial-testkit",
        &["perennial-clock", "perennial-backend"],
    ),
    (
        "perennial-resolver",
        &[
            "perennial-clock",
            "perennial-reference",
            "perennial-cache",
            "perennial-rotation",
            "perennial-backend",
        ],
    ),
    ("perennial-postgres", &["perennial-resolver"]),
    ("perennial-reqwest", &["perennial-resolver"]),
    ("perennial-rustls", &["perennial-resolver"]),
    (
        "perennial",
        &[
            "perennial-clock",
            "perennial-reference",
            "perennial-cache",
            "perennial-rotation",
            "perennial-backend",
            "perennial-backend-*",
            "perennial-config",
            "perennial-resolver",
            "perennial-postgres",
            "perennial-reqwest",
            "perennial-rustls",
        ],
    ),
    ("perennial-agent", &["perennial"]),
    ("perennial-cli", &["perennial", "perennial-agent"]),
];

/// What any crate that stands on [`CONTRACT`] may use in its tests.
const TESTKIT: &str = "perennial-testkit";
const CONTRACT: &str = "perennial-backend";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in workspace.crates() {
        let Some(allowed) = row(&member.name) else {
            found.push(Violation::new(
                &member.name,
                "no room has this name: add a row to the table of arrows, or rename the crate",
            ));
            continue;
        };
        for dependency in member.manifest.dependencies() {
            let package = dependency.package.as_str();
            if !workspace.is_internal(package) || allowed.iter().any(|room| covers(room, package)) {
                continue;
            }
            if dependency.kind == Kind::Dev
                && package == TESTKIT
                && stands_on_contract(&member.name)
            {
                continue;
            }
            let may = if allowed.is_empty() {
                "no other crate".to_owned()
            } else {
                allowed.join(", ")
            };
            found.push(Violation::new(
                &member.name,
                format!("depends on {package}, but may depend on {may} only: move the code to the room it belongs to"),
            ));
        }
    }
    found
}

/// The row of a crate: its own, or that of its kind.
fn row(name: &str) -> Option<&'static [&'static str]> {
    let exact = ROOMS.iter().find(|(room, _)| *room == name);
    let (_, allowed) = exact.or_else(|| ROOMS.iter().find(|(room, _)| covers(room, name)))?;
    Some(allowed)
}

fn covers(room: &str, name: &str) -> bool {
    room.strip_suffix('*')
        .map_or(room == name, |start| name.starts_with(start))
}

fn stands_on_contract(name: &str) -> bool {
    name == CONTRACT
        || row(name).is_some_and(|below| below.iter().any(|room| stands_on_contract(room)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, dependencies: &str, expected: &[&str]) {
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
        let path = format!("crates/{name}/Cargo.toml");
        super::super::check(&RULE, &[(&path, &manifest)], expected);
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        rows(
            "perennial-cache",
            "[dependencies]\nperennial-backend.workspace = true",
            &["perennial-cache"],
        );
        rows(
            "perennial-cache",
            "[dependencies]\nperennial-clock.workspace = true",
            &[],
        );
        rows(
            "perennial-backend-aws",
            "[dependencies]\nperennial-clock.workspace = true",
            &["perennial-backend-aws"],
        );
        rows(
            "perennial-backend-aws",
            "[dependencies]\nperennial-backend.workspace = true",
            &[],
        );
        rows(
            "perennial-agent",
            "[dependencies]\nperennial-resolver.workspace = true",
            &["perennial-agent"],
        );
        rows(
            "perennial-cli",
            "[dependencies]\nperennial.workspace = true\nperennial-agent.workspace = true",
            &[],
        );
        rows(
            "perennial",
            "[dependencies]\nperennial-backend-any.workspace = true",
            &[],
        );
    }

    #[test]
    fn a_crate_cannot_hide_behind_another_name_or_a_target() {
        rows(
            "perennial-clock",
            "[dependencies]\nx = { package = \"perennial-cache\", path = \"\" }",
            &["perennial-clock"],
        );
        rows(
            "perennial-clock",
            "[target.'cfg(unix)'.dependencies]\nperennial-cache.path = \"\"",
            &["perennial-clock"],
        );
    }

    #[test]
    fn the_testkit_is_for_tests_at_or_below_the_contract() {
        let dev = "[dev-dependencies]\nperennial-testkit.path = \"\"";
        rows("perennial-backend", dev, &[]);
        rows("perennial-backend-fs", dev, &[]);
        rows("perennial-cli", dev, &[]);
        rows("perennial-cache", dev, &["perennial-cache"]);
        rows(
            "perennial-backend-fs",
            "[dependencies]\nperennial-testkit.path = \"\"",
            &["perennial-backend-fs"],
        );
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        rows("perennial-attic", "", &["perennial-attic"]);
    }

    #[test]
    fn the_table_has_no_cycle() {
        // The recursion of `stands_on_contract` ends only then.
        for (index, (_, allowed)) in ROOMS.iter().enumerate() {
            let later = |name: &&&str| ROOMS.iter().skip(index).any(|(room, _)| room == *name);
            assert_eq!(
                allowed.iter().find(later),
                None,
                "rows stand after what they depend on"
            );
        }
    }
}
