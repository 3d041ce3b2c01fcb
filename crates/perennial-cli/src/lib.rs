#![doc = include_str!("../README.md")]

mod args;
mod explain;
mod generate;
mod get;
mod report;
mod setup;
mod syntax;
mod watch;

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Args, Command};
use crate::report::{Failure, Outcome};

/// The streams of the process: values go to `output` only, diagnostics to `errors` only.
#[expect(
    clippy::exhaustive_structs,
    reason = "made by the binary, from a process's three streams"
)]
pub struct Streams<'s> {
    /// Standard input.
    pub input: &'s mut dyn BufRead,
    /// Standard output.
    pub output: &'s mut dyn Write,
    /// Standard error.
    pub errors: &'s mut dyn Write,
}

impl fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

/// Runs the program with these arguments, the first of which is its name, and this environment.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    streams: &mut Streams<'_>,
) -> ExitCode {
    let outcome = match parse(args) {
        Ok(args) => dispatch(args, environment, streams),
        Err(error) => Err(Failure::Usage(error)),
    };
    let outcome = outcome.and_then(|()| streams.output.flush().map_err(Failure::Output));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => report::report(&failure, streams),
    }
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    Args::from_arg_matches(&command().try_get_matches_from(args)?)
}

fn dispatch(
    args: Args,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    streams: &mut Streams<'_>,
) -> Outcome {
    match args.command {
        Command::Get(get) => {
            let secrets = setup::resolver_for_once(environment, streams.errors)?;
            get::run(&get, &secrets, streams)
        }
        Command::Explain(explain) if explain.syntax => syntax::run(&explain, streams),
        Command::Explain(explain) => {
            let secrets = setup::resolver(environment, streams.errors)?;
            explain::run(&explain, &secrets, streams)
        }
        Command::Watch(watch) => {
            let secrets = setup::resolver(environment, streams.errors)?;
            watch::run(&watch, &secrets, streams)
        }
        Command::Completions { shell } => generate::completions(shell, streams.output),
        Command::Man { folder } => generate::man_pages(&folder),
    }
}

/// Returns the description of the command line, from which help, completions and man pages come.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}
