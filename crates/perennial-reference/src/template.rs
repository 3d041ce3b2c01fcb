//! Text with references inside; filling in the values is not done here.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::iter::FusedIterator;
use core::slice;
use core::str::FromStr;

use memchr::{memchr, memmem};

use crate::error::{ParseError, ParseErrorKind};
use crate::parse::OPENING;
use crate::reference::Reference;

/// Holds a text in which references stand for parts, such as `Bearer {vault://env/token}`.
///
/// `{vault://` begins a reference wherever it occurs. To mean these characters themselves, double
/// the brace: `{{vault://` is the text `{vault://`. Of several braces in a row before `vault://`,
/// each two are one, and one that is left over begins a reference. Braces elsewhere mean
/// themselves.
///
/// No text is a template by itself: whoever wants one asks for it.
///
/// ```
/// use perennial_reference::{Segment, Template};
///
/// let template = Template::parse("Bearer {vault://env/token}")?;
/// let segments: Vec<_> = template.segments().collect();
/// assert!(matches!(segments[0], Segment::Literal("Bearer ")));
/// assert!(matches!(segments[1], Segment::Reference(token) if token.resource() == "token"));
///
/// let help = Template::parse("write {{vault://env/name}")?;
/// let segments: Vec<_> = help.segments().collect();
/// assert_eq!(segments, [Segment::Literal("write {vault://env/name}")]);
/// # Ok::<(), perennial_reference::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Template {
    // Invariant: no literal is empty, and no two of them stand side by side.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Piece {
    Literal(String),
    Reference(Box<Reference>),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] about the first reference that is wrong, or
    /// [`ParseErrorKind::Unterminated`] if one is not closed. Offsets count from the start of the
    /// text, and the message quotes nothing of the text around the references.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(at) = memmem::find(rest.as_bytes(), OPENING.as_bytes()) {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let plain = before.trim_end_matches(BRACE);
            // With the one that `from` begins with.
            let braces = before.len() - plain.len() + 1;
            template.literal(plain);
            for _ in 0..braces / 2 {
                template.literal(OPENING_BRACE);
            }
            if braces % 2 == 0 {
                // The second brace of a pair, and then plain text.
                rest = from.get(BRACE.len_utf8()..).unwrap_or_default();
                continue;
            }
            let offset = text.len() - from.len();
            let end = memchr(b'}', from.as_bytes()).ok_or_else(|| unterminated(offset))?;
            let (reference, after) = from.split_at_checked(end + 1).unwrap_or((from, ""));
            let reference = Reference::parse(reference).map_err(|error| error.shifted(offset))?;
            template.pieces.push(Piece::Reference(Box::new(reference)));
            rest = after;
        }
        template.literal(rest);
        Ok(template)
    }

    fn literal(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Literal(literal)) => literal.push_str(text),
            _ => self.pieces.push(Piece::Literal(text.into())),
        }
    }

    /// Returns the parts of the text in their order. No literal is empty, and no two of them
    /// stand side by side.
    #[must_use]
    pub fn segments(&self) -> Segments<'_> {
        Segments {
            pieces: self.pieces.iter(),
        }
    }

    /// Returns the references in their order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.segments().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Reference(reference) => Some(reference),
        })
    }
}

fn unterminated(offset: usize) -> ParseError {
    ParseError::new(
        ParseErrorKind::Unterminated,
        offset,
        "`}` after `{vault://`, or `{{vault://` for the text itself",
        "no `}`",
    )
}

impl FromStr for Template {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Template {
    type Error = ParseError;

    fn try_from(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

/// Prints the canonical text: literals with their braces doubled where they must be, and
/// canonical references.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Reference(reference) => f.write_str(reference.as_str())?,
                Piece::Literal(text) => print_literal(f, text, pieces.peek().is_some())?,
            }
        }
        Ok(())
    }
}

/// Doubles the braces before `vault://`, also where the `{vault://` of a reference follows.
fn print_literal(f: &mut impl Write, text: &str, reference_follows: bool) -> fmt::Result {
    let mut parts = text.split(OPENING);
    let mut part = parts.next().unwrap_or_default();
    for next in parts {
        double_last_braces(f, part)?;
        f.write_str(OPENING_BRACE)?;
        f.write_str(OPENING)?;
        part = next;
    }
    if reference_follows {
        double_last_braces(f, part)
    } else {
        f.write_str(part)
    }
}

fn double_last_braces(f: &mut impl Write, part: &str) -> fmt::Result {
    f.write_str(part)?;
    for _ in 0..part.len() - part.trim_end_matches(BRACE).len() {
        f.write_char(BRACE)?;
    }
    Ok(())
}

/// Lends one part of a [`Template`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Segment<'a> {
    /// Text that stands for itself, its doubled braces undone.
    Literal(&'a str),
    /// A reference, for whose value this place is.
    Reference(&'a Reference),
}

/// Iterates over the parts of a [`Template`].
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    pieces: slice::Iter<'a, Piece>,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pieces.next().map(|piece| match piece {
            Piece::Literal(text) => Segment::Literal(text),
            Piece::Reference(reference) => Segment::Reference(reference),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pieces.size_hint()
    }
}

impl ExactSizeIterator for Segments<'_> {}

impl FusedIterator for Segments<'_> {}

const BRACE: char = '{';
const OPENING_BRACE: &str = "{";

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::*;

    /// Literals are shown in `<>`, references as they print.
    fn check(text: &str, shown: &str, printed: &str) {
        let template = Template::parse(text).unwrap();
        let found: Vec<String> = template
            .segments()
            .map(|segment| match segment {
                Segment::Literal(text) => ["<", text, ">"].concat(),
                Segment::Reference(reference) => reference.to_string(),
            })
            .collect();
        assert_eq!(found.concat(), shown, "{text:?}");
        assert_eq!(template.to_string(), printed, "{text:?}");
        assert_eq!(Template::parse(printed), Ok(template), "{text:?}");
    }

    #[test]
    fn references_stand_among_literals() {
        check("", "", "");
        check("plain {text}", "<plain {text}>", "plain {text}");
        check("{vault://env/a}", "{vault://env/a}", "{vault://env/a}");
        check(
            "{vault://env/a}{vault://env//b}",
            "{vault://env/a}{vault://env/b}",
            "{vault://env/a}{vault://env/b}",
        );
        check(
            "pq://{vault://env/u}:{vault://env/p}@h",
            "<pq://>{vault://env/u}<:>{vault://env/p}<@h>",
            "pq://{vault://env/u}:{vault://env/p}@h",
        );
        check(
            "${vault://env/a}}",
            "<$>{vault://env/a}<}>",
            "${vault://env/a}}",
        );
        check(
            "é{vault://env/ü}é",
            "<é>{vault://env/ü}<é>",
            "é{vault://env/ü}é",
        );
    }

    #[test]
    fn doubled_braces_are_plain_ones() {
        check("{{vault://env/a}", "<{vault://env/a}>", "{{vault://env/a}");
        check(
            "{{{vault://env/a}",
            "<{>{vault://env/a}",
            "{{{vault://env/a}",
        );
        check("{{{{vault://", "<{{vault://>", "{{{{vault://");
        check(
            "{{{{{vault://env/a}",
            "<{{>{vault://env/a}",
            "{{{{{vault://env/a}",
        );
        check("{{ {vault:/ {", "<{{ {vault:/ {>", "{{ {vault:/ {");
        check(
            "{{vault://{{vault://",
            "<{vault://{vault://>",
            "{{vault://{{vault://",
        );
        check("a{{", "<a{{>", "a{{");
    }

    fn check_error(text: &str, kind: ParseErrorKind, offset: usize) {
        let error = Template::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text:?}");
    }

    #[test]
    fn errors_are_located_in_the_whole_text() {
        check_error("abc {vault://env/a", ParseErrorKind::Unterminated, 4);
        check_error(
            "abc {vault://env/a {vault://env/b}",
            ParseErrorKind::UnescapedBrace,
            19,
        );
        check_error(
            "{vault://env/a}{vault://ENV/a}",
            ParseErrorKind::InvalidVault,
            24,
        );
        check_error("{{{vault://env}", ParseErrorKind::MissingPath, 14);
        check_error("a{vault://env/a?ttl=x}", ParseErrorKind::InvalidOption, 20);
    }
}
