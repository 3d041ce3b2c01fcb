//! How resolving fails: the reference, and what went wrong with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Error as BackendError, ErrorKind as BackendErrorKind};
use perennial_reference::ParseError;

/// What a failure means to a program: the kinds of a backend, and those that only a resolver has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The resolver has been shut down, or the vault was removed.
    Closed,
    /// A value is held that is too old to be served, and could not be refreshed.
    Expired,
    /// The vault's settings are wrong or incomplete.
    InvalidConfig,
    /// The text is no reference, or asks for something that cannot be meant.
    InvalidReference,
    /// There is no such secret, version, member or place in it.
    NotFound,
    /// Nobody has asked the store yet; that has begun now.
    NotYet,
    /// The store knows who asks and refuses.
    PermissionDenied,
    /// The store asks for fewer calls.
    RateLimited,
    /// No answer came before the deadline.
    Timeout,
    /// The store does not know who asks, or no longer.
    Unauthenticated,
    /// The store cannot be reached or cannot answer now.
    Unavailable,
    /// The answer was not understood, or the backend failed in a way that it should not.
    Unexpected,
    /// No vault has this name.
    UnknownVault,
    /// The store has no such thing as was asked for.
    Unsupported,
}

impl ErrorKind {
    /// Returns the stable name, fit for metrics labels and JSON: `not_found`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidReference => "invalid_reference",
            Self::NotFound => "not_found",
            Self::NotYet => "not_yet",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unexpected => "unexpected",
            Self::UnknownVault => "unknown_vault",
            Self::Unsupported => "unsupported",
        }
    }
}

impl From<BackendErrorKind> for ErrorKind {
    fn from(kind: BackendErrorKind) -> Self {
        match kind {
            BackendErrorKind::InvalidConfig => Self::InvalidConfig,
            BackendErrorKind::InvalidReference => Self::InvalidReference,
            BackendErrorKind::NotFound => Self::NotFound,
            BackendErrorKind::PermissionDenied => Self::PermissionDenied,
            BackendErrorKind::RateLimited => Self::RateLimited,
            BackendErrorKind::Timeout => Self::Timeout,
            BackendErrorKind::Unauthenticated => Self::Unauthenticated,
            BackendErrorKind::Unavailable => Self::Unavailable,
            BackendErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Unexpected,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reference that could not be resolved.
///
/// `Display` names the reference; why it failed is the [`source`](std::error::Error::source).
/// A text that is no reference is not repeated, since it may be a secret itself.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: ErrorKind,
    reference: Option<Box<str>>,
    cause: Cause,
    retry_in: Option<Duration>,
}

enum Cause {
    Parse(ParseError),
    Backend(BackendError),
}

impl Error {
    pub(crate) fn parse(text: &str, cause: ParseError) -> Self {
        let reference = perennial_reference::is_reference(text).then(|| text.into());
        Self::new(ErrorKind::InvalidReference, reference, Cause::Parse(cause))
    }

    pub(crate) fn backend(reference: impl fmt::Display, cause: BackendError) -> Self {
        let kind = cause.kind().into();
        Self::new(
            kind,
            Some(reference.to_string().into()),
            Cause::Backend(cause),
        )
    }

    pub(crate) fn of_kind(
        kind: ErrorKind,
        reference: impl fmt::Display,
        cause: BackendError,
    ) -> Self {
        Self::new(
            kind,
            Some(reference.to_string().into()),
            Cause::Backend(cause),
        )
    }

    fn new(kind: ErrorKind, reference: Option<Box<str>>, cause: Cause) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                reference,
                cause,
                retry_in: None,
            }),
        }
    }

    pub(crate) fn closed(reference: impl fmt::Display) -> Self {
        let cause = BackendError::new(
            BackendErrorKind::Unavailable,
            "the resolver is shut down, or the vault was removed",
        );
        Self::of_kind(ErrorKind::Closed, reference, cause)
    }

    pub(crate) fn not_yet(reference: impl fmt::Display) -> Self {
        let cause = BackendError::new(
            BackendErrorKind::Unavailable,
            "nobody has asked the store yet",
        );
        Self::of_kind(ErrorKind::NotYet, reference, cause)
    }

    pub(crate) fn expired(
        reference: impl fmt::Display,
        age: Duration,
        cause: Option<&BackendError>,
    ) -> Self {
        let why = cause.map_or_else(|| "it was not refreshed".to_owned(), ToString::to_string);
        let cause = BackendError::new(
            cause.map_or(BackendErrorKind::Unavailable, BackendError::kind),
            format!(
                "the value is {} s old and may not be used any more: {why}",
                age.as_secs()
            ),
        );
        Self::of_kind(ErrorKind::Expired, reference, cause)
    }

    pub(crate) fn unnamed(name: &str) -> Self {
        let cause = BackendError::new(
            BackendErrorKind::InvalidReference,
            format!("nothing was asked for by the name `{name}`"),
        );
        Self::new(ErrorKind::InvalidReference, None, Cause::Backend(cause))
    }

    pub(crate) fn with_retry_in(mut self, span: Option<Duration>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.retry_in = span;
        }
        self
    }

    /// Returns what the failure means to a program.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the text of the reference, unless it was no reference.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.inner.reference.as_deref()
    }

    /// Returns what the reader can do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match &self.inner.cause {
            Cause::Parse(_) => None,
            Cause::Backend(error) => error.help(),
        }
    }

    /// Returns how long the store asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.as_backend().and_then(BackendError::retry_after)
    }

    /// Returns after what span the store is asked again, if the error is one that is remembered.
    #[must_use]
    pub fn retry_in(&self) -> Option<Duration> {
        self.inner.retry_in
    }

    /// Returns what was wrong with the text, if that is what failed.
    #[must_use]
    pub fn as_parse(&self) -> Option<&ParseError> {
        match &self.inner.cause {
            Cause::Parse(error) => Some(error),
            Cause::Backend(_) => None,
        }
    }

    /// Returns the failure below, unless the text was wrong.
    #[must_use]
    pub fn as_backend(&self) -> Option<&BackendError> {
        match &self.inner.cause {
            Cause::Parse(_) => None,
            Cause::Backend(error) => Some(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.reference {
            Some(reference) => write!(f, "cannot resolve {reference}"),
            None => f.write_str("cannot resolve the given text"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.inner.kind)
            .field("reference", &self.inner.reference);
        match &self.inner.cause {
            Cause::Parse(error) => debug.field("cause", error),
            Cause::Backend(error) => debug.field("cause", error),
        };
        debug.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.cause {
            Cause::Parse(error) => Some(error),
            Cause::Backend(error) => Some(error),
        }
    }
}
