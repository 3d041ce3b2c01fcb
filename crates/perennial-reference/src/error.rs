//! What can be wrong with a text, and how it is said; deciding that it is wrong is the parser's.

use alloc::boxed::Box;
use alloc::format;
use core::error::Error;
use core::fmt;

/// Names what is wrong with a text that was to be a reference, a template or a vault's name.
///
/// Programs branch on this; people read the [`ParseError`] around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The text does not start with `{vault://` or does not end with `}`.
    NotAReference,
    /// A reference inside a template has no closing brace.
    Unterminated,
    /// No vault is named between `{vault://` and the next slash.
    MissingVault,
    /// The vault's name is not one.
    InvalidVault,
    /// Nothing follows the vault's name, not even a slash.
    MissingPath,
    /// A lone slash follows the vault's name.
    EmptyPath,
    /// The path holds nothing but slashes.
    EmptyResource,
    /// A `{` or `}` stands inside the braces without being written as `%7B` or `%7D`.
    UnescapedBrace,
    /// A control byte (NUL, tab, line end, DEL and their like) is there, raw or escaped.
    ControlCharacter,
    /// What the escapes spell is not UTF-8.
    InvalidUtf8,
    /// The text after `#` is no version.
    InvalidVersion,
    /// An option has a value but no name.
    MissingOptionName,
    /// An option that needs a value has an empty one.
    EmptyOption,
    /// The value of an option is not of the kind that the option takes.
    InvalidOption,
    /// An option is given twice.
    RepeatedOption,
    /// There are more than a hundred options.
    TooManyOptions,
    /// Both `key` and `pointer` are given.
    KeyAndPointer,
}

impl ParseErrorKind {
    /// Returns the stable name of this kind, in snake case, for logs and machines.
    ///
    /// ```
    /// use perennial_reference::{ParseErrorKind, Reference};
    ///
    /// let error = Reference::parse("{vault://env}").unwrap_err();
    /// assert_eq!(error.kind(), ParseErrorKind::MissingPath);
    /// assert_eq!(error.kind().as_str(), "missing_path");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAReference => "not_a_reference",
            Self::Unterminated => "unterminated",
            Self::MissingVault => "missing_vault",
            Self::InvalidVault => "invalid_vault",
            Self::MissingPath => "missing_path",
            Self::EmptyPath => "empty_path",
            Self::EmptyResource => "empty_resource",
            Self::UnescapedBrace => "unescaped_brace",
            Self::ControlCharacter => "control_character",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidVersion => "invalid_version",
            Self::MissingOptionName => "missing_option_name",
            Self::EmptyOption => "empty_option",
            Self::InvalidOption => "invalid_option",
            Self::RepeatedOption => "repeated_option",
            Self::TooManyOptions => "too_many_options",
            Self::KeyAndPointer => "key_and_pointer",
        }
    }

    /// What a message of this kind begins with.
    fn headline(self) -> &'static str {
        match self {
            Self::NotAReference => "not a reference",
            Self::Unterminated => "unterminated reference",
            Self::MissingVault => "missing vault",
            Self::InvalidVault => "invalid vault name",
            Self::MissingPath => "missing path",
            Self::EmptyPath => "empty path",
            Self::EmptyResource => "empty resource",
            Self::UnescapedBrace => "unescaped brace",
            Self::ControlCharacter => "control character",
            Self::InvalidUtf8 => "invalid utf-8",
            Self::InvalidVersion => "invalid version",
            Self::MissingOptionName => "missing option name",
            Self::EmptyOption => "empty value",
            Self::InvalidOption => "invalid value",
            Self::RepeatedOption => "repeated option",
            Self::TooManyOptions => "too many options",
            Self::KeyAndPointer => "key and pointer together",
        }
    }

    /// A text that does right what this kind, or the option at fault, is about.
    fn example(self, option: Option<&str>) -> &'static str {
        match self {
            Self::EmptyOption | Self::InvalidOption if option == Some("key") => {
                "{vault://fs/tls?key=ca/root.pem}"
            }
            Self::EmptyOption | Self::InvalidOption if option == Some("base64_decode") => {
                "{vault://aws/db/password?base64_decode=true}"
            }
            Self::EmptyOption | Self::InvalidOption if option == Some("coerce") => {
                "{vault://aws/db/port?coerce=scalar}"
            }
            Self::EmptyOption | Self::InvalidOption if option == Some("pointer") => {
                "{vault://aws/db?pointer=/users/0/password}"
            }
            Self::Unterminated => "Bearer {vault://env/token}",
            Self::UnescapedBrace => "{vault://env/a%7Bb%7D}",
            Self::InvalidUtf8 => "{vault://env/caf%C3%A9}",
            Self::InvalidVersion => "{vault://aws/db/password#1}",
            Self::EmptyOption
            | Self::InvalidOption
            | Self::MissingOptionName
            | Self::RepeatedOption
            | Self::TooManyOptions => "{vault://aws/db/password?ttl=600&neg_ttl=30}",
            Self::KeyAndPointer => "{vault://aws/db?pointer=/users/0/password}",
            _ => "{vault://env/db-password}",
        }
    }
}

/// Says what is wrong with a text, where, what was expected there, and what was found.
///
/// The message quotes the offending piece of a reference, since a reference is not a secret.
/// A text that is *not* a reference may well be one, so it is never quoted.
///
/// ```
/// use perennial_reference::Reference;
///
/// let error = Reference::parse("{vault://aws/db/password?ttl=soon}").unwrap_err();
/// assert_eq!(error.kind().as_str(), "invalid_option");
/// assert_eq!(error.option(), Some("ttl"));
/// assert_eq!(error.offset(), 29);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError(Box<Details>);

#[derive(Clone, PartialEq, Eq)]
struct Details {
    kind: ParseErrorKind,
    offset: usize,
    option: Option<Box<str>>,
    expected: &'static str,
    found: Box<str>,
}

impl ParseError {
    /// `found` is a description, and quotes no more than the caller wants to be read.
    #[cold]
    pub(crate) fn new(
        kind: ParseErrorKind,
        offset: usize,
        expected: &'static str,
        found: impl Into<Box<str>>,
    ) -> Self {
        let found = found.into();
        Self(Box::new(Details {
            kind,
            offset,
            option: None,
            expected,
            found,
        }))
    }

    /// Names the option that this error is about.
    pub(crate) fn about(mut self, option: &str) -> Self {
        self.0.option = Some(shortened(option));
        self
    }

    /// Moves the offset, for a reference that stands inside a longer text.
    pub(crate) fn shifted(mut self, by: usize) -> Self {
        self.0.offset += by;
        self
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn kind(&self) -> ParseErrorKind {
        self.0.kind
    }

    /// Returns the byte of the text at which the trouble begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Returns the decoded name of the option at fault, if it is about one (a very long name is
    /// cut).
    #[must_use]
    pub fn option(&self) -> Option<&str> {
        self.0.option.as_deref()
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details {
            kind,
            offset,
            option,
            expected,
            found,
        } = &*self.0;
        f.write_str(kind.headline())?;
        if let Some(option) = option {
            if *kind == ParseErrorKind::RepeatedOption {
                write!(f, " `{option}`")?;
            } else {
                write!(f, " of option `{option}`")?;
            }
        }
        let example = kind.example(option.as_deref());
        write!(
            f,
            " at byte {offset}: expected {expected}, found {found}, as in `{example}`"
        )
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseError")
            .field("kind", &self.0.kind)
            .field("offset", &self.0.offset)
            .field("option", &self.0.option)
            .field("expected", &self.0.expected)
            .field("found", &self.0.found)
            .finish()
    }
}

impl Error for ParseError {}

/// Quotes a piece of a reference, cut to a readable length.
pub(crate) fn quoted(piece: &str) -> Box<str> {
    if piece.is_empty() {
        return "nothing".into();
    }
    format!("`{}`", shortened(piece)).into()
}

fn shortened(piece: &str) -> Box<str> {
    match piece.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}…", piece.get(..end).unwrap_or_default()).into(),
        None => piece.into(),
    }
}

/// In characters.
const LONGEST_QUOTE: usize = 48;
