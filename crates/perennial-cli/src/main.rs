//! The `perennial` binary: it hands the process's arguments, environment and streams to the library.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "a program reads its own environment"
)]
fn main() -> ExitCode {
    let mut streams = perennial_cli::Streams {
        input: &mut std::io::stdin().lock(),
        output: &mut std::io::BufWriter::new(std::io::stdout().lock()),
        errors: &mut std::io::stderr().lock(),
    };
    perennial_cli::run(std::env::args_os(), std::env::vars_os(), &mut streams)
}
