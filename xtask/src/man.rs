//! `man`: man pages and shell completions, written by the built binary itself.
//!
//! The binary is run rather than linked, so that no other chore has to wait for it to compile.

use std::path::{Path, PathBuf};

use crate::process::cargo;

const PACKAGE: &str = "perennial-cli";
const SHELLS: &[(&str, &str)] = &[
    ("bash", "perennial.bash"),
    ("zsh", "_perennial"),
    ("fish", "perennial.fish"),
];

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask man                    into target/man and target/completions\n  cargo xtask man --out /tmp/pages   into folders there"
)]
pub(crate) struct Args {
    /// Folder in which `man` and `completions` are made
    #[arg(long, default_value = "target")]
    out: PathBuf,
}

/// Builds the binary and lets it describe itself.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    if !root.join("crates").join(PACKAGE).is_dir() {
        return Err(format!(
            "there is no crate {PACKAGE}: man pages come from its binary"
        ));
    }
    let pages = folder(root, &args.out, "man")?;
    let binary =
        |args: &[&str]| cargo(root, ["run", "--quiet", "--package", PACKAGE, "--"]).args(args);
    binary(&["man", &pages.to_string_lossy()]).run()?;
    let completions = folder(root, &args.out, "completions")?;
    for (shell, name) in SHELLS {
        let step = binary(&["completions", shell]);
        println!("$ {}", step.shown());
        let path = completions.join(name);
        std::fs::write(&path, step.capture()?)
            .map_err(|why| format!("cannot write {}: {why}", path.display()))?;
    }
    println!("written: {} and {}", pages.display(), completions.display());
    Ok(())
}

fn folder(root: &Path, out: &Path, name: &str) -> Result<PathBuf, String> {
    let path = root.join(out).join(name);
    std::fs::create_dir_all(&path)
        .map_err(|why| format!("cannot make {}: {why}", path.display()))?;
    Ok(path)
}
