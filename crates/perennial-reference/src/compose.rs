//! References from parts, for programs that have names and no text; reading text is the parser's.

use alloc::borrow::Cow;

use crate::error::{ParseError, ParseErrorKind};
use crate::escape::{control_character, is_control};
use crate::options::Options;
use crate::reference::{Ref, Reference};
use crate::vault::VaultName;
use crate::version::VersionSpec;

impl Reference {
    /// Makes a reference to a whole resource. The name is taken as it is, without escapes.
    ///
    /// ```
    /// use perennial_reference::{Reference, VaultName, VersionSpec};
    ///
    /// let reference = Reference::new(&VaultName::new("aws")?, "/app/50%")?
    ///     .with_key("ca/root.pem")?
    ///     .with_version(VersionSpec::Number(2))?;
    /// assert_eq!(reference.as_str(), "{vault://aws/%2Fapp/50%25/ca%2Froot.pem#2}");
    /// # Ok::<(), perennial_reference::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::EmptyResource`] or [`ParseErrorKind::ControlCharacter`]; offsets count
    /// from the start of the name.
    pub fn new(vault: &VaultName, resource: &str) -> Result<Self, ParseError> {
        let kind = ParseErrorKind::EmptyResource;
        let resource = checked(resource, kind, "the name of a resource")?;
        let options = Options::default();
        Ok(Ref::from_parts(vault, Cow::Borrowed(resource), None, options, None).into_owned())
    }

    /// Asks for a key of the resource instead. The name is taken as it is, without escapes.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::EmptyOption`], [`ParseErrorKind::ControlCharacter`], or
    /// [`ParseErrorKind::KeyAndPointer`] if there is a pointer already; offsets count from the
    /// start of the name.
    pub fn with_key(self, key: &str) -> Result<Self, ParseError> {
        let key = checked(key, ParseErrorKind::EmptyOption, "the name of a key")
            .map_err(|error| error.about("key"))?;
        if self.pointer().is_some() {
            let kind = ParseErrorKind::KeyAndPointer;
            return Err(ParseError::new(
                kind,
                0,
                "either `key` or `pointer`",
                "both",
            ));
        }
        Ok(Ref {
            key: Some(Cow::Borrowed(key)),
            ..self.into_parts()
        }
        .into_owned())
    }

    /// Asks for a version of the resource instead. Ids and labels are taken as they are, without
    /// escapes.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::InvalidVersion`] if an id or label is empty, or
    /// [`ParseErrorKind::ControlCharacter`]; offsets count from its start.
    pub fn with_version(self, version: VersionSpec<'_>) -> Result<Self, ParseError> {
        if let VersionSpec::Id(name) | VersionSpec::Stage(name) = &version {
            checked(name, ParseErrorKind::InvalidVersion, "an id or a label")?;
        }
        Ok(Ref {
            version: Some(version),
            ..self.into_parts()
        }
        .into_owned())
    }
}

/// A part that is not empty, and that text could hold.
fn checked<'a>(
    part: &'a str,
    kind: ParseErrorKind,
    expected: &'static str,
) -> Result<&'a str, ParseError> {
    if part.is_empty() {
        return Err(ParseError::new(kind, 0, expected, "nothing"));
    }
    match part.bytes().enumerate().find(|(_, byte)| is_control(*byte)) {
        Some((at, byte)) => Err(control_character(at, byte)),
        None => Ok(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> VaultName {
        VaultName::new("env").unwrap()
    }

    fn check(resource: &str, key: Option<&str>, printed: &str) {
        let whole = Reference::new(&vault(), resource).unwrap();
        let made = key
            .map_or(Ok(whole.clone()), |key| whole.with_key(key))
            .unwrap();
        assert_eq!(made.as_str(), printed);
        assert_eq!((made.resource(), made.key()), (resource, key));
        assert_eq!(Reference::parse(printed), Ok(made));
    }

    #[test]
    fn names_are_taken_as_they_are() {
        check("a", None, "{vault://env/a}");
        check("a/b", None, "{vault://env/a/b/}");
        check("a b?", Some("c#/"), "{vault://env/a b%3F/c%23%2F}");
        check("%2F", Some("}"), "{vault://env/%252F/%7D}");
    }

    fn check_error(made: Result<Reference, ParseError>, kind: ParseErrorKind, offset: usize) {
        let error = made.unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset));
    }

    #[test]
    fn what_no_text_could_hold_is_refused() {
        check_error(
            Reference::new(&vault(), ""),
            ParseErrorKind::EmptyResource,
            0,
        );
        check_error(
            Reference::new(&vault(), "a\n"),
            ParseErrorKind::ControlCharacter,
            1,
        );
        let made = Reference::new(&vault(), "a").unwrap();
        check_error(made.clone().with_key(""), ParseErrorKind::EmptyOption, 0);
        check_error(
            made.clone().with_key("\0"),
            ParseErrorKind::ControlCharacter,
            0,
        );
        let id = VersionSpec::Id("".into());
        check_error(
            made.clone().with_version(id),
            ParseErrorKind::InvalidVersion,
            0,
        );
        let label = VersionSpec::Stage("ab\t".into());
        check_error(
            made.with_version(label),
            ParseErrorKind::ControlCharacter,
            2,
        );
        let pointed = Reference::parse("{vault://env/a?pointer=/b}").unwrap();
        check_error(pointed.with_key("c"), ParseErrorKind::KeyAndPointer, 0);
    }
}
