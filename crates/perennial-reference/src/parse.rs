//! The grammar, and the parser that follows it; what the parts mean stands in their own files.
//!
//! ```abnf
//! reference = "{vault://" vault "/" path [ "?" query ] [ "#" version ] "}"
//! vault     = lower *( lower / DIGIT / "-" ) ( lower / DIGIT )
//! path      = *"/" segment *( 1*"/" segment ) *"/"    ; a last slash: there is no key
//! segment   = 1*pchar                                 ; the last one of several is the key
//! query     = *"&" [ option *( 1*"&" option ) ] *"&"  ; at most 100 options
//! option    = name [ "=" *qchar ]                     ; no name twice
//! name      = 1*( qchar without "=" )
//! version   = 1*DIGIT / "v:" 1*vchar / "stage:" 1*vchar
//!
//! pchar     = escape / text without "/" "?" "#"
//! qchar     = escape / text without "&" "#"           ; "+" is a space
//! vchar     = escape / text without "/" "?" "#"
//! escape    = "%" HEXDIG HEXDIG                       ; any other "%" stands for itself
//! text      = any character but "{" "}" and controls
//! lower     = %x61-7A                                 ; "a" to "z"
//! ```

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use crate::error::{ParseError, ParseErrorKind};
use crate::escape::{Plus, control_character, decode, is_control};
use crate::query::Reader;
use crate::reference::Ref;
use crate::scan::{cut, find};
use crate::vault;
use crate::version::VersionSpec;

/// Tells whether a text is to be read as a reference: it starts with `{vault://` and ends with
/// `}`.
///
/// Nothing else is looked at, so such a text may still be a wrong reference. A text that fails
/// this test is a plain value.
///
/// ```
/// use perennial_reference::is_reference;
///
/// assert!(is_reference("{vault://env/token}"));
/// assert!(is_reference("{vault://}"));
/// assert!(!is_reference("Bearer {vault://env/token}"));
/// ```
#[must_use]
pub fn is_reference(text: &str) -> bool {
    text.starts_with(OPENING) && text.ends_with(CLOSING)
}

/// `reference`
pub(crate) fn reference(text: &str) -> Result<Ref<'_>, ParseError> {
    let inner = text
        .strip_prefix(OPENING)
        .and_then(|rest| rest.strip_suffix(CLOSING))
        .ok_or_else(|| not_a_reference(text))?;
    let seen = survey(inner).map_err(|error| error.shifted(OPENING.len()))?;
    Parser { text, seen }.inner(inner)
}

/// `text` without controls and braces.
#[inline]
fn survey(inner: &str) -> Result<Seen, ParseError> {
    let bytes = inner.as_bytes();
    let mut lanes = Lanes::default();
    match bytes.last_chunk() {
        // Whole blocks, then the last bytes again as one block.
        Some(last) => {
            let mut rest = bytes;
            while let Some((block, after)) = rest.split_first_chunk() {
                lanes.block(block);
                rest = after;
            }
            lanes.block(last);
        }
        None => {
            let mut block = [b' '; BLOCK];
            block
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            lanes.block(&block);
        }
    }
    if any(lanes.wrong) {
        return Err(wrong_byte(bytes));
    }
    Ok(Seen {
        escape: any(lanes.escape),
        hash: any(lanes.hash),
    })
}

/// What there is anywhere in a text.
struct Seen {
    /// A `%` or a `+`.
    escape: bool,
    hash: bool,
}

/// What was seen in each lane of the blocks: the compiler looks at all lanes at once, since no
/// lane waits for another.
#[derive(Default)]
struct Lanes {
    wrong: [u8; BLOCK],
    escape: [u8; BLOCK],
    hash: [u8; BLOCK],
}

impl Lanes {
    #[inline]
    fn block(&mut self, block: &[u8; BLOCK]) {
        let lanes = self
            .wrong
            .iter_mut()
            .zip(&mut self.escape)
            .zip(&mut self.hash);
        for (((wrong, escape), hash), byte) in lanes.zip(block) {
            *wrong |= u8::from(is_wrong(*byte));
            *escape |= u8::from((*byte == b'%') | (*byte == b'+'));
            *hash |= u8::from(*byte == b'#');
        }
    }
}

fn any(lanes: [u8; BLOCK]) -> bool {
    u128::from_le_bytes(lanes) != 0
}

fn is_wrong(byte: u8) -> bool {
    is_control(byte) | (byte == b'{') | (byte == b'}')
}

#[cold]
fn wrong_byte(bytes: &[u8]) -> ParseError {
    match bytes
        .iter()
        .copied()
        .enumerate()
        .find(|(_, b)| is_wrong(*b))
    {
        Some((at, byte)) if !is_control(byte) => ParseError::new(
            ParseErrorKind::UnescapedBrace,
            at,
            "`%7B` or `%7D` for a brace inside a reference",
            format!("`{}`", char::from(byte)),
        ),
        Some((at, byte)) => control_character(at, byte),
        None => control_character(0, 0),
    }
}

struct Parser<'a> {
    /// The whole text, in which errors are located.
    text: &'a str,
    seen: Seen,
}

impl<'a> Parser<'a> {
    /// Everything between `{vault://` and `}`.
    #[inline]
    fn inner(&self, inner: &'a str) -> Result<Ref<'a>, ParseError> {
        // The order of the cuts is the original's: a `#` ends everything before it, and no `?`
        // ends the vault's name.
        let (rest, version) = match Some(inner)
            .filter(|_| self.seen.hash)
            .and_then(|inner| cut(inner, b'#'))
        {
            Some((rest, version)) => (rest, Some(version)),
            None => (inner, None),
        };
        let (vault, rest) = match cut(rest, b'/') {
            Some((vault, rest)) => (vault, Some(rest)),
            None => (rest, None),
        };
        if vault.is_empty() {
            return Err(self.error(
                ParseErrorKind::MissingVault,
                vault,
                "the name of a vault",
                "nothing",
            ));
        }
        let Some(rest) = rest else {
            let end = self.at(vault) + vault.len();
            return Err(ParseError::new(
                ParseErrorKind::MissingPath,
                end,
                "`/` and the name of a resource",
                if version.is_some() { "`#`" } else { "the end" },
            ));
        };
        let (path, query) = cut(rest, b'?').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(self.error(
                ParseErrorKind::EmptyPath,
                path,
                "the name of a resource",
                "nothing",
            ));
        }
        let vault = self.vault(vault)?;
        let mut query = Reader::new(query, self.seen.escape);
        self.query(&mut query)?;
        let (options, named_key) = (query.options, query.key);
        let (resource, key) = self.path(path, named_key, options.pointer().is_some())?;
        let version = version.map(|version| self.version(version)).transpose()?;
        Ok(Ref::from_parts(vault, resource, key, options, version))
    }

    /// `vault`
    #[inline]
    fn vault(&self, name: &'a str) -> Result<&'a str, ParseError> {
        vault::check(name, || self.at(name))
    }

    /// `query`
    #[inline]
    fn query(&self, query: &mut Reader<'a>) -> Result<(), ParseError> {
        query
            .read()
            .map_err(|error| error.shifted(self.at(query.text)))?;
        if query.key.is_some() && query.options.pointer().is_some() {
            return Err(self.error(
                ParseErrorKind::KeyAndPointer,
                query.text,
                "either `key` or `pointer`",
                "both",
            ));
        }
        Ok(())
    }

    /// `path`: the resource and the key.
    #[inline]
    fn path(
        &self,
        path: &'a str,
        named_key: Option<Cow<'a, str>>,
        has_pointer: bool,
    ) -> Result<(Cow<'a, str>, Option<Cow<'a, str>>), ParseError> {
        let (mut doubled, mut last, mut next) = (false, None, 0);
        while let Some(at) = path
            .as_bytes()
            .get(next..)
            .and_then(|rest| find(rest, [b'/']))
        {
            // The slash before the path makes a first one here the second of two.
            doubled |= at == 0;
            last = Some(next + at);
            next += at + 1;
        }
        if doubled {
            return self.loose_path(path, named_key, has_pointer);
        }
        if path.len() == next {
            let whole = last.and_then(|at| path.get(..at)).unwrap_or_default();
            return Ok((self.segment(whole)?, named_key));
        }
        let split = last.filter(|_| named_key.is_none() && !has_pointer);
        match split.and_then(|at| Some((path.get(..at)?, path.get(at + 1..)?))) {
            Some((resource, key)) => Ok((self.segment(resource)?, Some(self.segment(key)?))),
            None => Ok((self.segment(path)?, named_key)),
        }
    }

    /// A `path` in which slashes stand side by side, which count as one.
    #[cold]
    fn loose_path(
        &self,
        path: &'a str,
        named_key: Option<Cow<'a, str>>,
        has_pointer: bool,
    ) -> Result<(Cow<'a, str>, Option<Cow<'a, str>>), ParseError> {
        let whole = path.trim_matches('/');
        if whole.is_empty() {
            return Err(self.error(
                ParseErrorKind::EmptyResource,
                path,
                "the name of a resource",
                "only slashes",
            ));
        }
        let is_whole = path.ends_with('/') || named_key.is_some() || has_pointer;
        match whole.rsplit_once('/').filter(|_| !is_whole) {
            Some((resource, key)) => Ok((
                self.segments(resource.trim_end_matches('/'))?,
                Some(self.segment(key)?),
            )),
            None => Ok((self.segments(whole)?, named_key)),
        }
    }

    /// Segments joined by single slashes.
    fn segments(&self, path: &'a str) -> Result<Cow<'a, str>, ParseError> {
        if !path.contains("//") {
            return self.segment(path);
        }
        let mut joined = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            if !joined.is_empty() {
                joined.push('/');
            }
            joined.push_str(&self.segment(segment)?);
        }
        Ok(Cow::Owned(joined))
    }

    /// `segment`, or several that are joined as they stand.
    fn segment(&self, segment: &'a str) -> Result<Cow<'a, str>, ParseError> {
        if !self.seen.escape {
            return Ok(Cow::Borrowed(segment));
        }
        decode(segment, Plus::Literal).map_err(|error| error.shifted(self.at(segment)))
    }

    /// `version`
    fn version(&self, version: &'a str) -> Result<VersionSpec<'a>, ParseError> {
        VersionSpec::parse(version).map_err(|error| error.shifted(self.at(version)))
    }

    fn at(&self, part: &str) -> usize {
        offset_within(self.text, part)
    }

    fn error(
        &self,
        kind: ParseErrorKind,
        part: &str,
        expected: &'static str,
        found: &'static str,
    ) -> ParseError {
        ParseError::new(kind, self.at(part), expected, found)
    }
}

/// Never quotes the text: it may be a secret that stands where a reference was looked for.
#[cold]
fn not_a_reference(text: &str) -> ParseError {
    let (offset, found) = if text.starts_with(OPENING) {
        (text.len(), "no closing brace at the end")
    } else {
        (0, "other text, not shown since it may be a secret")
    };
    ParseError::new(
        ParseErrorKind::NotAReference,
        offset,
        "text that starts with `{vault://` and ends with `}`",
        found,
    )
}

/// Returns where `part` begins, which must be a slice of `whole`. Only errors need it, so the
/// way through a right text carries no offsets.
pub(crate) fn offset_within(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// As many bytes as the vector registers of today's processors hold, or half of it.
const BLOCK: usize = 16;

pub(crate) const OPENING: &str = "{vault://";
pub(crate) const CLOSING: char = '}';
