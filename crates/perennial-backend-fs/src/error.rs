//! How a read of a file fails: one table of what the system says, and one place for all words.
//!
//! Errors name files below the prefix, settings and limits, and nothing of what a file holds.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use perennial_backend::{Cause, ContextKey, Error, ErrorKind, Field, Operation};

use crate::beneath::Obstacle;
use crate::config::{MAX_FILES, MAX_SIZE, MAX_TOTAL, PREFIX};
use crate::read;

/// What is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// The name in the reference.
    pub(crate) resource: &'a str,
    /// One file of the directory that it leads to.
    pub(crate) member: Option<&'a str>,
}

impl Site<'_> {
    fn file(self) -> String {
        let path = match self.member {
            Some(member) => format!("{}/{member}", self.resource),
            None => self.resource.to_owned(),
        };
        shown(&path)
    }

    fn error(self, kind: ErrorKind, what: &str) -> Error {
        let file = self.file();
        let error = Error::new(kind, format!("`{file}` {what}"))
            .with_operation(Operation::Fetch)
            .with_context(ContextKey::Resource, self.resource)
            .with_context(ContextKey::File, file);
        match self.member {
            Some(member) => error.with_context(ContextKey::Key, member),
            None => error,
        }
    }

    /// Names that point anywhere but downwards.
    pub(crate) fn not_plain(self) -> Error {
        self.error(
            ErrorKind::InvalidReference,
            "is no name of a file below the prefix",
        )
        .with_help(
            "use names parted by single slashes, none of them `.` or `..`, for example \
                 `db/password`",
        )
    }

    /// What the system, or a rule about links, has against it. `linked` says that a link was
    /// followed on the way.
    pub(crate) fn obstacle(self, obstacle: &Obstacle, linked: bool) -> Error {
        match obstacle {
            Obstacle::System(error) if obstacle.is_absence() => self.absent(error, linked),
            Obstacle::System(error) => self.system(error),
            Obstacle::Outside => self
                .error(
                    ErrorKind::InvalidReference,
                    "leads out of the vault's prefix through a link",
                )
                .with_help("links are followed only as long as they stay below the prefix"),
            Obstacle::Endless => self
                .error(
                    ErrorKind::InvalidReference,
                    "lies behind too many links or directories",
                )
                .with_help("see whether a link leads back to itself"),
            Obstacle::Special => self
                .error(
                    ErrorKind::InvalidReference,
                    "is neither a file nor a directory",
                )
                .with_help("pipes, sockets and devices are not read"),
        }
    }

    fn absent(self, error: &io::Error, linked: bool) -> Error {
        let (_, code) = explain(error);
        let error = if linked {
            self.error(
                ErrorKind::NotFound,
                "is behind a link to something that does not exist",
            )
        } else {
            self.error(ErrorKind::NotFound, "does not exist")
                .with_help("files are looked for below the vault's prefix")
        };
        error.with_cause(Cause::new().with_code(code))
    }

    /// Whatever the system said while a file or directory was opened or read.
    pub(crate) fn system(self, error: &io::Error) -> Error {
        let (kind, code) = explain(error);
        let error = match kind {
            ErrorKind::NotFound => return self.absent(error, false),
            ErrorKind::PermissionDenied => self
                .error(kind, "may not be read by this process")
                .with_help(
                    "let the user of this process read it, and enter every directory on the way",
                ),
            ErrorKind::InvalidReference => self.error(kind, "cannot be the name of a file here"),
            ErrorKind::Unavailable => self.error(kind, "cannot be read now"),
            _ => self.error(kind, "cannot be read"),
        };
        error.with_cause(Cause::new().with_code(code))
    }

    /// Why the content of a file was not read.
    pub(crate) fn failure(self, failure: &read::Failure, max_size: u64) -> Error {
        match failure {
            read::Failure::System(error) => self.system(error),
            read::Failure::TooLarge => self.limit(
                &MAX_SIZE,
                max_size,
                &format!("has more than {max_size} bytes"),
            ),
            read::Failure::Restless => self.restless(),
        }
    }

    /// A directory has too many files to be one secret.
    pub(crate) fn too_many(self, max_files: u64) -> Error {
        self.limit(
            &MAX_FILES,
            max_files,
            &format!("has more than {max_files} files"),
        )
    }

    /// The files of a directory are too large together.
    pub(crate) fn too_much(self, max_total: u64) -> Error {
        let what = format!("has files of more than {max_total} bytes together");
        self.limit(&MAX_TOTAL, max_total, &what)
    }

    fn limit(self, field: &Field, limit: u64, what: &str) -> Error {
        let name = field.name();
        self.error(ErrorKind::InvalidReference, what)
            .with_context(ContextKey::Limit, format!("{name}={limit}"))
            .with_help(format!("raise `{name}` if it has to be that much"))
    }

    /// It did not hold still for as long as a read takes.
    pub(crate) fn restless(self) -> Error {
        self.error(
            ErrorKind::Unavailable,
            "is written faster than it can be read",
        )
        .with_help("write to another name and rename it into place")
    }
}

/// The prefix itself cannot be entered.
pub(crate) fn prefix(path: &Path, error: &io::Error) -> Error {
    let shown = shown(&path.to_string_lossy());
    let (kind, code) = explain(error);
    let (kind, what, help) = match (error.kind(), kind) {
        (io::ErrorKind::NotADirectory, _) => (
            ErrorKind::InvalidConfig,
            "is not a directory",
            "set `prefix` to a directory, for example `/run/secrets`",
        ),
        // A volume that is not mounted yet will be, so this is no fault of the reference or the
        // settings as far as anybody can tell.
        (_, ErrorKind::NotFound) => (
            ErrorKind::Unavailable,
            "does not exist",
            "mount the volume, or correct the setting `prefix`",
        ),
        (_, ErrorKind::PermissionDenied) => (
            kind,
            "may not be entered by this process",
            "let the user of this process enter every directory on the way",
        ),
        (_, ErrorKind::InvalidReference) => (
            ErrorKind::InvalidConfig,
            "cannot be a directory here",
            "set `prefix` to a directory, for example `/run/secrets`",
        ),
        _ => (
            kind,
            "cannot be entered now",
            "see whether the volume is in order",
        ),
    };
    Error::new(kind, format!("the vault's prefix `{shown}` {what}"))
        .with_operation(Operation::Fetch)
        .with_context(ContextKey::Field, PREFIX.name())
        .with_help(help)
        .with_cause(Cause::new().with_code(code))
}

/// Control characters are spelled out: names of files may have them.
fn shown(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// What a failure of the system means, and what the system calls it.
#[cfg(unix)]
fn explain(error: &io::Error) -> (ErrorKind, Cow<'static, str>) {
    let Some(number) = error.raw_os_error() else {
        return (ErrorKind::Unexpected, format!("{:?}", error.kind()).into());
    };
    let row = TABLE
        .iter()
        .find(|(errno, _, _)| errno.raw_os_error() == number);
    match row {
        Some((_, code, kind)) => (*kind, (*code).into()),
        None => (ErrorKind::Unexpected, format!("errno {number}").into()),
    }
}

/// What a failure of the system means, and what the standard library calls it.
#[cfg(not(unix))]
fn explain(error: &io::Error) -> (ErrorKind, Cow<'static, str>) {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::InvalidInput => ErrorKind::InvalidReference,
        io::ErrorKind::ResourceBusy
        | io::ErrorKind::StaleNetworkFileHandle
        | io::ErrorKind::TimedOut
        | io::ErrorKind::WouldBlock
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::OutOfMemory => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    (kind, format!("{:?}", error.kind()).into())
}

/// What each failure means. What is not listed is *unexpected*.
#[cfg(unix)]
const TABLE: &[(Errno, &str, ErrorKind)] = &[
    (Errno::ACCESS, "EACCES", ErrorKind::PermissionDenied),
    (Errno::AGAIN, "EAGAIN", ErrorKind::Unavailable),
    (Errno::BUSY, "EBUSY", ErrorKind::Unavailable),
    (Errno::CONNREFUSED, "ECONNREFUSED", ErrorKind::Unavailable),
    (Errno::CONNRESET, "ECONNRESET", ErrorKind::Unavailable),
    (Errno::HOSTDOWN, "EHOSTDOWN", ErrorKind::Unavailable),
    (Errno::HOSTUNREACH, "EHOSTUNREACH", ErrorKind::Unavailable),
    (Errno::ILSEQ, "EILSEQ", ErrorKind::InvalidReference),
    (Errno::INVAL, "EINVAL", ErrorKind::InvalidReference),
    (Errno::IO, "EIO", ErrorKind::Unavailable),
    (Errno::LOOP, "ELOOP", ErrorKind::InvalidReference),
    (Errno::MFILE, "EMFILE", ErrorKind::Unavailable),
    (
        Errno::NAMETOOLONG,
        "ENAMETOOLONG",
        ErrorKind::InvalidReference,
    ),
    (Errno::NETDOWN, "ENETDOWN", ErrorKind::Unavailable),
    (Errno::NETUNREACH, "ENETUNREACH", ErrorKind::Unavailable),
    (Errno::NFILE, "ENFILE", ErrorKind::Unavailable),
    (Errno::NODEV, "ENODEV", ErrorKind::Unavailable),
    (Errno::NOENT, "ENOENT", ErrorKind::NotFound),
    (Errno::NOMEM, "ENOMEM", ErrorKind::Unavailable),
    (Errno::NOTCONN, "ENOTCONN", ErrorKind::Unavailable),
    (Errno::NOTDIR, "ENOTDIR", ErrorKind::NotFound),
    (Errno::NXIO, "ENXIO", ErrorKind::Unavailable),
    (Errno::PERM, "EPERM", ErrorKind::PermissionDenied),
    (Errno::STALE, "ESTALE", ErrorKind::Unavailable),
    (Errno::TIMEDOUT, "ETIMEDOUT", ErrorKind::Unavailable),
];

#[cfg(unix)]
use rustix::io::Errno;

#[cfg(test)]
mod tests;
