//! The numbering of the decision pages.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "decisions",
    about: "decision pages are numbered from 0001 without gap or repetition, each with a heading",
    check,
};

const FOLDER: &str = "docs/decisions/";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut last = 0;
    for (path, text) in workspace.texts() {
        let Some(name) = path.strip_prefix(FOLDER) else {
            continue;
        };
        let Some(number) = number(name) else {
            found.push(Violation::new(path, "not named NNNN-title.md: rename it"));
            continue;
        };
        // Paths come sorted, so each number is the one before it plus one.
        if number == last {
            found.push(Violation::new(
                path,
                format!("{number:04} is taken: use the next free number"),
            ));
        } else if number != last + 1 {
            found.push(Violation::new(
                path,
                format!("{:04} is missing before it: renumber", last + 1),
            ));
        }
        last = number;
        if !text.starts_with("# ") {
            found.push(Violation::new(
                path,
                "has no heading: begin with a line `# <what was decided>`",
            ));
        }
    }
    found
}

fn number(name: &str) -> Option<u32> {
    let (digits, title) = name.strip_suffix(".md")?.split_once('-')?;
    let right = digits.len() == 4 && !title.is_empty();
    if right { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn gaps_repetitions_and_bare_pages_are_found() {
        let one = ("docs/decisions/0001-a.md", "# A\n");
        check(&RULE, &[one, ("docs/decisions/0002-b.md", "# B\n")], &[]);
        check(
            &RULE,
            &[one, ("docs/decisions/0003-c.md", "# C\n")],
            &["docs/decisions/0003-c.md"],
        );
        check(
            &RULE,
            &[one, ("docs/decisions/0001-b.md", "# B\n")],
            &["docs/decisions/0001-b.md"],
        );
        check(
            &RULE,
            &[one, ("docs/decisions/0002-b.md", "text\n")],
            &["docs/decisions/0002-b.md"],
        );
        check(
            &RULE,
            &[("docs/decisions/notes.md", "# N\n")],
            &["docs/decisions/notes.md"],
        );
    }
}
