//! What is wrong with a configuration: everything at once, and what was passed over.

use std::fmt;

use perennial_backend::Error;

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Error>,
}

impl ConfigError {
    pub(crate) fn new(problems: Vec<Error>) -> Self {
        Self { problems }
    }

    /// Returns the problems, at least one, in the order in which they were found.
    #[must_use]
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [only] => write_problem(f, only),
            several => {
                write!(f, "{} settings are wrong", several.len())?;
                several.iter().try_for_each(|problem| {
                    f.write_str("\n- ")?;
                    write_problem(f, problem)
                })
            }
        }
    }
}

fn write_problem(f: &mut fmt::Formatter<'_>, problem: &Error) -> fmt::Result {
    write!(f, "{problem}")?;
    match problem.help() {
        Some(help) => write!(f, " ({help})"),
        None => Ok(()),
    }
}

impl std::error::Error for ConfigError {}

/// Something in a configuration that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    message: String,
}

impl Warning {
    pub(crate) fn new(message: String) -> Self {
        Self { message }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
