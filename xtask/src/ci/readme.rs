//! `test`: runs the command that the README tells its readers to run, so that it stays true.

use super::{Outcome, Scene};
use crate::process::Step;

/// Stands on the line before the block with the command.
const MARKER: &str = "<!-- test -->";

pub(super) fn test(scene: &Scene<'_>) -> Result<Outcome, String> {
    let readme = scene
        .workspace
        .text("README.md")
        .ok_or("there is no README.md: write it")?;
    let commands = commands(readme)?;
    Step::new(scene.root, "bash")
        .args(["-euo", "pipefail", "-c", &commands])
        .run()?;
    Ok(Outcome::Passed)
}

/// The block of code that follows the marker.
fn commands(readme: &str) -> Result<String, String> {
    let (_, after) = readme.split_once(MARKER).ok_or_else(|| {
        format!("README.md has no line `{MARKER}`: put it before the block with the test command")
    })?;
    let mut lines = after.lines().skip_while(|line| line.trim().is_empty());
    if !lines.next().is_some_and(|line| line.starts_with("```")) {
        return Err(format!(
            "no block of code follows `{MARKER}` in README.md: put the test command there"
        ));
    }
    let block: Vec<_> = lines.take_while(|line| !line.starts_with("```")).collect();
    let commands = block.join("\n");
    if commands.trim().is_empty() {
        return Err(format!(
            "the block after `{MARKER}` in README.md is empty: write the test command"
        ));
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_block_after_the_marker() {
        let readme =
            "# P\n```sh\nno\n```\n<!-- test -->\n\n```sh\ncargo test --workspace\n```\ntext\n";
        assert_eq!(commands(readme).unwrap(), "cargo test --workspace");
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |readme: &str, part: &str| {
            let why = commands(readme).unwrap_err();
            assert!(why.contains(part), "{why}");
        };
        check("# P\n```sh\ncargo test\n```\n", "has no line");
        check("<!-- test -->\ntext\n```sh\ncargo test\n```\n", "no block");
        check("<!-- test -->\n```sh\n```\n", "is empty");
    }
}
