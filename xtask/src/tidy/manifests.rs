//! What every manifest says: inherited facts, and for published crates a face.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "manifests",
    about: "version, edition and licence come from the workspace; published crates introduce themselves",
    check,
};

const INHERITED: &[&str] = &["version", "edition", "license"];
const FACE: &[&str] = &["description", "readme", "rust-version"];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in workspace.members() {
        let manifest = &member.manifest;
        for key in INHERITED
            .iter()
            .filter(|key| !manifest.inherits(&["package", key]))
        {
            found.push(Violation::new(
                &manifest.path,
                format!("write `{key}.workspace = true`"),
            ));
        }
        if member
            .dir
            .rsplit_once('/')
            .is_some_and(|(_, folder)| folder != member.name)
        {
            found.push(Violation::new(
                &manifest.path,
                "folder and package differ in name: make them one",
            ));
        }
        if !manifest.publishable() {
            continue;
        }
        for key in FACE
            .iter()
            .filter(|key| manifest.get(&["package", key]).is_none())
        {
            found.push(Violation::new(
                &manifest.path,
                format!("is published, but has no `{key}`: add it"),
            ));
        }
        if let Some(readme) = manifest.str(&["package", "readme"]) {
            let path = format!("{}/{readme}", member.dir);
            if !workspace.exists(&path) {
                found.push(Violation::new(
                    path,
                    "the manifest names it as the readme: write it",
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

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        license.workspace = true\ndescription = \"A\"\nreadme = \"README.md\"\nrust-version = \"1.85\"\n";

    fn rows(text: &str, expected: &[&str]) {
        check(
            &RULE,
            &[("crates/a/Cargo.toml", text), ("crates/a/README.md", "# A")],
            expected,
        );
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let bad = &["crates/a/Cargo.toml"];
        rows(GOOD, &[]);
        rows(
            &GOOD.replace("version.workspace = true\n", "version = \"1.0.0\"\n"),
            bad,
        );
        rows(&GOOD.replace("license.workspace = true\n", ""), bad);
        rows(&GOOD.replace("\"a\"", "\"b\""), bad);
    }

    #[test]
    fn a_published_crate_without_a_face_is_found() {
        rows(
            &GOOD.replace("description = \"A\"\n", ""),
            &["crates/a/Cargo.toml"],
        );
        rows(
            &GOOD.replace("rust-version = \"1.85\"\n", ""),
            &["crates/a/Cargo.toml"],
        );
        rows(
            &GOOD.replace("README.md", "FRONT.md"),
            &["crates/a/FRONT.md"],
        );
        let home = GOOD.replace("description = \"A\"\n", "publish = false\n");
        rows(&home, &[]);
    }
}
