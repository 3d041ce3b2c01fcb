//! `test`: every test there is, with one command.

use std::path::Path;

use crate::process::cargo;

/// The workspace of its own in which allocators and floors are measured.
pub(crate) const LAB: &str = "tests/lab/Cargo.toml";

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test                     everything\n  cargo xtask test stale               tests whose name holds `stale`\n  cargo xtask test -- --nocapture      arguments of the test programs"
)]
pub(crate) struct Args {
    /// Passed on to `cargo test`
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    rest: Vec<String>,
    /// Arguments of the test programs
    #[arg(last = true, hide = true)]
    programs: Vec<String>,
}

/// Tests the workspace with its doctests, then the lab.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let mut rest = args.rest.clone();
    if !args.programs.is_empty() {
        rest.push("--".to_owned());
        rest.extend(args.programs.iter().cloned());
    }
    cargo(root, ["test", "--workspace"]).args(&rest).run()?;
    if root.join(LAB).is_file() {
        cargo(root, ["test", "--manifest-path", LAB])
            .args(&rest)
            .run()
    } else {
        println!("not run: {LAB} does not exist");
        Ok(())
    }
}
