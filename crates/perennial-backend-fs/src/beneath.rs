//! Opening what lies below a directory, and nothing else.
//!
//! Links are followed as long as they stay below. On Unix each step is taken relative to an open
//! directory, so nobody who moves things meanwhile can lead a walk astray. Elsewhere the standard
//! library offers no such steps: there the whole path is resolved and compared before it is opened.

use std::fs::File;
use std::io;

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{Directory, Root};
#[cfg(unix)]
pub(crate) use unix::{Directory, Root};

/// What a name leads to.
#[derive(Debug)]
pub(crate) enum Found<D> {
    /// A regular file, open for reading.
    File(File),
    /// A directory, held open.
    Directory(D),
}

/// Why a name leads nowhere.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The system said so.
    System(io::Error),
    /// A link leads out of the root.
    Outside,
    /// There are too many links on the way, or directories below each other.
    #[cfg_attr(
        not(any(unix, test)),
        expect(dead_code, reason = "there the system counts the links itself")
    )]
    Endless,
    /// It is a pipe, a socket or a device.
    Special,
}

impl Obstacle {
    /// Returns whether there is nothing of that name, or of one on the way to it.
    pub(crate) fn is_absence(&self) -> bool {
        let Self::System(error) = self else {
            return false;
        };
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    }
}

/// The links that were followed on the way, as they read: two walks that saw the same links went
/// the same way.
pub(crate) type Trail = Vec<std::ffi::OsString>;

#[cfg(test)]
#[cfg(unix)]
mod tests;
