//! How long a file may be, counted in lines of code.
//!
//! Blank lines, comments and the `mod tests` at the end do not count.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "file-size",
    about: "a file of more than 400 code lines explains itself, none has more than 600",
    check,
};

const EXPLAIN: usize = 400;
const SPLIT: usize = 600;
/// How the line of the header begins that explains a long file.
const REASON: &str = "Size:";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in workspace.sources() {
        let lines = code_lines(text);
        if lines > SPLIT {
            found.push(Violation::new(
                path,
                format!("{lines} code lines: split it by idea, {SPLIT} is the limit"),
            ));
        } else if lines > EXPLAIN && !explains(text) {
            found.push(Violation::new(
                path,
                format!("{lines} code lines: split it, or say why not in a line `//! {REASON} …` of its header"),
            ));
        }
    }
    found
}

fn explains(text: &str) -> bool {
    let header = text.lines().map_while(|line| line.strip_prefix("//!"));
    header
        .into_iter()
        .any(|line| line.trim_start().starts_with(REASON))
}

fn code_lines(text: &str) -> usize {
    let mut count = 0;
    let mut depth = 0_usize;
    let mut in_tests = false;
    let mut gated = false;
    for raw in text.lines() {
        if in_tests {
            // Formatted code closes the module at the margin and nothing else there.
            in_tests = raw != "}";
            continue;
        }
        let line = raw.trim();
        let opens = line.matches("/*").count();
        if depth > 0 || line.starts_with("/*") {
            depth = (depth + opens).saturating_sub(line.matches("*/").count());
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if gated && raw.starts_with("mod ") && raw.ends_with('{') {
            in_tests = true;
            gated = false;
            count -= 1;
            continue;
        }
        gated = raw.starts_with("#[cfg(test)]") || raw.starts_with("#[cfg(all(test");
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn only_code_is_counted() {
        let rows = |text: &str, expected| assert_eq!(code_lines(text), expected, "{text}");
        rows(
            "//! Doc.\n\n/// Doc.\nfn a() {\n    // why\n    b(); // here\n}\n",
            3,
        );
        rows("/* one\n two /* three */\n four */\nfn a() {}\n", 1);
        rows(
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\n",
            1,
        );
        rows(
            "#[cfg(test)]\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n",
            3,
        );
        rows("#[cfg(test)]\nmod tests;\nfn c() {}\n", 3);
    }

    #[test]
    fn long_files_explain_themselves_and_longer_ones_are_split() {
        let rows = |header: &str, lines, expected: &[&str]| {
            let text = format!("{header}\n{}", "f();\n".repeat(lines));
            check(&RULE, &[("crates/a/src/a.rs", &text)], expected);
        };
        rows("//! A.", 400, &[]);
        rows("//! A.", 401, &["crates/a/src/a.rs"]);
        rows("//! A.\n//!\n//! Size: one table.", 401, &[]);
        rows(
            "//! A.\n//!\n//! Size: one table.",
            601,
            &["crates/a/src/a.rs"],
        );
    }
}
