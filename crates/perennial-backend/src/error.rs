//! How a call to a store fails: our own words, and never a vendor's error type.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a failure means to a program.
///
/// Programs and the cache branch on the kind; people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The vault's settings are wrong or incomplete.
    InvalidConfig,
    /// The reference names something that this vault cannot mean.
    InvalidReference,
    /// The store answered that there is no such secret, version or member.
    NotFound,
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
    /// The answer was not understood.
    Unexpected,
    /// The store has no such thing as was asked for.
    Unsupported,
}

impl ErrorKind {
    /// Every kind, in alphabetical order.
    pub const ALL: &'static [Self] = &[
        Self::InvalidConfig,
        Self::InvalidReference,
        Self::NotFound,
        Self::PermissionDenied,
        Self::RateLimited,
        Self::Timeout,
        Self::Unauthenticated,
        Self::Unavailable,
        Self::Unexpected,
        Self::Unsupported,
    ];

    /// Returns the stable name, fit for metrics labels and JSON: `not_found`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid_config",
            Self::InvalidReference => "invalid_reference",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unexpected => "unexpected",
            Self::Unsupported => "unsupported",
        }
    }

    /// Returns whether the same call may well succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::Timeout | Self::Unavailable)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the backend was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Making the backend from its settings.
    Build,
    /// Reading one secret.
    Fetch,
    /// Reading several secrets with one call.
    FetchMany,
    /// Writing a new version.
    Put,
    /// Making a version the current one.
    Promote,
    /// Renewing a lease.
    Renew,
    /// Ending a version's life.
    Retire,
    /// Ending a lease.
    Revoke,
    /// Listening for changes.
    Subscribe,
    /// Keeping the backend's own login alive.
    Upkeep,
    /// Listing the versions of a secret.
    Versions,
}

impl Operation {
    /// Returns the stable name, fit for logs and metrics labels: `fetch_many`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Fetch => "fetch",
            Self::FetchMany => "fetch_many",
            Self::Put => "put",
            Self::Promote => "promote",
            Self::Renew => "renew",
            Self::Retire => "retire",
            Self::Revoke => "revoke",
            Self::Subscribe => "subscribe",
            Self::Upkeep => "upkeep",
            Self::Versions => "versions",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a piece of context is about.
///
/// The list is closed on purpose: URLs, headers, bodies and values have no key, so they cannot
/// enter an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContextKey {
    /// The backend's type name, such as `aws`.
    Backend,
    /// A capability or permission that is missing.
    Capability,
    /// The name of a setting.
    Field,
    /// A path below the vault's own root.
    File,
    /// The name of a member of a secret.
    Key,
    /// A limit that was passed.
    Limit,
    /// A namespace of the store.
    Namespace,
    /// The name of an option in a reference.
    Option,
    /// A project or account of the store.
    Project,
    /// A region of the store.
    Region,
    /// The name of the secret.
    Resource,
    /// The name of an environment variable.
    Variable,
    /// The vault's name.
    Vault,
    /// A version or stage.
    Version,
}

impl ContextKey {
    /// Returns the stable name: `resource`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Capability => "capability",
            Self::Field => "field",
            Self::File => "file",
            Self::Key => "key",
            Self::Limit => "limit",
            Self::Namespace => "namespace",
            Self::Option => "option",
            Self::Project => "project",
            Self::Region => "region",
            Self::Resource => "resource",
            Self::Variable => "variable",
            Self::Vault => "vault",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for ContextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed call to a store.
///
/// `Display` prints this error alone, in lower case and without a full stop; what the provider said
/// is the [`Cause`], reached through [`source`](std::error::Error::source). Cloning is cheap: one
/// failure is handed to everybody who waited for the call.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    help: Option<Cow<'static, str>>,
    operation: Option<Operation>,
    retry_after: Option<Duration>,
    context: Vec<(ContextKey, Box<str>)>,
    cause: Option<Cause>,
}

impl Error {
    /// Makes an error.
    ///
    /// The message names the thing and says what is wrong with it, in lower case, without a full
    /// stop, and without any part of a secret.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                message: message.into(),
                help: None,
                operation: None,
                retry_after: None,
                context: Vec::new(),
                cause: None,
            }),
        }
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn with_help(self, help: impl Into<Cow<'static, str>>) -> Self {
        self.edit(|inner| inner.help = Some(help.into()))
    }

    /// Says what the backend was doing.
    #[must_use]
    pub fn with_operation(self, operation: Operation) -> Self {
        self.edit(|inner| inner.operation = Some(operation))
    }

    /// Says how long the store asks to be left alone.
    #[must_use]
    pub fn with_retry_after(self, span: Duration) -> Self {
        self.edit(|inner| inner.retry_after = Some(span))
    }

    /// Adds one piece of context; a key that is there already gets the new value.
    #[must_use]
    pub fn with_context(self, key: ContextKey, value: impl Into<Box<str>>) -> Self {
        let value = value.into();
        self.edit(
            |inner| match inner.context.iter_mut().find(|(known, _)| *known == key) {
                Some((_, held)) => *held = value,
                None => inner.context.push((key, value)),
            },
        )
    }

    /// Adds what the provider said.
    #[must_use]
    pub fn with_cause(self, cause: Cause) -> Self {
        self.edit(|inner| inner.cause = Some(cause))
    }

    /// Returns what the failure means to a program.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the message, as `Display` prints it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns what the reader can do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.inner.help.as_deref()
    }

    /// Returns what the backend was doing.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.inner.operation
    }

    /// Returns how long the store asks to be left alone, counted from the answer.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns the context in the order in which it was added.
    pub fn context(&self) -> impl Iterator<Item = (ContextKey, &str)> {
        self.inner
            .context
            .iter()
            .map(|(key, value)| (*key, &**value))
    }

    /// Returns what the provider said.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.inner.cause.as_ref()
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message);
        if let Some(operation) = self.inner.operation {
            debug.field("operation", &operation);
        }
        if let Some(span) = self.inner.retry_after {
            debug.field("retry_after", &span);
        }
        if !self.inner.context.is_empty() {
            debug.field("context", &self.inner.context);
        }
        if let Some(cause) = &self.inner.cause {
            debug.field("cause", cause);
        }
        debug.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.cause.as_ref().map(|cause| cause as _)
    }
}

/// What a provider said when it failed, copied field by field.
///
/// A provider's own error value is never kept: some of them print bodies and tokens. The message is
/// whatever the backend deemed safe to repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    code: Option<Box<str>>,
    status: Option<u16>,
    request_id: Option<Box<str>>,
    message: Option<Box<str>>,
}

impl Cause {
    /// Makes a cause that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the provider's error code, such as `ResourceNotFoundException` or `ENOENT`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Box<str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the id by which the provider can find the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Adds a message that is known to hold no secret.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Box<str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Returns the provider's error code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns the id by which the provider can find the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            write!(f, "{between}{text}")?;
            between = ", ";
            Ok(())
        };
        if let Some(message) = &self.message {
            part(f, format_args!("{message}"))?;
        }
        if let Some(code) = &self.code {
            part(f, format_args!("code {code}"))?;
        }
        if let Some(status) = self.status {
            part(f, format_args!("status {status}"))?;
        }
        if let Some(id) = &self.request_id {
            part(f, format_args!("request {id}"))?;
        }
        if between.is_empty() {
            f.write_str("no details")
        } else {
            Ok(())
        }
    }
}

impl std::error::Error for Cause {}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn display_prints_this_error_alone_and_the_cause_is_the_source() {
        let error = Error::new(ErrorKind::NotFound, "no secret `db`").with_cause(
            Cause::new()
                .with_code("ResourceNotFoundException")
                .with_status(400),
        );
        assert_eq!(error.to_string(), "no secret `db`");
        let cause = error.source().unwrap();
        assert_eq!(
            cause.to_string(),
            "code ResourceNotFoundException, status 400"
        );
        assert!(cause.source().is_none());
        assert_eq!(Cause::new().to_string(), "no details");
    }

    #[test]
    fn a_clone_is_not_changed_by_what_is_added_later() {
        let error = Error::new(ErrorKind::RateLimited, "too many calls");
        let later = error.clone().with_retry_after(Duration::from_secs(7));
        assert_eq!(error.retry_after(), None);
        assert_eq!(later.retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn context_has_one_value_for_a_key() {
        let error = Error::new(ErrorKind::Unexpected, "odd")
            .with_context(ContextKey::Resource, "a")
            .with_context(ContextKey::Vault, "v")
            .with_context(ContextKey::Resource, "b");
        let context: Vec<_> = error.context().collect();
        assert_eq!(
            context,
            [(ContextKey::Resource, "b"), (ContextKey::Vault, "v")]
        );
    }

    #[test]
    fn kinds_are_listed_in_alphabetical_order_of_their_names() {
        let names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
    }
}
