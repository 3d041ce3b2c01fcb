//! Versions are written once, at the top.

use std::collections::BTreeSet;

use toml::Value;

use super::{Rule, Violation};
use crate::manifest::Kind;
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "workspace-pins",
    about: "no crate pins a version itself, our own carry the workspace's, and no pin is left over",
    check,
};

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in workspace.members() {
        for dependency in member.manifest.dependencies() {
            let ours = workspace.is_internal(&dependency.package);
            let bare_path = dependency.path && !dependency.pinned;
            let at_home = ours && (dependency.kind == Kind::Dev || !member.manifest.publishable());
            let fine = dependency.inherited || (at_home && bare_path);
            if !fine {
                let package = &dependency.package;
                found.push(Violation::new(
                    &member.manifest.path,
                    format!("`{package}` is not `workspace = true`: put its version into the root manifest"),
                ));
            }
        }
    }
    let version = workspace.root().str(&["workspace", "package", "version"]);
    let shared = workspace
        .root()
        .get(&["workspace", "dependencies"])
        .and_then(Value::as_table);
    let used: BTreeSet<_> = workspace
        .members()
        .iter()
        .flat_map(|member| member.manifest.dependencies())
        .map(|dependency| dependency.package)
        .collect();
    for (name, value) in shared.into_iter().flatten() {
        let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
        if !used.contains(package) && !workspace.is_internal(package) {
            found.push(Violation::new(
                "Cargo.toml",
                format!("no crate depends on `{name}`: remove its line"),
            ));
        }
        let own = value.get("version").and_then(Value::as_str);
        if workspace.is_internal(name) && value.get("path").is_some() && own != version {
            found.push(Violation::new(
                "Cargo.toml",
                format!(
                    "`{name}` must carry the workspace's version, {}",
                    version.unwrap_or("which is missing")
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
    fn a_pin_of_a_crate_is_found() {
        let rows = |lines: &str, expected: &[&str]| {
            let text = format!("[package]\nname = \"perennial-a\"\n{lines}");
            check(&RULE, &[("crates/perennial-a/Cargo.toml", &text)], expected);
        };
        let bad = &["crates/perennial-a/Cargo.toml"];
        rows("[dependencies]\ntokio.workspace = true", &[]);
        rows("[dependencies]\ntokio = \"1\"", bad);
        rows(
            "[dependencies]\ntokio = { version = \"1\", optional = true }",
            bad,
        );
        rows("[target.'cfg(unix)'.dependencies]\nrustix = \"1\"", bad);
        rows(
            "[dependencies]\nperennial-clock = { path = \"../perennial-clock\" }",
            bad,
        );
        rows(
            "[dev-dependencies]\nperennial-testkit = { path = \"../perennial-testkit\" }",
            &[],
        );
    }

    #[test]
    fn the_top_gives_our_crates_one_version() {
        let top = |version: &str| {
            format!(
                "[workspace]\nmembers = []\n[workspace.package]\nversion = \"0.2.0\"\n\
                 [workspace.dependencies]\nperennial-a = {{ path = \"crates/perennial-a\", version = \"{version}\" }}\n"
            )
        };
        check(&RULE, &[("Cargo.toml", &top("0.2.0"))], &[]);
        check(&RULE, &[("Cargo.toml", &top("0.1.0"))], &["Cargo.toml"]);
    }

    #[test]
    fn a_line_that_no_crate_needs_is_found() {
        let top =
            "[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\ntokio = \"1\"\n";
        let user = "[package]\nname = \"perennial-a\"\n[dependencies]\ntokio.workspace = true\n";
        let crate_path = "crates/perennial-a/Cargo.toml";
        check(&RULE, &[("Cargo.toml", top), (crate_path, user)], &[]);
        check(&RULE, &[("Cargo.toml", top)], &["Cargo.toml"]);
    }
}
