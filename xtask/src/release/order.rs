//! In which order crates are published: each after all that it stands on.

use crate::manifest::Kind;
use crate::workspace::{Member, Workspace};

/// The published crates in order; among those that are free to go, by name.
///
/// Dev-dependencies do not count: they are paths only and are left out of what is published.
pub(super) fn order(workspace: &Workspace) -> Result<Vec<&str>, String> {
    let mut waiting: Vec<_> = workspace.publishable().collect();
    waiting.sort_by_key(|member| member.name.as_str());
    let mut done: Vec<&str> = Vec::new();
    while !waiting.is_empty() {
        let free = |member: &&Member| {
            needs(workspace, member)
                .iter()
                .all(|need| done.contains(&need.as_str()))
        };
        let Some(at) = waiting.iter().position(free) else {
            return Err(stuck(workspace, &waiting));
        };
        done.push(&waiting.remove(at).name);
    }
    Ok(done)
}

/// The crates of ours that one stands on.
fn needs(workspace: &Workspace, member: &Member) -> Vec<String> {
    let all = member.manifest.dependencies().into_iter();
    let ours = all.filter(|dep| dep.kind != Kind::Dev && workspace.is_internal(&dep.package));
    ours.map(|dep| dep.package).collect()
}

fn stuck(workspace: &Workspace, waiting: &[&Member]) -> String {
    let mut text = String::from("these crates can never be published:");
    for member in waiting {
        let missing: Vec<_> = needs(workspace, member)
            .into_iter()
            .map(|need| match workspace.member(&need) {
                None => format!("{need}, which does not exist"),
                Some(other) if !other.manifest.publishable() => {
                    format!("{need}, which is not published")
                }
                Some(_) => need,
            })
            .collect();
        text += &format!("\n  {} stands on {}", member.name, missing.join("; "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    const LOW: (&str, &str) = (
        "crates/perennial-z/Cargo.toml",
        "[package]\nname = \"perennial-z\"\n[dev-dependencies]\nperennial-a = { path = \"../perennial-a\" }",
    );
    const HIGH: (&str, &str) = (
        "crates/perennial-a/Cargo.toml",
        "[package]\nname = \"perennial-a\"\n[dependencies]\nperennial-z.workspace = true",
    );
    const HOME: (&str, &str) = (
        "xtask/Cargo.toml",
        "[package]\nname = \"xtask\"\npublish = false",
    );

    #[test]
    fn a_crate_goes_after_what_it_stands_on_and_tests_do_not_count() {
        let workspace = sample(&[LOW, HIGH, HOME]);
        assert_eq!(order(&workspace).unwrap(), ["perennial-z", "perennial-a"]);
    }

    #[test]
    fn what_can_never_go_is_named() {
        let why = order(&sample(&[HIGH])).unwrap_err();
        assert!(why.contains("perennial-z, which does not exist"), "{why}");
        let home = LOW.1.replace("[dev", "publish = false\n[dev");
        let why = order(&sample(&[HIGH, (LOW.0, &home)])).unwrap_err();
        assert!(why.contains("perennial-z, which is not published"), "{why}");
    }
}
