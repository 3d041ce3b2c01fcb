//! Names that say nothing, and module files that all look alike in an editor.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "file-names",
    about: "no mod.rs, and nothing whose name would fit any content",
    check,
};

const EMPTY_WORDS: &[&str] = &[
    "common", "core", "helper", "helpers", "manager", "managers", "util", "utils",
];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for path in workspace.paths().filter(|path| path.ends_with(".rs")) {
        if last(path) == "mod.rs" {
            found.push(Violation::new(
                path,
                "move it to a file named like its folder, beside it",
            ));
        }
    }
    for path in workspace.paths().chain(workspace.folders()) {
        let stem = last(path).split('.').next().unwrap_or_default();
        if EMPTY_WORDS.contains(&stem) {
            found.push(Violation::new(
                path,
                format!("`{stem}` says nothing: name it for its one idea"),
            ));
        }
    }
    for member in workspace.members() {
        for word in member
            .name
            .split('-')
            .filter(|word| EMPTY_WORDS.contains(word))
        {
            found.push(Violation::new(
                &member.dir,
                format!("`{word}` says nothing: name the crate for its one idea"),
            ));
        }
    }
    found
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn empty_names_are_found_in_files_folders_and_crates() {
        let rows = |path: &str, expected: &[&str]| check(&RULE, &[(path, "")], expected);
        rows("crates/a/src/parse.rs", &[]);
        rows("crates/a/src/score.rs", &[]);
        rows("crates/a/src/parse/mod.rs", &["crates/a/src/parse/mod.rs"]);
        rows("crates/a/src/util.rs", &["crates/a/src/util.rs"]);
        rows("crates/a/src/helpers/text.rs", &["crates/a/src/helpers"]);
        check(
            &RULE,
            &[(
                "crates/perennial-core/Cargo.toml",
                "[package]\nname = \"perennial-core\"",
            )],
            &["crates/perennial-core"],
        );
    }
}
