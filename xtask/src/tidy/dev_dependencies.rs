//! How crates depend on each other for their tests.
//!
//! A dev-dependency with a version is published too; the testkit stands on the contract and the
//! contract's tests on the testkit, so with versions neither could be published first.

use super::{Rule, Violation};
use crate::manifest::Kind;
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "dev-dependencies",
    about: "dev-dependencies on our own crates are a path and nothing else, so publishing has no cycles",
    check,
};

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in workspace.publishable() {
        for dependency in member.manifest.dependencies() {
            let ours = dependency.kind == Kind::Dev && workspace.is_internal(&dependency.package);
            if ours && (dependency.inherited || dependency.pinned || !dependency.path) {
                let package = &dependency.package;
                found.push(Violation::new(
                    &member.manifest.path,
                    format!(
                        "write the dev-dependency as `{package} = {{ path = \"../{package}\" }}`"
                    ),
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
    fn only_a_bare_path_will_do() {
        let rows = |line: &str, expected: &[&str]| {
            let text = format!("[package]\nname = \"perennial-a\"\n[dev-dependencies]\n{line}\n");
            check(&RULE, &[("crates/perennial-a/Cargo.toml", &text)], expected);
        };
        let bad = &["crates/perennial-a/Cargo.toml"];
        rows(
            "perennial-testkit = { path = \"../perennial-testkit\" }",
            &[],
        );
        rows(
            "perennial-testkit = { path = \"../perennial-testkit\", features = [\"http\"] }",
            &[],
        );
        rows(
            "perennial-testkit = { path = \"../perennial-testkit\", version = \"0.1.0\" }",
            bad,
        );
        rows("perennial-testkit.workspace = true", bad);
        rows("proptest.workspace = true", &[]);
    }
}
