//! The two forms of a reference, borrowed and owned; reading and printing them stand elsewhere.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use crate::error::ParseError;
use crate::options::Options;
use crate::parse;
use crate::vault::VaultName;
use crate::version::VersionSpec;

/// Holds the parts of a reference, borrowed from its text.
///
/// Reading one allocates only where a part is not written as it is meant: where it has escapes,
/// doubled slashes, or a `+` for a space. Equality is on meaning.
///
/// ```
/// use perennial_reference::Ref;
///
/// let reference = Ref::parse("{vault://aws-certs/certs/web-site?ttl=1d#2}")?;
/// assert_eq!(reference.vault(), "aws-certs");
/// assert_eq!(reference.resource(), "certs");
/// assert_eq!(reference.key(), Some("web-site"));
/// # Ok::<(), perennial_reference::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref<'a> {
    pub(crate) vault: Cow<'a, str>,
    pub(crate) resource: Cow<'a, str>,
    pub(crate) key: Option<Cow<'a, str>>,
    pub(crate) options: Options<'a>,
    pub(crate) version: Option<VersionSpec<'a>>,
}

impl<'a> Ref<'a> {
    /// Reads a reference: the whole text must be one.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] that says where the text is wrong, and what would be right.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        parse::reference(text)
    }

    pub(crate) fn from_parts(
        vault: &'a str,
        resource: Cow<'a, str>,
        key: Option<Cow<'a, str>>,
        options: Options<'a>,
        version: Option<VersionSpec<'a>>,
    ) -> Self {
        Self {
            vault: Cow::Borrowed(vault),
            resource,
            key,
            options,
            version,
        }
    }

    /// Returns the name of the vault.
    #[must_use]
    pub fn vault(&self) -> &str {
        &self.vault
    }

    /// Returns the name of the resource in the vault, decoded.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns the key inside the resource, decoded: `?key=`, or the last of several segments
    /// unless a slash or a `?pointer=` follows it.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the JSON pointer into the resource (also among the [`options`](Self::options)).
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        self.options.pointer()
    }

    /// Returns the version that is asked for; without one, the current.
    #[must_use]
    pub fn version(&self) -> Option<&VersionSpec<'a>> {
        self.version.as_ref()
    }

    /// Returns the options.
    #[must_use]
    pub fn options(&self) -> &Options<'a> {
        &self.options
    }

    /// Lets go of the text that this was read from.
    #[must_use]
    pub fn into_owned(self) -> Reference {
        let text = self.to_string().into_boxed_str();
        let parts = Ref {
            vault: Cow::Owned(self.vault.into_owned()),
            resource: Cow::Owned(self.resource.into_owned()),
            key: self.key.map(|key| Cow::Owned(key.into_owned())),
            options: self.options.into_owned(),
            version: self.version.map(VersionSpec::into_owned),
        };
        Reference { text, parts }
    }
}

impl<'a> TryFrom<&'a str> for Ref<'a> {
    type Error = ParseError;

    fn try_from(text: &'a str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

/// Holds a reference, with its canonical text.
///
/// Two spellings of one meaning are equal, hash alike and print alike; the order is that of the
/// canonical texts. A map with references as keys can be asked with canonical text.
///
/// ```
/// use perennial_reference::Reference;
///
/// let plain: Reference = "{vault://aws/db/password?ttl=600}".parse()?;
/// let other: Reference = "{vault://aws//%64b?key=password&ttl=10m}".parse()?;
/// assert_eq!(plain, other);
/// assert_eq!(other.as_str(), "{vault://aws/db/password?ttl=600}");
/// # Ok::<(), perennial_reference::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Reference {
    // Invariant: this is what `parts` print as.
    text: Box<str>,
    parts: Ref<'static>,
}

impl Reference {
    /// Reads a reference: the whole text must be one.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] that says where the text is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ref::parse(text).map(Ref::into_owned)
    }

    /// Returns the canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Lends the parts, for code that takes a [`Ref`].
    #[must_use]
    pub fn parts(&self) -> &Ref<'_> {
        &self.parts
    }

    /// Takes the parts out, to change some.
    pub(crate) fn into_parts(self) -> Ref<'static> {
        self.parts
    }

    /// Returns the name of the vault.
    #[must_use]
    pub fn vault(&self) -> &str {
        self.parts.vault()
    }

    /// Returns the name of the vault as one that is known to be valid.
    #[must_use]
    pub fn vault_name(&self) -> VaultName {
        VaultName::trusted(self.vault())
    }

    /// Returns the name of the resource in the vault, decoded.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.parts.resource()
    }

    /// Returns the key inside the resource, decoded: see [`Ref::key`].
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.parts.key()
    }

    /// Returns the JSON pointer into the resource.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        self.parts.pointer()
    }

    /// Returns the version that is asked for; without one, the current.
    #[must_use]
    pub fn version(&self) -> Option<&VersionSpec<'static>> {
        self.parts.version()
    }

    /// Returns the options.
    #[must_use]
    pub fn options(&self) -> &Options<'static> {
        self.parts.options()
    }
}

impl From<Ref<'_>> for Reference {
    fn from(parts: Ref<'_>) -> Self {
        parts.into_owned()
    }
}

impl FromStr for Reference {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Reference {
    type Error = ParseError;

    fn try_from(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Reference {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        Self::parse(&text)
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.text.into_string()
    }
}

impl AsRef<str> for Reference {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Borrow<str> for Reference {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reference").field(&self.text).finish()
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Reference {}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` does, for `Borrow`.
        self.text.hash(state);
    }
}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}
