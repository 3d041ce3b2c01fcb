//! Tests of the whole are listed by hand; one that is not listed never runs and looks green.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "test-targets",
    about: "every folder of tests with a main.rs is a [[test]] of tests/Cargo.toml",
    check,
};

const PACKAGE: &str = "tests/Cargo.toml";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(package) = workspace
        .members()
        .iter()
        .find(|member| member.manifest.path == PACKAGE)
    else {
        return Vec::new();
    };
    let targets = package
        .manifest
        .get(&["test"])
        .and_then(toml::Value::as_array);
    let listed: Vec<_> = targets
        .into_iter()
        .flatten()
        .filter_map(|target| target.get("path")?.as_str())
        .collect();
    let mut found = Vec::new();
    for path in workspace.paths() {
        let Some(inner) = path.strip_prefix("tests/") else {
            continue;
        };
        let Some(name) = inner
            .strip_suffix("/main.rs")
            .filter(|name| !name.contains('/'))
        else {
            continue;
        };
        if !listed.contains(&inner) {
            found.push(Violation::new(
                path,
                format!(
                    "never runs: add a [[test]] named `{name}` with path `{inner}` to {PACKAGE}"
                ),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_folder_that_is_not_listed_is_found() {
        let toml = (
            PACKAGE,
            "[package]\nname = \"t\"\n[[test]]\nname = \"layers\"\npath = \"layers/main.rs\"",
        );
        check(&RULE, &[toml, ("tests/layers/main.rs", "")], &[]);
        check(
            &RULE,
            &[toml, ("tests/stories/main.rs", "")],
            &["tests/stories/main.rs"],
        );
        check(&RULE, &[toml, ("tests/lab/src/main.rs", "")], &[]);
    }
}
