//! No public type may show a secret: each is tried with a canary in reach, or cannot reach one.

use std::collections::BTreeSet;

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "canary",
    about: "every public type that may hold or reach a secret is tried with a canary",
    check,
};

/// One type per line: `crate Type` if a value of it is tried, `crate Type - reason` if it need not
/// be. The test beside it compares what it tries with the first kind.
const LIST: &str = "crates/perennial/tests/canary/types.txt";

/// The crates whose types hold secrets or reach them.
const CRATES: [&str; 3] = [
    "perennial-backend",
    "perennial-config",
    "perennial-resolver",
];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(text) = workspace.text(LIST) else {
        return vec![Violation::new(
            LIST,
            "is missing: list the public types that are tried with a canary, `crate Type` each",
        )];
    };
    let mut found = Vec::new();
    let mut complain = |message: String| found.push(Violation::new(LIST, message));
    let mut listed = BTreeSet::new();
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, reason) = match line.split_once(" -") {
            Some((name, reason)) => (name, Some(reason.trim())),
            None => (line, None),
        };
        if reason.is_some_and(str::is_empty) {
            complain(format!("{name} is left out without a reason: give one"));
        }
        if !listed.insert(name.to_owned()) {
            complain(format!("{name} comes twice: strike one of them"));
        }
    }
    let public: BTreeSet<_> = CRATES
        .iter()
        .flat_map(|member| public_types(workspace, member))
        .collect();
    for name in public.difference(&listed) {
        complain(format!(
            "lacks {name}, which is public: try it with a canary, or say why not"
        ));
    }
    for name in listed.difference(&public) {
        complain(format!("{name} is no public type: strike it"));
    }
    found
}

/// The structs and enums that a crate defines and gives out at its top, as `crate Type`.
fn public_types(workspace: &Workspace, member: &str) -> BTreeSet<String> {
    let source = format!("crates/{member}/src/");
    let Some(top) = workspace.text(&format!("{source}lib.rs")) else {
        return BTreeSet::new();
    };
    let mut given = given_out(top);
    // What stands in the top itself is given out too.
    given.extend(defined(top));
    let files = workspace
        .sources()
        .filter(|(path, _)| path.starts_with(&source));
    let defined: BTreeSet<_> = files.flat_map(|(_, text)| defined(text)).collect();
    given
        .intersection(&defined)
        .map(|name| format!("{member} {name}"))
        .collect()
}

/// The last names in all `pub use` of a file, whatever they name.
fn given_out(text: &str) -> BTreeSet<&str> {
    let statements = text.split("pub use ").skip(1);
    statements
        .filter_map(|rest| rest.split(';').next())
        // `crate::a::{B, C as D}`: the names between the punctuation; a module is no type.
        .flat_map(|names| names.split(['{', '}', ',', ':']))
        .filter_map(|name| name.split_whitespace().next_back())
        .collect()
}

/// The names of a file's public structs and enums.
fn defined(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line
            .strip_prefix("pub struct ")
            .or_else(|| line.strip_prefix("pub enum "))?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest.get(..end.unwrap_or(rest.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const LIB: &str = "crates/perennial-backend/src/lib.rs";
    const SECRET: &str = "crates/perennial-backend/src/secret.rs";

    fn lists(list: &str, expected: usize) {
        let lib = "//! A.\nmod secret;\npub use other::Foreign;\npub use secret::Secret;\n\
                   pub use secret::{\n    Kind, Trait, make,\n};\npub struct Top;\n";
        let secret = "pub struct Secret<T> {\n}\npub enum Kind {\n}\npub trait Trait {}\n\
                      pub struct Inner;\npub(crate) struct Hidden;\nfn a() {\n    struct Kept;\n}\n";
        let places = vec![LIST; expected];
        check(
            &RULE,
            &[(LIB, lib), (SECRET, secret), (LIST, list)],
            &places,
        );
    }

    const ALL: &str = "# The types.\n\nperennial-backend Kind - a word\nperennial-backend Secret\n\
                       perennial-backend Top\n";

    #[test]
    fn a_list_of_all_public_types_passes() {
        lists(ALL, 0);
    }

    #[test]
    fn a_type_that_is_not_listed_is_found() {
        lists(&ALL.replace("perennial-backend Secret\n", ""), 1);
        lists("", 3);
    }

    #[test]
    fn a_name_that_is_no_public_type_is_found() {
        for name in ["Inner", "Hidden", "Foreign", "Trait", "Gone"] {
            lists(&format!("{ALL}perennial-backend {name}\n"), 1);
        }
        lists(
            &ALL.replace("perennial-backend Top", "perennial-config Top"),
            2,
        );
    }

    #[test]
    fn one_that_comes_twice_or_without_a_reason_is_found() {
        lists(&format!("{ALL}perennial-backend Secret\n"), 1);
        lists(&ALL.replace(" - a word", " -"), 1);
    }

    #[test]
    fn a_missing_list_is_found() {
        check(&RULE, &[], &[LIST]);
    }
}
