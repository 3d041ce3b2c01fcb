//! Files that a crate takes into itself: they are packaged only if they live in its folder.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "includes",
    about: "a crate includes files of its own folder only, others are missing from its package",
    check,
};

const MACROS: &[&str] = &["include!(\"", "include_bytes!(\"", "include_str!(\""];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in workspace.publishable() {
        let inside = format!("{}/src/", member.dir);
        for (path, text) in workspace
            .sources()
            .filter(|(path, _)| path.starts_with(&inside))
        {
            // How many folders lie between the file and its crate.
            let depth = path.matches('/').count() - member.dir.matches('/').count() - 1;
            for target in MACROS.iter().flat_map(|name| text.split(name).skip(1)) {
                let target = target.split('"').next().unwrap_or_default();
                if target.matches("../").count() > depth {
                    found.push(Violation::new(
                        path,
                        format!(
                            "includes `{target}`, which lies outside the crate: move it into {}",
                            member.dir
                        ),
                    ));
                }
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
    fn a_file_outside_the_crate_is_found() {
        let rows = |target: &str, expected: &[&str]| {
            let text = format!("#![doc = include_{}!(\"{target}\")]", "str");
            let toml = ("crates/a/Cargo.toml", "[package]\nname = \"a\"");
            check(&RULE, &[toml, ("crates/a/src/lib.rs", &text)], expected);
        };
        rows("../README.md", &[]);
        rows("words.txt", &[]);
        rows("../../../docs/index.md", &["crates/a/src/lib.rs"]);
    }
}
