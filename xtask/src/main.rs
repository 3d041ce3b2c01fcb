//! The switchboard of the project's chores: `cargo xtask <command>`.
//!
//! One file per command holds its arguments and what it does; nothing is done here but choosing.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: what it finds goes to standard output, why it stopped to standard error"
)]

mod bench;
mod ci;
mod clock;
mod live;
mod man;
mod manifest;
mod new_backend;
mod process;
mod release;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Examples:\n  cargo xtask tidy              what breaks the house rules\n  cargo xtask ci                everything a change must pass\n  cargo xtask ci fmt lint       two stages of it\n  cargo xtask release plan      what a release would do"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks the rules that no compiler knows: arrows between crates, sizes, names, documents
    Tidy(tidy::Args),
    /// Runs the stages a change must pass, and says what was not run
    Ci(ci::Args),
    /// Runs every test: the workspace with its doctests, then the lab
    Test(test::Args),
    /// Runs the suites against real servers, which are brought, started and taken down
    Live(live::Args),
    /// Runs the benches
    Bench(bench::Args),
    /// Writes the crate of a new backend, whose tests name what it does not do yet
    NewBackend(new_backend::Args),
    /// Writes man pages and shell completions of the `perennial` binary
    Man(man::Args),
    /// Plans, prepares and publishes a release
    Release(release::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = workspace::find_root().and_then(|root| match &cli.command {
        Command::Tidy(args) => tidy::run(&root, args),
        Command::Ci(args) => ci::run(&root, args),
        Command::Test(args) => test::run(&root, args),
        Command::Live(args) => live::run(&root, args),
        Command::Bench(args) => bench::run(&root, args),
        Command::NewBackend(args) => new_backend::run(&root, args),
        Command::Man(args) => man::run(&root, args),
        Command::Release(args) => release::run(&root, args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
