//! Running other programs: shown before they start, named when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program with its arguments, not yet run.
#[derive(Debug)]
pub(crate) struct Step {
    program: String,
    args: Vec<String>,
    envs: Vec<(String, String)>,
    dir: PathBuf,
}

/// What a program that ran to its end left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ok: bool,
    /// Standard error, which was shown too.
    pub(crate) errors: String,
}

/// A call of cargo at the top of the repository.
pub(crate) fn cargo<I: AsRef<str>>(root: &Path, args: impl IntoIterator<Item = I>) -> Step {
    Step::new(root, "cargo").args(args)
}

impl Step {
    /// Prepares a program that will run in a folder.
    pub(crate) fn new(dir: &Path, program: &str) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            envs: Vec::new(),
            dir: dir.to_path_buf(),
        }
    }

    /// Adds arguments.
    pub(crate) fn args<I: AsRef<str>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.envs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Shows the command and runs it with this terminal.
    pub(crate) fn run(&self) -> Result<(), String> {
        println!("$ {}", self.shown());
        let status = self
            .command()
            .status()
            .map_err(|why| self.not_started(&why))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{}` failed", self.shown()))
        }
    }

    /// Runs the command and returns its standard output.
    pub(crate) fn capture(&self) -> Result<String, String> {
        let output = self
            .command()
            .output()
            .map_err(|why| self.not_started(&why))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{}` failed:\n{}", self.shown(), errors.trim_end()))
    }

    /// Shows the command, runs it, and returns whether it succeeded and all that it printed.
    pub(crate) fn output(&self) -> Result<(bool, String), String> {
        println!("$ {}", self.shown());
        let output = self
            .command()
            .output()
            .map_err(|why| self.not_started(&why))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let shown = String::from_utf8_lossy(&output.stdout);
        Ok((output.status.success(), format!("{errors}{shown}")))
    }

    /// Shows the command and runs it; its standard error is shown and kept.
    pub(crate) fn watch(&self) -> Result<Ended, String> {
        println!("$ {}", self.shown());
        let output = self
            .command()
            .stdout(Stdio::inherit())
            .output()
            .map_err(|why| self.not_started(&why))?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        eprint!("{errors}");
        Ok(Ended {
            ok: output.status.success(),
            errors,
        })
    }

    /// Does the command succeed? What it prints is dropped.
    pub(crate) fn succeeds(&self) -> bool {
        let quiet = self
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        quiet.is_ok_and(|status| status.success())
    }

    /// The command as one would type it.
    pub(crate) fn shown(&self) -> String {
        let mut words = Vec::new();
        words.extend(
            self.envs
                .iter()
                .map(|(name, value)| format!("{name}={}", quoted(value))),
        );
        words.push(self.program.clone());
        words.extend(self.args.iter().map(|arg| quoted(arg)));
        words.join(" ")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(OsStr::new(&self.program));
        command.args(&self.args).current_dir(&self.dir);
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command
    }

    fn not_started(&self, why: &std::io::Error) -> String {
        format!("cannot start `{}`: {why}; is it installed?", self.program)
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let step = cargo(Path::new("."), ["doc", "it's"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            step.shown(),
            "RUSTDOCFLAGS='-D warnings' cargo doc 'it'\\''s'"
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let why = Step::new(Path::new("."), "no-such-program")
            .run()
            .unwrap_err();
        assert!(why.contains("no-such-program"), "{why}");
    }
}
