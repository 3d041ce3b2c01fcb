//! How the program fails: messages for people, and exit codes for scripts. Nowhere else.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use perennial::backend::{Error as BackendError, ErrorKind as BackendErrorKind};
use perennial::{ConfigError, Error, ErrorKind, ParseError};
use serde_json::{Value, json};

use crate::Streams;

pub(crate) type Outcome = Result<(), Failure>;

/// Why the program did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line was wrong, or asked for help.
    Usage(clap::Error),
    /// The configuration as a whole is wrong.
    Config(ConfigError),
    /// No resolver could be made.
    Backend(BackendError),
    /// References could not be resolved; those before have been reported if they were `json`.
    References { failed: Vec<Error>, told: bool },
    /// Texts are no references.
    Syntax(Vec<ParseError>),
    /// A reference cannot be resolved as it is; the explanation has said why.
    Explained(ErrorKind),
    /// Standard output, or a file, could not be written.
    Output(io::Error),
    /// Standard input could not be read.
    Input(io::Error),
}

/// Tells what failed, and returns the exit code for it.
pub(crate) fn report(failure: &Failure, streams: &mut Streams<'_>) -> ExitCode {
    let (code, text) = match failure {
        Failure::Usage(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
            // Help and version were asked for: they are output.
            let text = error.render().to_string();
            let stream = if code == 0 {
                &mut *streams.output
            } else {
                &mut *streams.errors
            };
            let _ = stream
                .write_all(text.as_bytes())
                .and_then(|()| stream.flush());
            return ExitCode::from(code);
        }
        Failure::Config(error) => (INVALID, format!("error: {error}\n")),
        Failure::Backend(error) => (code(error.kind().into()), chain(error, error.help())),
        Failure::References { failed, told } => {
            let text = if *told {
                String::new()
            } else {
                failed
                    .iter()
                    .map(|error| chain(error, error.help()))
                    .collect()
            };
            let first = failed
                .first()
                .map_or(UNEXPECTED, |error| code(error.kind()));
            (first, text)
        }
        Failure::Syntax(errors) => (
            INVALID,
            errors.iter().map(|error| chain(error, None)).collect(),
        ),
        Failure::Explained(kind) => (code(*kind), String::new()),
        Failure::Output(error) => (UNEXPECTED, format!("error: cannot write: {error}\n")),
        Failure::Input(error) => (
            UNEXPECTED,
            format!("error: cannot read standard input: {error}\n"),
        ),
    };
    // What was printed before comes first, and nothing can be done about streams that are closed.
    let _ = streams.output.flush();
    let _ = streams.errors.write_all(text.as_bytes());
    ExitCode::from(code)
}

const UNEXPECTED: u8 = 1;
const USAGE: u8 = 2;
const INVALID: u8 = 6;

fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NotFound => 3,
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => 4,
        ErrorKind::Closed
        | ErrorKind::Expired
        | ErrorKind::NotYet
        | ErrorKind::RateLimited
        | ErrorKind::Timeout
        | ErrorKind::Unavailable => 5,
        ErrorKind::InvalidConfig
        | ErrorKind::InvalidReference
        | ErrorKind::UnknownVault
        | ErrorKind::Unsupported => INVALID,
        _ => UNEXPECTED,
    }
}

/// Writes an error with everything that caused it, and the advice on a line of its own.
fn chain(error: &dyn std::error::Error, help: Option<&str>) -> String {
    let mut text = format!("error: {}\n", in_one_line(error));
    if let Some(help) = help {
        text.push_str(&format!("  help: {help}\n"));
    }
    text
}

fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// Describes why a reference could not be resolved.
pub(crate) fn error_json(error: &Error) -> Value {
    let message = match error.source() {
        Some(cause) => in_one_line(cause),
        None => error.to_string(),
    };
    let mut described = json!({
        "kind": error.kind().as_str(),
        "message": message,
        "help": error.help(),
    });
    if let (Some(parse), Some(members)) = (error.as_parse(), described.as_object_mut()) {
        members.insert("offset".to_owned(), json!(parse.offset()));
    }
    described
}

/// Describes what keeps a reference from being resolved.
pub(crate) fn problem_json(error: &BackendError) -> Value {
    json!({
        "kind": error.kind().as_str(),
        "message": in_one_line(error),
        "help": error.help(),
    })
}

/// Describes what is wrong with the text of a reference.
pub(crate) fn parse_json(error: &ParseError) -> Value {
    json!({
        "kind": error.kind().as_str(),
        "offset": error.offset(),
        "message": error.to_string(),
    })
}

/// Returns whether a backend type is known and merely not there.
pub(crate) fn is_absence(error: &BackendError) -> bool {
    error.kind() == BackendErrorKind::Unsupported
}
