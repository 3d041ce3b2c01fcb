//! Percent-escapes: undone once when read, and written where canonical text needs them.
//!
//! Which bytes a part of a reference must escape stands here, one function a part.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::error::{ParseError, ParseErrorKind};

/// What an unescaped `+` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// Itself, in paths and versions.
    Literal,
    /// A space, in the query.
    Space,
}

/// Undoes the escapes of one part; what is no escape (`%`, `%4`, `%zz`) stays as it is.
///
/// Errors carry offsets within `raw`.
#[inline]
pub(crate) fn decode(raw: &str, plus: Plus) -> Result<Cow<'_, str>, ParseError> {
    let special = |b: u8| b == b'%' || (b == b'+' && plus == Plus::Space);
    if raw.bytes().any(special) {
        undo(raw, plus).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(raw))
    }
}

fn undo(raw: &str, plus: Plus) -> Result<String, ParseError> {
    let mut bytes = Vec::with_capacity(raw.len());
    for unit in units(raw, plus) {
        if is_control(unit.byte) {
            return Err(control_character(unit.offset, unit.byte));
        }
        bytes.push(unit.byte);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let (offset, byte) = units(raw, plus)
            .nth(valid)
            .map_or((0, 0), |unit| (unit.offset, unit.byte));
        ParseError::new(
            ParseErrorKind::InvalidUtf8,
            offset,
            "escapes that spell utf-8",
            format!("the byte 0x{byte:02x} out of place"),
        )
    })
}

/// The error for a control byte, raw or escaped.
pub(crate) fn control_character(offset: usize, byte: u8) -> ParseError {
    ParseError::new(
        ParseErrorKind::ControlCharacter,
        offset,
        "printable text",
        format!("the byte 0x{byte:02x}"),
    )
}

/// Tells whether a byte is one of the ASCII controls, of which none may be part of a reference.
pub(crate) fn is_control(byte: u8) -> bool {
    byte.is_ascii_control()
}

/// One byte of decoded text, and where it was written.
struct Unit {
    offset: usize,
    byte: u8,
}

fn units(raw: &str, plus: Plus) -> impl Iterator<Item = Unit> + '_ {
    let mut rest = raw.as_bytes();
    core::iter::from_fn(move || {
        let offset = raw.len() - rest.len();
        let (&first, tail) = rest.split_first()?;
        let (byte, after) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (first, tail),
            },
            (b'+', _) if plus == Plus::Space => (b' ', tail),
            _ => (first, tail),
        };
        rest = after;
        Some(Unit { offset, byte })
    })
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Writes `text`, with an escape for each of its bytes that `must` names (ASCII only).
pub(crate) fn encode(f: &mut impl Write, text: &str, must: fn(u8) -> bool) -> fmt::Result {
    for c in text.chars() {
        encode_char(f, c, must)?;
    }
    Ok(())
}

/// Writes one character, escaped if `must` names it.
pub(crate) fn encode_char(f: &mut impl Write, c: char, must: fn(u8) -> bool) -> fmt::Result {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() && must(byte) => write!(f, "%{byte:02X}"),
        _ => f.write_char(c),
    }
}

/// What a path must escape in any place; a slash is the printer's to judge.
pub(crate) fn in_path(byte: u8) -> bool {
    matches!(byte, b'%' | b'{' | b'}' | b'?' | b'#')
}

/// What one segment of a path must escape, to stay one.
pub(crate) fn in_segment(byte: u8) -> bool {
    in_path(byte) || byte == b'/'
}

/// What the value of an option must escape.
pub(crate) fn in_value(byte: u8) -> bool {
    matches!(byte, b'%' | b'{' | b'}' | b'#' | b'&' | b'+' | b' ')
}

/// What the name of an option must escape.
pub(crate) fn in_name(byte: u8) -> bool {
    in_value(byte) || byte == b'='
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn check(raw: &str, plus: Plus, expected: Result<&str, (ParseErrorKind, usize)>) {
        let found = decode(raw, plus);
        let found = found
            .as_deref()
            .map_err(|error| (error.kind(), error.offset()));
        assert_eq!(found, expected, "{raw:?}");
    }

    #[test]
    fn escapes_are_undone_once() {
        check("plain", Plus::Space, Ok("plain"));
        check("a+b", Plus::Literal, Ok("a+b"));
        check("a+b", Plus::Space, Ok("a b"));
        check("a%2Bb", Plus::Space, Ok("a+b"));
        check("%2541", Plus::Literal, Ok("%41"));
        check("%e2%82%AC", Plus::Literal, Ok("€"));
    }

    #[test]
    fn what_is_no_escape_stays() {
        check("%", Plus::Literal, Ok("%"));
        check("%4", Plus::Literal, Ok("%4"));
        check("%zz", Plus::Literal, Ok("%zz"));
        check("%é", Plus::Literal, Ok("%é"));
        check("%%41", Plus::Literal, Ok("%A"));
    }

    #[test]
    fn controls_and_broken_utf8_are_refused_where_they_stand() {
        check(
            "ab%00",
            Plus::Literal,
            Err((ParseErrorKind::ControlCharacter, 2)),
        );
        check(
            "%7F",
            Plus::Space,
            Err((ParseErrorKind::ControlCharacter, 0)),
        );
        check(
            "€%41%ff",
            Plus::Literal,
            Err((ParseErrorKind::InvalidUtf8, 6)),
        );
        check(
            "%e2%82",
            Plus::Literal,
            Err((ParseErrorKind::InvalidUtf8, 0)),
        );
    }

    #[test]
    fn only_what_must_be_is_escaped() {
        let mut out = String::new();
        encode(&mut out, "a/b{c} 1+1=2 & €?#%", in_segment).unwrap();
        assert_eq!(out, "a%2Fb%7Bc%7D 1+1=2 & €%3F%23%25");
        out.clear();
        encode(&mut out, "a/b=c d+e&f?", in_name).unwrap();
        assert_eq!(out, "a/b%3Dc%20d%2Be%26f?");
    }
}
