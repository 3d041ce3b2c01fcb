//! The facade's features: each explained twice, and one for every backend's folder.

use super::{Rule, Violation};
use crate::workspace::{Member, Workspace};

pub(super) const RULE: Rule = Rule {
    name: "features",
    about: "the facade's features are commented, listed in its README and match the backends' folders",
    check,
};

const FACADE: &str = "perennial";
const BACKEND: &str = "perennial-backend-";
const DEFAULT: &[&str] = &["env", "fs"];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(facade) = workspace.member(FACADE) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    uncommented(facade, &mut found);
    unlisted(workspace, facade, &mut found);
    backends(workspace, facade, &mut found);
    unions(facade, &mut found);
    found
}

/// Each feature has a comment directly above it.
fn uncommented(facade: &Member, found: &mut Vec<Violation>) {
    let mut inside = false;
    let mut before = "";
    for line in facade.manifest.text.lines().map(str::trim) {
        if line.starts_with('[') && line.ends_with(']') && !line.contains('"') {
            inside = line == "[features]";
        } else if inside
            && let Some(name) = key(line)
            && !before.starts_with('#')
        {
            found.push(Violation::new(
                &facade.manifest.path,
                format!("the feature `{name}` has no comment: say above it what it adds"),
            ));
        }
        before = line;
    }
}

fn key(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim().trim_matches('"');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// The README's section on features lists them, and lists nothing else.
fn unlisted(workspace: &Workspace, facade: &Member, found: &mut Vec<Violation>) {
    let path = format!("{}/README.md", facade.dir);
    let listed = listed(workspace.text(&path).unwrap_or_default());
    let features = facade.manifest.features();
    for (name, _) in features.iter().filter(|(name, _)| *name != "default") {
        if !listed.contains(name) {
            found.push(Violation::new(
                &path,
                format!("does not list the feature `{name}`: add a line \"- `{name}`: …\" to its section on features"),
            ));
        }
    }
    for name in listed {
        if !features.iter().any(|(feature, _)| *feature == name) {
            found.push(Violation::new(
                &path,
                format!("lists `{name}`, which is no feature: remove the line"),
            ));
        }
    }
}

fn listed(readme: &str) -> Vec<&str> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in readme.lines().map(str::trim_start) {
        if line.starts_with('#') {
            inside = line.to_lowercase().contains("feature");
        } else if inside {
            let item = ["- `", "* `", "| `"]
                .iter()
                .find_map(|start| line.strip_prefix(start));
            names.extend(
                item.and_then(|rest| rest.split_once('`'))
                    .map(|(name, _)| name),
            );
        }
    }
    names
}

/// Each backend's folder has a feature of its name that turns it on.
fn backends(workspace: &Workspace, facade: &Member, found: &mut Vec<Violation>) {
    let features = facade.manifest.features();
    for member in workspace.crates() {
        let Some(name) = member.name.strip_prefix(BACKEND) else {
            continue;
        };
        let wanted = format!("dep:{}", member.name);
        let on = features
            .iter()
            .any(|(feature, list)| *feature == name && list.contains(&wanted.as_str()));
        if !on {
            found.push(Violation::new(
                &facade.manifest.path,
                format!(
                    "the backend in {} has no feature: add `{name} = [\"{wanted}\"]`",
                    member.dir
                ),
            ));
        }
    }
}

/// `default` is what needs no service; `full` is everything.
fn unions(facade: &Member, found: &mut Vec<Violation>) {
    let features = facade.manifest.features();
    let of = |wanted: &str| {
        let entry = features.iter().find(|(name, _)| *name == wanted);
        entry.map(|(_, list)| list.clone()).unwrap_or_default()
    };
    let mut default = of("default");
    default.sort_unstable();
    if default != DEFAULT {
        found.push(Violation::new(
            &facade.manifest.path,
            format!("the feature `default` is {default:?}: it must be {DEFAULT:?}"),
        ));
    }
    let full = of("full");
    for (name, _) in features
        .iter()
        .filter(|(name, _)| !["default", "full"].contains(name))
    {
        if !full.contains(name) {
            found.push(Violation::new(
                &facade.manifest.path,
                format!("the feature `full` lacks `{name}`: add it"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const TOML: &str = "crates/perennial/Cargo.toml";
    const README: &str = "crates/perennial/README.md";
    const GOOD: &str = "[package]\nname = \"perennial\"\n[features]\n# What needs no service.\n\
        default = [\"env\", \"fs\"]\n# Everything.\nfull = [\"env\", \"fs\"]\n\
        # Variables.\nenv = [\"dep:perennial-backend-env\"]\n# Files.\nfs = [\"dep:perennial-backend-fs\"]\n";
    const LIST: &str = "# P\n## Features\n- `env`: variables\n- `fs`: files\n- `full`: everything\n## Next\n- `else`: no\n";

    #[test]
    fn a_facade_in_order_passes() {
        check(&RULE, &[(TOML, GOOD), (README, LIST)], &[]);
    }

    #[test]
    fn a_feature_without_comment_is_found() {
        let bare = GOOD.replace("# Files.\n", "");
        check(&RULE, &[(TOML, &bare), (README, LIST)], &[TOML]);
    }

    #[test]
    fn the_list_and_the_features_are_compared_both_ways() {
        check(
            &RULE,
            &[(TOML, GOOD), (README, &LIST.replace("- `fs`: files\n", ""))],
            &[README],
        );
        check(
            &RULE,
            &[(TOML, GOOD), (README, &LIST.replace("## Next", ""))],
            &[README],
        );
    }

    #[test]
    fn a_backend_without_feature_is_found() {
        let aws = (
            "crates/perennial-backend-aws/Cargo.toml",
            "[package]\nname = \"perennial-backend-aws\"",
        );
        check(&RULE, &[(TOML, GOOD), (README, LIST), aws], &[TOML]);
        let wrong = GOOD.replace("dep:perennial-backend-fs", "dep:other");
        let fs = (
            "crates/perennial-backend-fs/Cargo.toml",
            "[package]\nname = \"perennial-backend-fs\"",
        );
        check(&RULE, &[(TOML, &wrong), (README, LIST), fs], &[TOML]);
    }

    #[test]
    fn default_and_full_hold_what_they_must() {
        let thin = GOOD.replace("full = [\"env\", \"fs\"]", "full = [\"env\"]");
        check(&RULE, &[(TOML, &thin), (README, LIST)], &[TOML]);
        let thick = GOOD.replace(
            "default = [\"env\", \"fs\"]",
            "default = [\"env\", \"fs\", \"full\"]",
        );
        check(&RULE, &[(TOML, &thick), (README, LIST)], &[TOML]);
    }

    #[test]
    fn without_a_facade_there_is_nothing_to_say() {
        check(&RULE, &[], &[]);
    }
}
