//! Runs the binary with an environment of its own, and checks what came out of it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Runs the program with these variables and no others.
pub(crate) fn perennial<S: AsRef<OsStr>>(variables: &[(&str, &str)], args: &[S]) -> Ran {
    perennial_with_input(variables, args, b"")
}

/// Runs the program with these variables and this standard input.
pub(crate) fn perennial_with_input<S: AsRef<OsStr>>(
    variables: &[(&str, &str)],
    args: &[S],
    input: &[u8],
) -> Ran {
    let mut child = Command::new(binary())
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read its input may have ended by now.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ran(child.wait_with_output().unwrap())
}

/// What a run of the program came to.
pub(crate) struct Ran(Output);

impl Ran {
    pub(crate) fn output(&self) -> &[u8] {
        &self.0.stdout
    }

    pub(crate) fn output_text(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    pub(crate) fn errors(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    /// Checks everything: the code, standard output, standard error.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, output: &str, errors: &str) {
        let found = (self.0.status.code(), self.output_text(), self.errors());
        assert_eq!(found, (Some(code), output, errors));
    }

    #[track_caller]
    pub(crate) fn code_is(&self, code: i32) -> &Self {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.errors());
        self
    }

    /// Reads the output as one JSON value a line.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.output_text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Returns the repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Builds the binary, once, beside the tests, and returns where it is.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // This test's own path is <target>/<profile>/deps/<name>.
        let test = std::env::current_exe().unwrap();
        let profile_folder = test.parent().and_then(Path::parent).unwrap();
        let profile = match profile_folder.file_name().and_then(OsStr::to_str).unwrap() {
            "debug" => "dev",
            other => other,
        };
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--package",
                "perennial-cli",
                "--profile",
                profile,
            ])
            .arg("--target-dir")
            .arg(profile_folder.parent().unwrap())
            .current_dir(root())
            .status()
            .unwrap();
        assert!(built.success());
        profile_folder.join(format!("perennial{}", std::env::consts::EXE_SUFFIX))
    })
}
