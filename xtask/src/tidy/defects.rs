//! The defects of the original's cache: each has a test that exists, or a reason.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "defects",
    about: "every known defect of the original's cache names a test that exists, or a reason",
    check,
};

const FILE: &str = "crates/perennial-cache/tests/defects/main.rs";
const TABLE: &str = "const DEFECTS:";
/// How many defects are known.
const KNOWN: usize = 23;

fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(text) = workspace.text(FILE) else {
        return vec![Violation::new(
            FILE,
            "is missing: answer every known defect with a test or a reason",
        )];
    };
    let Some(rows) = table(text) else {
        return vec![Violation::new(
            FILE,
            format!("has no table `{TABLE} &[(u8, Answer)] = &[…];`: write it"),
        )];
    };
    let mut found = Vec::new();
    let mut complain = |message: String| found.push(Violation::new(FILE, message));
    for number in 1..=KNOWN {
        let answers = rows.iter().filter(|row| row.number == number).count();
        if answers != 1 {
            complain(format!(
                "defect {number} has {answers} answers: give it one test or one reason"
            ));
        }
    }
    for Row {
        number,
        kind,
        words,
    } in &rows
    {
        if *number == 0 || *number > KNOWN {
            complain(format!("defect {number} is not known: mind the number"));
        }
        match *kind {
            "Reason" if !words.trim().is_empty() => {}
            "Reason" => complain(format!("the reason of defect {number} is empty: give one")),
            "Test" if runs(text, words) => {}
            "Test" => complain(format!(
                "defect {number} names the test `{words}`, which does not run: write it, or mend the name"
            )),
            _ => complain(format!(
                "defect {number} has the answer `{kind}`: use `Test` or `Reason`"
            )),
        }
    }
    found
}

/// `(3, Test("name"))`.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    number: usize,
    kind: &'a str,
    words: &'a str,
}

fn table(text: &str) -> Option<Vec<Row<'_>>> {
    let (_, rest) = text.split_once(TABLE)?;
    let (_, mut rest) = rest.split_once("= &[")?;
    let mut rows = Vec::new();
    let (mut number, mut kind) = (None, "");
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "(),".contains(c));
        if rest.starts_with(']') {
            return Some(rows);
        } else if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n')?.1;
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (inside, after) = quoted.split_once('"')?;
            rows.push(Row {
                number: number.take()?,
                kind: std::mem::take(&mut kind),
                words: inside,
            });
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            let (word, after) = rest.split_at_checked(end).filter(|_| end > 0)?;
            match word.parse() {
                Ok(digits) => number = Some(digits),
                Err(_) => kind = word,
            }
            rest = after;
        }
    }
}

/// Is there a test of this name that is not ignored?
fn runs(text: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let mut attributes = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
        } else if line.starts_with(&head) {
            return attributes.contains(&"#[test]")
                && !attributes.iter().any(|line| line.starts_with("#[ignore"));
        } else if !line.starts_with("//") {
            attributes.clear();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn rows(change: impl Fn(String) -> String, expected: usize) {
        let reasons: String = (3..=KNOWN)
            .map(|number| {
                format!(
                    "    (\n        {number},\n        Reason(\"no (4, Test) here\"),\n    ),\n"
                )
            })
            .collect();
        let text = format!(
            "//! A.\nconst DEFECTS: &[(u8, Answer)] = &[\n    (1, Test(\"one\")),\n    // Two (2).\n    \
             (2, Test(\"two\")),\n{reasons}];\n\n#[test]\nfn one() {{}}\n\n#[test]\n/// Two.\nfn two() {{}}\n"
        );
        let places = vec![FILE; expected];
        check(&RULE, &[(FILE, &change(text))], &places);
    }

    #[test]
    fn a_full_table_passes() {
        rows(|text| text, 0);
    }

    #[test]
    fn a_name_without_a_test_is_found() {
        rows(|text| text.replace("fn two", "fn too"), 1);
        rows(|text| text.replace("#[test]\nfn one", "fn one"), 1);
        rows(
            |text| text.replace("#[test]\nfn one", "#[test]\n#[ignore]\nfn one"),
            1,
        );
        rows(|text| text.replace("fn one() {}", "fn one_more() {}"), 1);
    }

    #[test]
    fn a_defect_without_answer_or_with_two_is_found() {
        rows(|text| text.replace("    (2, Test(\"two\")),\n", ""), 1);
        rows(
            |text| text.replace("(2, Test(\"two\"))", "(1, Test(\"two\"))"),
            2,
        );
        rows(
            |text| text.replace("(2, Test(\"two\"))", "(24, Test(\"two\"))"),
            2,
        );
        rows(
            |text| text.replace("(2, Test(\"two\"))", "(2, Reason(\"\"))"),
            1,
        );
        rows(
            |text| text.replace("(2, Test(\"two\"))", "(2, Perhaps(\"two\"))"),
            1,
        );
    }

    #[test]
    fn a_missing_file_or_table_is_found() {
        check(&RULE, &[], &[FILE]);
        rows(|text| text.replace("const DEFECTS", "const FLAWS"), 1);
        rows(|text| text.replace("];", ""), 1);
    }
}
