//! Where variables come from: the process, or whatever a test or a program puts in its place.

use std::ffi::OsString;

/// Holds environment variables.
///
/// A closure from a name to a value is one, too.
pub trait Source: Send + Sync + 'static {
    /// Returns the value that a variable has now.
    fn variable(&self, name: &str) -> Option<OsString>;
}

impl<F> Source for F
where
    F: Fn(&str) -> Option<OsString> + Send + Sync + 'static,
{
    fn variable(&self, name: &str) -> Option<OsString> {
        self(name)
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProcessEnvironment;

impl Source for ProcessEnvironment {
    #[expect(
        clippy::disallowed_methods,
        reason = "reading the environment of the process is what this backend is for"
    )]
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}
