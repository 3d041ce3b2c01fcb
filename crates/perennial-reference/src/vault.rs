//! The names of vaults; which of them exist, and what stands behind them, is not known here.

use alloc::boxed::Box;
use alloc::string::String;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use core::str::FromStr;

use crate::error::{ParseError, ParseErrorKind, quoted};

/// Tells whether a text is a vault's name: two or more lower-case letters, digits and hyphens,
/// the first a letter and the last no hyphen.
///
/// ```
/// use perennial_reference::is_vault_name;
///
/// assert!(is_vault_name("aws-certs"));
/// assert!(!is_vault_name("AWS"));
/// assert!(!is_vault_name("x"));
/// ```
#[must_use]
pub fn is_vault_name(text: &str) -> bool {
    first_wrong_byte(text).is_none()
}

/// Returns where `text` stops being a vault's name: its length, if it is too short.
fn first_wrong_byte(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !bytes.first().is_some_and(u8::is_ascii_lowercase) {
        return Some(0);
    }
    let wrong = bytes.iter().position(|b| !inner(*b));
    let too_short = (bytes.len() < SHORTEST).then_some(bytes.len());
    let hyphen = (bytes.last() == Some(&b'-')).then(|| bytes.len() - 1);
    wrong.or(too_short).or(hyphen)
}

/// Checks a name that stands at `offset` of some text.
pub(crate) fn check(name: &str, offset: impl FnOnce() -> usize) -> Result<&str, ParseError> {
    match first_wrong_byte(name) {
        None => Ok(name),
        Some(at) => Err(ParseError::new(
            ParseErrorKind::InvalidVault,
            offset() + at,
            "two or more of `a`-`z`, `0`-`9` and `-`, a letter first and no hyphen last",
            quoted(name),
        )),
    }
}

/// Holds a valid name of a vault.
///
/// ```
/// use perennial_reference::VaultName;
///
/// let name = VaultName::new("aws-certs")?;
/// assert_eq!(name.as_str(), "aws-certs");
/// assert!(VaultName::new("aws_certs").is_err());
/// # Ok::<(), perennial_reference::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VaultName(Box<str>);

impl VaultName {
    /// Takes a name.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::InvalidVault`] unless [`is_vault_name`]; the offset counts from the
    /// start of the name.
    pub fn new(name: &str) -> Result<Self, ParseError> {
        check(name, || 0).map(Self::trusted)
    }

    /// Takes a name that was checked when it was parsed.
    pub(crate) fn trusted(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VaultName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for VaultName {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        Self::new(name)
    }
}

impl TryFrom<&str> for VaultName {
    type Error = ParseError;

    fn try_from(name: &str) -> Result<Self, ParseError> {
        Self::new(name)
    }
}

impl From<VaultName> for String {
    fn from(name: VaultName) -> Self {
        name.0.into_string()
    }
}

impl AsRef<str> for VaultName {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for VaultName {
    fn borrow(&self) -> &str {
        self
    }
}

impl Deref for VaultName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for VaultName {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for VaultName {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

const SHORTEST: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, wrong: Option<usize>) {
        let found = VaultName::new(name).map_err(|error| error.offset());
        match wrong {
            None => assert_eq!(found.unwrap().as_str(), name),
            Some(at) => assert_eq!(found, Err(at), "{name:?}"),
        }
        assert_eq!(is_vault_name(name), wrong.is_none(), "{name:?}");
    }

    #[test]
    fn names_are_lower_case_letters_digits_and_inner_hyphens() {
        check("env", None);
        check("aws-certs", None);
        check("a1", None);
        check("a--b", None);
        check("", Some(0));
        check("a", Some(1));
        check("1a", Some(0));
        check("-a", Some(0));
        check("a-", Some(1));
        check("ENV", Some(0));
        check("eNV", Some(1));
        check("my_vault", Some(2));
        check("my.vault", Some(2));
        check("été", Some(0));
        check("en v", Some(2));
    }
}
