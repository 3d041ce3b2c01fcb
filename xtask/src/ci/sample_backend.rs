//! The stage that follows the guide for a new backend as far as a tool can: the crate that is
//! written compiles, and its tests fail and name what is not yet met.

use std::path::Path;

use super::{Outcome, Scene};
use crate::new_backend;
use crate::process::{Step, cargo};

/// Whose crate is written, in a copy of the repository.
const NAME: &str = "sample";

/// What the tests say of it.
const EXPECTED: &[&str] = &[
    "test every_rule_has_a_test ... ok",
    "test the_table_of_settings_is_that_of_the_code ... ok",
    "current_value_is_fetched: not checked: `seed` is not written yet",
    "names_cannot_escape: not checked: `seed` is not written yet",
];

pub(super) fn run(scene: &Scene<'_>) -> Result<Outcome, String> {
    let target = scene.root.join("target");
    let copy = target.join("sample-backend");
    let complain = |why| format!("cannot write {}: {why}", copy.display());
    if copy.exists() {
        std::fs::remove_dir_all(&copy).map_err(complain)?;
    }
    let listed = Step::new(scene.root, "git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .capture()?;
    for path in listed.lines() {
        let from = scene.root.join(path);
        // One that was deleted and is not committed yet is still listed.
        if from.is_file() {
            let to = copy.join(path);
            std::fs::create_dir_all(to.parent().unwrap_or(&copy)).map_err(complain)?;
            std::fs::copy(&from, &to).map_err(complain)?;
        }
    }
    new_backend::run(&copy, &new_backend::Args::new(NAME))?;
    let shown = tests_of_the_sample(&copy, &target)?;
    match EXPECTED.iter().find(|line| !shown.contains(**line)) {
        None => Ok(Outcome::Passed),
        Some(line) => Err(format!(
            "the tests of a new backend do not say `{line}`, but:\n{shown}"
        )),
    }
}

/// Runs the tests, which have to fail, and returns what they print.
fn tests_of_the_sample(copy: &Path, target: &Path) -> Result<String, String> {
    let package = format!("perennial-backend-{NAME}");
    let step = cargo(
        copy,
        [
            "test",
            "--package",
            &package,
            "--test",
            "*",
            "--no-fail-fast",
        ],
    );
    // What is compiled already is not compiled again.
    let (succeeded, shown) = step
        .env("CARGO_TARGET_DIR", &target.to_string_lossy())
        .output()?;
    if succeeded {
        return Err("the tests of a backend that does nothing pass".to_owned());
    }
    Ok(shown)
}
