//! Traces of one machine or of unfinished work in what everybody gets.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "no-local-paths",
    about: "no file names a folder of somebody's machine or holds a mark of unfinished work",
    check,
};

/// Top folders under which people and build machines keep their own things.
const FOLDERS: &[&str] = &["Users", "home", "root", "work"];
/// Marks that are meant to go before others see them.
const MARKS: &[&str] = &["DO NOT MERGE", "FIXME", "XXX"];
/// Where such text is meant: file, and what it may contain.
const MEANT: &[(&str, &str)] = &[("xtask/src/tidy/no_local_paths.rs", "")];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in workspace.texts() {
        let meant = |line: &str| {
            MEANT
                .iter()
                .any(|(file, part)| *file == path && line.contains(part))
        };
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !meant(line)) {
            let place = || format!("{path}:{}", index + 1);
            for folder in FOLDERS.iter().filter(|folder| names_folder(line, folder)) {
                found.push(Violation::new(
                    place(),
                    format!("names a path under /{folder}: use one that every machine has"),
                ));
            }
            for mark in MARKS.iter().filter(|mark| has_word(line, mark)) {
                found.push(Violation::new(
                    place(),
                    format!("is marked {mark}: finish it, or write down what remains"),
                ));
            }
        }
    }
    found
}

/// Does the line hold an absolute path below this top folder?
fn names_folder(line: &str, folder: &str) -> bool {
    let needle = format!("/{folder}/");
    line.match_indices(&needle).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        // Within a longer path, or within a URL, the folder is not at the top.
        !before.is_some_and(|c| c.is_alphanumeric() || "/._-}>~%)".contains(c))
    })
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before
            .into_iter()
            .chain(after)
            .any(|c| c.is_alphanumeric() || "_-".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn machine_paths_are_found_and_longer_paths_are_not() {
        let rows = |text: &str, expected: &[&str]| check(&RULE, &[("docs/a.md", text)], expected);
        rows("see /home/me/notes", &["docs/a.md:1"]);
        rows("\n`/root/notes`", &["docs/a.md:2"]);
        rows("at \"/Users/me\" or /Users/you", &["docs/a.md:1"]);
        rows(
            "{vault://hcv/home/db} and crates/root/src and https://home/x",
            &[],
        );
        rows("/etc/perennial.toml", &[]);
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        let rows = |text: &str, expected: &[&str]| check(&RULE, &[("docs/a.md", text)], expected);
        rows("// FIXME later", &["docs/a.md:1"]);
        rows("key = \"XXXX\"", &[]);
    }
}
