//! One field of a backend's configuration: its name, the form of its value, and who may set it.

use std::time::Duration;

use crate::{ContextKey, Error, ErrorKind, Operation};

/// What a field's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// Any text.
    Text,
    /// A whole number between two bounds, both included.
    Integer {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// `true`, `false`, `on` or `off`.
    Boolean,
    /// Seconds, or a number with one of `s`, `m`, `h`, `d`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path of the local file system.
    Path,
    /// A URL with its scheme.
    Url,
    /// Several texts, separated by commas.
    List,
}

impl FieldKind {
    /// Returns the name of the kind: `duration`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Choice(_) => "choice",
            Self::Path => "path",
            Self::Url => "url",
            Self::List => "list",
        }
    }
}

/// What a field is about, which decides who may set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldClass {
    /// Chooses among what the vault can read: a reference may set it where the vault allows it.
    #[default]
    Plain,
    /// Says where the store is: never set by a reference.
    Address,
    /// Says who asks: never set by a reference, and never shown.
    Credential,
    /// Says whom to trust: never set by a reference.
    Trust,
}

/// The description of one field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    name: &'static str,
    summary: &'static str,
    kind: FieldKind,
    class: FieldClass,
    required: bool,
    default: Option<&'static str>,
    unset: Option<&'static str>,
    example: Option<&'static str>,
    aliases: &'static [&'static str],
    conventions: &'static [&'static str],
}

impl Field {
    /// Describes a field by its name, the form of its value, and what it does in one sentence.
    #[must_use]
    pub const fn new(name: &'static str, kind: FieldKind, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            kind,
            class: FieldClass::Plain,
            required: false,
            default: None,
            unset: None,
            example: None,
            aliases: &[],
            conventions: &[],
        }
    }

    /// Says what it is about.
    #[must_use]
    pub const fn with_class(mut self, class: FieldClass) -> Self {
        self.class = class;
        self
    }

    /// Says that there is no vault without it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Says what holds where nothing is given.
    #[must_use]
    pub const fn with_default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Says in words what holds where nothing is given and no one value says it.
    #[must_use]
    pub const fn with_unset(mut self, meaning: &'static str) -> Self {
        self.unset = Some(meaning);
        self
    }

    /// Adds an example value for the documentation.
    #[must_use]
    pub const fn with_example(mut self, value: &'static str) -> Self {
        self.example = Some(value);
        self
    }

    /// Adds other names that mean the same.
    #[must_use]
    pub const fn with_aliases(mut self, names: &'static [&'static str]) -> Self {
        self.aliases = names;
        self
    }

    /// Adds the vendor's own environment variables, the first of which that is set counts, below
    /// everything that was configured.
    #[must_use]
    pub const fn with_conventions(mut self, variables: &'static [&'static str]) -> Self {
        self.conventions = variables;
        self
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it does, in one sentence.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }

    /// Returns the form of its value.
    #[must_use]
    pub const fn kind(&self) -> FieldKind {
        self.kind
    }

    /// Returns what it is about.
    #[must_use]
    pub const fn class(&self) -> FieldClass {
        self.class
    }

    /// Returns whether there is no vault without it.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }

    /// Returns what holds where nothing is given.
    #[must_use]
    pub const fn default(&self) -> Option<&'static str> {
        self.default
    }

    /// Returns in words what holds where nothing is given and no one value says it.
    #[must_use]
    pub const fn unset(&self) -> Option<&'static str> {
        self.unset
    }

    /// Returns an example value.
    #[must_use]
    pub const fn example(&self) -> Option<&'static str> {
        self.example
    }

    /// Returns other names that mean the same.
    #[must_use]
    pub const fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// Returns the vendor's own environment variables.
    #[must_use]
    pub const fn conventions(&self) -> &'static [&'static str] {
        self.conventions
    }

    /// Returns whether this is its name or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Checks the form of a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], naming the field, what it takes, and, unless it is a
    /// credential, what was given.
    pub fn check(&self, text: &str) -> Result<(), Error> {
        let expected = match self.kind {
            FieldKind::Text | FieldKind::List => return Ok(()),
            FieldKind::Path if !text.is_empty() => return Ok(()),
            FieldKind::Path => "a path".to_owned(),
            FieldKind::Integer { min, max } => match text.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => return Ok(()),
                _ => format!("a whole number from {min} to {max}"),
            },
            FieldKind::Boolean if parse_boolean(text).is_some() => return Ok(()),
            FieldKind::Boolean => "`true` or `false`".to_owned(),
            FieldKind::Duration if parse_duration(text).is_some() => return Ok(()),
            FieldKind::Duration => "seconds, or a number with s, m, h or d".to_owned(),
            FieldKind::Choice(words) if words.contains(&text) => return Ok(()),
            FieldKind::Choice(words) => format!("one of {}", words.join(", ")),
            FieldKind::Url if has_user(text) => "a URL without a user or password".to_owned(),
            FieldKind::Url if is_url(text) => return Ok(()),
            FieldKind::Url => "a URL that begins with http:// or https://".to_owned(),
        };
        // What stands before `@` in an address may be a password.
        let found = match (self.class, self.kind) {
            (FieldClass::Credential, _) => String::new(),
            (_, FieldKind::Url) if text.contains('@') => String::new(),
            _ => format!(", not `{text}`"),
        };
        Err(self.invalid(format!("setting `{}` takes {expected}{found}", self.name)))
    }

    /// Makes the error for a value that this field does not take.
    #[must_use]
    pub fn invalid(&self, message: String) -> Error {
        let error = Error::new(ErrorKind::InvalidConfig, message)
            .with_operation(Operation::Build)
            .with_context(ContextKey::Field, self.name);
        match self.example.or(self.default) {
            Some(value) => error.with_help(format!("for example `{value}`")),
            None => error,
        }
    }

    /// Makes the error for a required field without a value.
    #[must_use]
    pub fn missing(&self) -> Error {
        let example = self.example.map(|value| format!(", for example `{value}`"));
        Error::new(
            ErrorKind::InvalidConfig,
            format!("setting `{}` is required", self.name),
        )
        .with_operation(Operation::Build)
        .with_context(ContextKey::Field, self.name)
        .with_help(format!(
            "set `{}`{}",
            self.name,
            example.unwrap_or_default()
        ))
    }
}

/// Reads `true`, `false`, `on` or `off`, as the original's configuration writes them.
#[must_use]
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "on" => Some(true),
        "false" | "off" => Some(false),
        _ => None,
    }
}

/// Reads a duration in the form that references have too: `300`, `30s`, `5m`, `6h`, `1d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    perennial_reference::parse_duration(text)
}

/// Whether a URL says as whom to come: settings of addresses are shown, and credentials are not.
fn has_user(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| text.strip_prefix(scheme))
        .any(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
        })
}
