//! The grammar's test cases: none may get lost.

use std::collections::BTreeSet;

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "vectors",
    about: "every case of the reference grammar has a row among its test vectors",
    check,
};

const FOLDER: &str = "crates/perennial-reference/tests/vectors/";
/// One id per line: the cases that must be there.
const IDS: &str = "ids.txt";
/// The cases that the grammar began with; there may be more, never fewer.
const FEWEST: usize = 121;

fn check(workspace: &Workspace) -> Vec<Violation> {
    let list = format!("{FOLDER}{IDS}");
    let Some(text) = workspace.text(&list) else {
        return vec![Violation::new(
            list,
            "is missing: write the id of every case of the grammar, one a line",
        )];
    };
    let mut found = Vec::new();
    let wanted = ids(text, &list, &mut found);
    if wanted.len() < FEWEST {
        found.push(Violation::new(
            &list,
            format!(
                "{} ids, {FEWEST} are known: put the others back",
                wanted.len()
            ),
        ));
    }
    let mut rows = BTreeSet::new();
    for (path, text) in workspace
        .texts()
        .filter(|(path, _)| path.starts_with(FOLDER) && *path != list)
    {
        rows.extend(ids(text, path, &mut found));
    }
    for id in wanted.difference(&rows) {
        found.push(Violation::new(
            FOLDER,
            format!("no row has the id {id}: add the case"),
        ));
    }
    for id in rows.difference(&wanted) {
        found.push(Violation::new(
            &list,
            format!("lacks the id {id}, which has a row: add it"),
        ));
    }
    found
}

/// The first column of a file, without its comments; an id that comes twice is a violation.
fn ids<'a>(text: &'a str, path: &str, found: &mut Vec<Violation>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    for id in lines
        .filter_map(|line| line.split(['\t', '|']).next())
        .map(str::trim)
    {
        if !seen.insert(id) {
            found.push(Violation::new(
                path,
                format!("the id {id} comes twice: give one of them another"),
            ));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const LIST: &str = "crates/perennial-reference/tests/vectors/ids.txt";
    const ROWS: &str = "crates/perennial-reference/tests/vectors/cases.tsv";

    fn numbered(count: usize, rest: &str) -> String {
        (1..=count).map(|id| format!("G{id:03}{rest}\n")).collect()
    }

    #[test]
    fn ids_and_rows_are_compared_both_ways() {
        let rows = |list: &str, rows: &str, expected: &[&str]| {
            check(&RULE, &[(LIST, list), (ROWS, rows)], expected);
        };
        let (list, cases) = (numbered(121, ""), numbered(121, "\t{vault://env/a}\tok"));
        rows(&list, &cases, &[]);
        rows(&list, &format!("# id\ttext\n\n{cases}"), &[]);
        rows(&list, &numbered(120, "\tx"), &[FOLDER]);
        rows(&list, &numbered(122, "\tx"), &[LIST]);
        rows(&list, &format!("{cases}G001\tagain\n"), &[ROWS]);
        rows(&numbered(120, ""), &numbered(120, "\tx"), &[LIST]);
    }

    #[test]
    fn a_missing_list_is_found() {
        check(&RULE, &[], &[LIST]);
    }
}
