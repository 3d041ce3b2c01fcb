//! Paths that documents name: each must lead somewhere.
//!
//! Looked at are code spans that begin like a path of the repository, and links that are relative
//! or lead to the repository's own pages on its forge. Fenced blocks are examples and left alone.

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "paths",
    about: "every path of the repository that a document names exists",
    check,
};

const TOPS: &[&str] = &[".cargo/", ".ci/", "crates/", "docs/", "tests/", "xtask/"];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let forge = workspace
        .root()
        .str(&["workspace", "package", "repository"])
        .unwrap_or("\0");
    let mut found = Vec::new();
    for (document, text) in workspace.texts().filter(|(path, _)| path.ends_with(".md")) {
        if document.starts_with("xtask/templates/") {
            continue;
        }
        for (number, line) in prose(text) {
            let spans = code_spans(line)
                .into_iter()
                .flat_map(str::split_whitespace)
                .filter_map(named);
            let links = links(line)
                .into_iter()
                .filter_map(|link| target(link, document, forge));
            for path in spans.chain(links) {
                if !leads_somewhere(workspace, &path) {
                    found.push(Violation::new(
                        format!("{document}:{number}"),
                        format!(
                            "names `{path}`, which does not exist: correct the path or the text"
                        ),
                    ));
                }
            }
        }
    }
    found
}

/// The lines outside of fenced blocks, numbered from one.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// What stands between single backticks.
fn code_spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// A word of a code span, where it names a path from the top.
fn named(word: &str) -> Option<String> {
    let word = word.trim_start_matches("./");
    TOPS.iter()
        .any(|top| word.starts_with(top))
        .then(|| bare(word).to_owned())
}

/// Where the inline links and the link definitions of a line lead.
fn links(line: &str) -> Vec<&str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    let mut found: Vec<_> = inline.collect();
    found.extend(definition.map(|(_, link)| link));
    found.retain(|link| !link.is_empty());
    found
}

/// The path from the top that a link leads to, if it leads into the repository.
fn target(link: &str, document: &str, forge: &str) -> Option<String> {
    let link = link.split_whitespace().next()?;
    if let Some(page) = link.strip_prefix(forge) {
        let (_, below) = page
            .strip_prefix("/blob/")
            .or_else(|| page.strip_prefix("/tree/"))?
            .split_once('/')?;
        return Some(bare(below).to_owned());
    }
    let elsewhere = link.contains("://") || link.starts_with('#') || link.starts_with("mailto:");
    // In a crate's front page a link may be one of rustdoc's, to an item.
    let front_page = document.starts_with("crates/");
    let item = link.contains("::") || link.contains('!') || link.ends_with("()");
    let path = bare(link);
    if elsewhere || item || (front_page && !path.contains('/') && !path.contains(".md")) {
        return None;
    }
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(join(folder, path))
}

/// A path without anchor, line number and the punctuation around it.
fn bare(word: &str) -> &str {
    let path = word.split('#').next().unwrap_or_default();
    let path = path.trim_end_matches(['.', ',', ';', ':', ')', '\'', '"']);
    let path = match path.rsplit_once(':') {
        Some((before, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => path,
    };
    path.trim_end_matches('/')
}

fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Does a path, or everything a pattern stands for, exist? Placeholders are taken on trust.
fn leads_somewhere(workspace: &Workspace, path: &str) -> bool {
    if path.is_empty()
        || ["<", "…", "...", "NNNN", "$", "**"]
            .iter()
            .any(|mark| path.contains(mark))
    {
        return true;
    }
    if let Some((before, rest)) = path.split_once('{') {
        let Some((choices, after)) = rest.split_once('}') else {
            return false;
        };
        return choices
            .split(',')
            .all(|choice| leads_somewhere(workspace, &format!("{before}{choice}{after}")));
    }
    if path.contains('*') {
        return workspace
            .paths()
            .chain(workspace.folders())
            .any(|known| matches(path, known));
    }
    workspace.exists(path)
}

/// Compares a pattern part by part; `*` stands for any text within one part.
fn matches(pattern: &str, path: &str) -> bool {
    let same = pattern.split('/').count() == path.split('/').count();
    same && pattern
        .split('/')
        .zip(path.split('/'))
        .all(|(pattern, part)| {
            let Some((before, after)) = pattern.split_once('*') else {
                return pattern == part;
            };
            part.strip_prefix(before).is_some_and(|rest| {
                if after.contains('*') {
                    true
                } else {
                    rest.ends_with(after)
                }
            })
        })
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const FILES: &[(&str, &str)] = &[
        ("crates/a/src/lib.rs", "//! A."),
        ("crates/b/src/lib.rs", "//! B."),
        ("docs/style.md", "# Style"),
        (".ci/run", ""),
    ];

    fn rows(document: &str, text: &str, right: bool) {
        let mut files = FILES.to_vec();
        files.push((document, text));
        let place = format!("{document}:1");
        let expected: &[&str] = if right { &[] } else { &[&place] };
        check(&RULE, &files, expected);
    }

    #[test]
    fn code_spans_that_name_a_path_are_followed() {
        rows(
            "docs/a.md",
            "see `crates/a/src/lib.rs` and `crates/a/`, `.ci/run`.",
            true,
        );
        rows("docs/a.md", "see `crates/a/src/gone.rs`", false);
        rows(
            "docs/a.md",
            "run `cargo test --manifest-path tests/lab/Cargo.toml`",
            false,
        );
        rows(
            "docs/a.md",
            "`crates/a/src/lib.rs:12` and `core/src/lib.rs` and `a/b`",
            true,
        );
    }

    #[test]
    fn patterns_must_match_and_placeholders_are_trusted() {
        rows(
            "docs/a.md",
            "`crates/{a,b}/src` `crates/*/src/*.rs` `crates/<name>/x` `docs/NNNN-t.md`",
            true,
        );
        rows("docs/a.md", "`crates/{a,c}/src`", false);
        rows("docs/a.md", "`crates/*/benches`", false);
    }

    #[test]
    fn relative_links_are_followed_from_their_document() {
        rows(
            "docs/a.md",
            "[s](style.md#top) [r](../.ci/run) [o](https://o.example/x.md) [h](#here)",
            true,
        );
        rows("docs/a.md", "[s](styles.md)", false);
        rows("docs/a.md", "[s]: ../style.md", false);
    }

    #[test]
    fn items_in_a_front_page_are_left_to_rustdoc() {
        rows(
            "crates/a/README.md",
            "[Moment](Moment) [b](crate::b) [c](b::c())",
            true,
        );
        rows("crates/a/README.md", "[d](../../docs/gone.md)", false);
    }

    #[test]
    fn links_to_our_own_forge_are_followed() {
        rows(
            "crates/a/README.md",
            "[s](https://forge.example/p/p/blob/main/docs/style.md)",
            true,
        );
        rows(
            "crates/a/README.md",
            "[s](https://forge.example/p/p/blob/main/docs/gone.md)",
            false,
        );
        rows(
            "crates/a/README.md",
            "[i](https://forge.example/p/p/issues)",
            true,
        );
    }

    #[test]
    fn fenced_blocks_are_examples() {
        rows("docs/a.md", "```sh\ncat `docs/gone.md`\n```", true);
    }
}
