//! The one canonical spelling of every reference; printing and reading back changes nothing.
//!
//! - Slashes of a resource stand plain where reading joins them again, else as `%2F`.
//! - The key is the last segment; without key and pointer, a resource with a plain slash ends in
//!   one.
//! - The common options come first, in the order of [`Options::COMMON`], then the others by name.
//! - Spans of time are bare seconds, numbers have no leading zeros.
//! - Only what would be read as something else is escaped.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use crate::duration::Seconds;
use crate::escape::{encode, encode_char, in_name, in_path, in_segment, in_value};
use crate::options::{OptionValue, Options};
use crate::parse::{CLOSING, OPENING};
use crate::reference::Ref;

/// Prints the canonical text.
impl Display for Ref<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OPENING)?;
        f.write_str(self.vault())?;
        f.write_char('/')?;
        let slashed = resource(f, self.resource())?;
        match self.key() {
            Some(key) => {
                f.write_char('/')?;
                encode(f, key, in_segment)?;
            }
            None if slashed && self.pointer().is_none() => f.write_char('/')?,
            None => {}
        }
        let mut query = Query { f, separator: '?' };
        common(&mut query, self.options())?;
        let others = others(self.options());
        if !others.is_empty() {
            query.f.write_char(query.separator)?;
            query.f.write_str(&others)?;
        }
        if let Some(version) = self.version() {
            write!(f, "#{version}")?;
        }
        f.write_char(CLOSING)
    }
}

/// Tells whether a plain slash was printed.
fn resource(f: &mut fmt::Formatter<'_>, text: &str) -> Result<bool, fmt::Error> {
    let (mut slashed, mut segment_is_empty) = (false, true);
    let last = text.len().saturating_sub(1);
    for (at, c) in text.char_indices() {
        let plain = c == '/' && !segment_is_empty && at != last;
        if plain {
            f.write_char(c)?;
        } else {
            encode_char(f, c, if c == '/' { in_segment } else { in_path })?;
        }
        slashed |= plain;
        segment_is_empty = plain;
    }
    Ok(slashed)
}

/// The common options, but for the key, which stands in the path.
fn common(query: &mut Query<'_, impl Write>, options: &Options<'_>) -> fmt::Result {
    query.pair("ttl", options.ttl().map(Seconds))?;
    query.pair("neg_ttl", options.neg_ttl().map(Seconds))?;
    query.pair("resurrect_ttl", options.resurrect_ttl().map(Seconds))?;
    query.pair("refresh_ahead", options.refresh_ahead().map(Seconds))?;
    query.pair("pointer", options.pointer().map(Value))?;
    query.pair("base64_decode", options.base64_decode())?;
    query.pair("coerce", options.coerce().map(|coerce| coerce.as_str()))
}

/// The options that are not common, sorted by name, with `&` between them.
pub(crate) fn others(options: &Options<'_>) -> String {
    let mut pairs: Vec<_> = options.others().collect();
    pairs.sort_unstable();
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        // Writing to a `String` cannot fail.
        let _ = encode(&mut out, &name, in_name);
        if let OptionValue::Text(text) = value {
            out.push('=');
            let _ = encode(&mut out, &text, in_value);
        }
    }
    out
}

struct Query<'f, W> {
    f: &'f mut W,
    separator: char,
}

impl<W: Write> Query<'_, W> {
    fn pair(&mut self, name: &str, value: Option<impl Display>) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        let separator = core::mem::replace(&mut self.separator, '&');
        write!(self.f, "{separator}{name}={value}")
    }
}

struct Value<'a>(&'a str);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        encode(f, self.0, in_value)
    }
}
