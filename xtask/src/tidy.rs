//! `tidy`: the rules of the house that no compiler knows.
//!
//! A rule is a pure function from the [`Workspace`] to what breaks it.
//! A new rule is one file in `tidy/` and one entry in [`RULES`].

mod arrows;
mod canary;
mod decisions;
mod defects;
mod dev_dependencies;
mod features;
mod file_names;
mod file_size;
mod includes;
mod lints;
mod manifests;
mod module_docs;
mod no_local_paths;
mod paths;
mod test_targets;
mod tls;
mod top_level;
mod unsafe_code;
mod vectors;
mod workspace_pins;

use std::path::Path;

use crate::workspace::Workspace;

/// Every rule, in the order of their names.
const RULES: &[Rule] = &[
    arrows::RULE,
    canary::RULE,
    decisions::RULE,
    defects::RULE,
    dev_dependencies::RULE,
    features::RULE,
    file_names::RULE,
    file_size::RULE,
    includes::RULE,
    lints::RULE,
    manifests::RULE,
    module_docs::RULE,
    no_local_paths::RULE,
    paths::RULE,
    test_targets::RULE,
    tls::RULE,
    top_level::RULE,
    unsafe_code::RULE,
    vectors::RULE,
    workspace_pins::RULE,
];

/// Arguments of `tidy`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask tidy                 every rule\n  cargo xtask tidy arrows paths    two of them\n  cargo xtask tidy --list          what each rule asks"
)]
pub(crate) struct Args {
    /// Rules to check; all of them if none is named
    #[arg(value_name = "RULE")]
    rules: Vec<String>,
    /// List the rules instead of checking them
    #[arg(long)]
    list: bool,
}

/// A named rule.
#[derive(Debug)]
struct Rule {
    name: &'static str,
    /// What it asks, in one line.
    about: &'static str,
    check: fn(&Workspace) -> Vec<Violation>,
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    /// The file, crate or folder.
    place: String,
    /// What is wrong, and what to do.
    message: String,
}

impl Violation {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

/// Checks the rules, or lists them.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    if args.list {
        for rule in RULES {
            println!("{:<18} {}", rule.name, rule.about);
        }
        return Ok(());
    }
    report(&choose(&args.rules)?, &Workspace::load(root)?)
}

/// Checks every rule.
pub(crate) fn check_all(workspace: &Workspace) -> Result<(), String> {
    report(&choose(&[])?, workspace)
}

/// Everything that breaks a rule, one line each.
#[cfg(test)]
pub(crate) fn found(workspace: &Workspace) -> Vec<String> {
    RULES
        .iter()
        .flat_map(|rule| broken(rule, workspace))
        .collect()
}

fn report(rules: &[&Rule], workspace: &Workspace) -> Result<(), String> {
    let lines: Vec<_> = rules
        .iter()
        .flat_map(|rule| broken(rule, workspace))
        .collect();
    for line in &lines {
        println!("{line}");
    }
    match lines.len() {
        0 => {
            println!("tidy: {} rules hold", rules.len());
            Ok(())
        }
        1 => Err("tidy found one violation".to_owned()),
        count => Err(format!("tidy found {count} violations")),
    }
}

fn choose(names: &[String]) -> Result<Vec<&'static Rule>, String> {
    if names.is_empty() {
        return Ok(RULES.iter().collect());
    }
    let find = |name: &String| {
        RULES.iter().find(|rule| rule.name == name).ok_or_else(|| {
            format!("there is no rule `{name}`: `cargo xtask tidy --list` names them all")
        })
    };
    names.iter().map(find).collect()
}

fn broken(rule: &Rule, workspace: &Workspace) -> Vec<String> {
    let lines = (rule.check)(workspace).into_iter();
    lines
        .map(|found| format!("{}: {}: {}", rule.name, found.place, found.message))
        .collect()
}

/// Asserts that a rule finds exactly these places in a workspace of these files.
#[cfg(test)]
fn check(rule: &Rule, files: &[(&str, &str)], expected: &[&str]) {
    let found = (rule.check)(&crate::workspace::sample(files));
    let places: Vec<_> = found
        .iter()
        .map(|violation| violation.place.as_str())
        .collect();
    assert_eq!(places, expected, "{}: {found:#?}", rule.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_order_and_explained() {
        let names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        assert!(RULES.iter().all(|rule| !rule.about.is_empty()));
    }

    #[test]
    fn an_unknown_rule_is_refused_by_name() {
        let why = choose(&["arows".to_owned()]).unwrap_err();
        assert!(why.contains("`arows`") && why.contains("--list"), "{why}");
    }

    #[test]
    fn a_line_names_rule_place_and_remedy() {
        let rule = Rule {
            name: "sample",
            about: "",
            check: |_| vec![Violation::new("a/b.rs", "it is wrong: mend it")],
        };
        let lines = broken(&rule, &crate::workspace::sample(&[]));
        assert_eq!(lines, ["sample: a/b.rs: it is wrong: mend it"]);
    }
}
