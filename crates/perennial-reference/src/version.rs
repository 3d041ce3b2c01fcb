//! Which version a reference asks for; what that means at a store is the binding's business.

use alloc::borrow::Cow;
use core::fmt;

use crate::duration::number;
use crate::error::{ParseError, ParseErrorKind, quoted};
use crate::escape::{Plus, decode, encode};

/// Says which version of a resource a reference asks for.
///
/// The text after `#` is not decoded for a number, and decoded once for the other two:
///
/// | text | value |
/// | --- | --- |
/// | `#3`, `#03` | `Number(3)` |
/// | `#v:EXAMPLE1-90ab` | `Id("EXAMPLE1-90ab")` |
/// | `#stage:AWSPREVIOUS` | `Stage("AWSPREVIOUS")` |
///
/// A number and an id never equal each other: `#3` counts as the backend counts, `#v:3` is the
/// provider's own name for a version.
///
/// ```
/// use perennial_reference::{Ref, VersionSpec};
///
/// let reference = Ref::parse("{vault://aws/db/password#stage:AWSPENDING}")?;
/// assert_eq!(reference.version(), Some(&VersionSpec::Stage("AWSPENDING".into())));
/// # Ok::<(), perennial_reference::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum VersionSpec<'a> {
    /// A count whose meaning the backend gives: versions back from the current one, or the
    /// provider's own number.
    Number(u64),
    /// The provider's own name for one version.
    Id(Cow<'a, str>),
    /// A label that the provider moves from version to version.
    Stage(Cow<'a, str>),
}

impl<'a> VersionSpec<'a> {
    /// Reads what follows the `#`; offsets of errors count from there.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ParseError> {
        if let Some(id) = text.strip_prefix(ID) {
            return name(id)
                .map(Self::Id)
                .map_err(|error| error.shifted(ID.len()));
        }
        if let Some(label) = text.strip_prefix(STAGE) {
            return name(label)
                .map(Self::Stage)
                .map_err(|error| error.shifted(STAGE.len()));
        }
        number(text)
            .map(Self::Number)
            .ok_or_else(|| invalid(0, text))
    }

    /// Lets go of the text that this was read from.
    #[must_use]
    pub fn into_owned(self) -> VersionSpec<'static> {
        match self {
            Self::Number(number) => VersionSpec::Number(number),
            Self::Id(id) => VersionSpec::Id(Cow::Owned(id.into_owned())),
            Self::Stage(label) => VersionSpec::Stage(Cow::Owned(label.into_owned())),
        }
    }
}

/// An id or label: not empty, and free of what would look like another part of a reference.
fn name(raw: &str) -> Result<Cow<'_, str>, ParseError> {
    if let Some(at) = raw.bytes().position(|b| matches!(b, b'/' | b'?' | b'#')) {
        return Err(invalid(at, raw.get(at..).unwrap_or_default()));
    }
    if raw.is_empty() {
        return Err(invalid(0, raw));
    }
    decode(raw, Plus::Literal)
}

fn invalid(at: usize, found: &str) -> ParseError {
    ParseError::new(
        ParseErrorKind::InvalidVersion,
        at,
        "a decimal number below 2^64, `v:` and an id, or `stage:` and a label, as the last part",
        quoted(found),
    )
}

fn must_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'{' | b'}' | b'/' | b'?' | b'#')
}

/// Prints the canonical text, without the `#`.
impl fmt::Display for VersionSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, text) = match self {
            Self::Number(number) => return write!(f, "{number}"),
            Self::Id(id) => (ID, id),
            Self::Stage(label) => (STAGE, label),
        };
        f.write_str(prefix)?;
        encode(f, text, must_escape)
    }
}

const ID: &str = "v:";
const STAGE: &str = "stage:";

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn check(text: &str, expected: Result<VersionSpec<'_>, usize>, printed: &str) {
        let found = VersionSpec::parse(text).map_err(|error| error.offset());
        assert_eq!(found, expected, "{text:?}");
        if let Ok(version) = found {
            assert_eq!(version.to_string(), printed);
            assert_eq!(VersionSpec::parse(printed), Ok(version));
        }
    }

    #[test]
    fn numbers_are_decimal_and_fit() {
        check("0", Ok(VersionSpec::Number(0)), "0");
        check("01", Ok(VersionSpec::Number(1)), "1");
        check(
            "18446744073709551615",
            Ok(VersionSpec::Number(u64::MAX)),
            "18446744073709551615",
        );
        for text in [
            "", " ", "-1", "+1", " 1", "1.0", "1e2", "0x10", "1_000", "１", "%31",
        ] {
            check(text, Err(0), "");
        }
        check("18446744073709551616", Err(0), "");
    }

    #[test]
    fn ids_and_stages_are_any_text() {
        check(
            "v:4387e9f3",
            Ok(VersionSpec::Id("4387e9f3".into())),
            "v:4387e9f3",
        );
        check("v:3", Ok(VersionSpec::Id("3".into())), "v:3");
        check(
            "v:a%2Fb+c",
            Ok(VersionSpec::Id("a/b+c".into())),
            "v:a%2Fb+c",
        );
        check("v:%41", Ok(VersionSpec::Id("A".into())), "v:A");
        check(
            "stage:AWSPREVIOUS",
            Ok(VersionSpec::Stage("AWSPREVIOUS".into())),
            "stage:AWSPREVIOUS",
        );
        check(
            "stage:a:b",
            Ok(VersionSpec::Stage("a:b".into())),
            "stage:a:b",
        );
    }

    #[test]
    fn an_id_does_not_swallow_what_looks_like_another_part() {
        check("v:", Err(2), "");
        check("stage:", Err(6), "");
        check("v:a#1", Err(3), "");
        check("v:a?ttl=5", Err(3), "");
        check("stage:a/key", Err(7), "");
        check("V:a", Err(0), "");
        check("v:%00", Err(2), "");
    }
}
