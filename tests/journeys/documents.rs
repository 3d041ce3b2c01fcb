//! What documents say about the program is what it does.

use std::fs;
use std::process::Command;

use crate::program::{perennial, root};

/// Returns what stands between a fence of this language and its end, the first time.
fn fenced<'t>(text: &'t str, language: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_example_of_the_readme_is_the_one_that_is_compiled() {
    let ours = fs::read_to_string(root().join("README.md")).unwrap();
    let compiled = fs::read_to_string(root().join("crates/perennial/README.md")).unwrap();
    assert_eq!(fenced(&ours, "rust"), fenced(&compiled, "rust"));
}

#[test]
fn the_command_of_the_readme_does_what_it_shows() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, readme) = readme.split_once("on the command line:").unwrap();
    let shown = fenced(readme, "console");
    let (command, output) = shown.split_once('\n').unwrap();
    let (variable, args) = command
        .strip_prefix("$ ")
        .unwrap()
        .split_once(" cargo run --quiet -p perennial-cli -- ")
        .unwrap();
    let args: Vec<_> = args.split(' ').map(|arg| arg.trim_matches('\'')).collect();
    perennial(&[variable.split_once('=').unwrap()], &args).is(0, output, "");
}

#[test]
fn the_example_of_a_rotation_loses_no_read() {
    let example = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "perennial",
            "--example",
            "rotation",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&example.stderr);
    assert!(example.status.success(), "{errors}");
    let shown = String::from_utf8(example.stdout).unwrap();
    assert!(shown.ends_with("no read failed\n"), "{shown}");
    for what in ["`summer` (stale)", "`autumn`", "failed 0"] {
        assert!(shown.contains(what), "{shown}");
    }
}

#[test]
fn the_exit_codes_of_the_command_s_page_are_those_of_its_help() {
    let page = fs::read_to_string(root().join("crates/perennial-cli/README.md")).unwrap();
    let help = perennial(&[], &["--help"]);
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [code, meaning] = cells[..]
            && code.parse::<u8>().is_ok()
        {
            let entry = format!("{code}  {meaning}");
            assert!(help.output_text().contains(&entry), "{entry}");
        }
    }
}
