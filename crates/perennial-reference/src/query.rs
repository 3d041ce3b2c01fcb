//! Reads what stands after `?`; what the options are and how they are kept stands in `options`.

use alloc::borrow::Cow;
use core::time::Duration;

use crate::duration;
use crate::error::{ParseError, ParseErrorKind, quoted};
use crate::escape::{Plus, decode};
use crate::options::{Coerce, Options, Others};
use crate::parse::offset_within;
use crate::scan::{cut, find};

/// Gathers the options of one query; offsets of errors count from its start.
pub(crate) struct Reader<'a> {
    pub(crate) text: &'a str,
    /// Whether there is a `%` or a `+` anywhere.
    escaped: bool,
    /// One bit for each common option that was met.
    met: u8,
    pub(crate) options: Options<'a>,
    /// Stands apart from the options, since it may also come from the path.
    pub(crate) key: Option<Cow<'a, str>>,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(text: &'a str, escaped: bool) -> Self {
        Self {
            text,
            escaped,
            met: 0,
            options: Options::default(),
            key: None,
        }
    }

    /// `query`
    #[inline]
    pub(crate) fn read(&mut self) -> Result<(), ParseError> {
        let (mut rest, mut left) = (self.text, MOST);
        while let Some((name, value)) = take_option(&mut rest) {
            if left == 0 {
                return Err(self.too_many(name));
            }
            left -= 1;
            self.option(name, value)?;
        }
        Ok(())
    }

    /// `option`
    #[inline]
    fn option(&mut self, name: &'a str, value: Option<&'a str>) -> Result<(), ParseError> {
        let written = (name, value);
        let name = self.decoded(name)?;
        let value = match value {
            Some(value) => Some(self.decoded(value).map_err(|error| error.about(&name))?),
            None => None,
        };
        if name.is_empty() {
            return Err(self.nameless(written.0));
        }
        let Some(common) = Common::named(&name) else {
            return self.other(written.0, &name);
        };
        let bit = 1 << common as u8;
        if self.met & bit != 0 {
            return Err(self.repeated(written.0, &name));
        }
        self.met |= bit;
        self.common(common, value)
            .map_err(|kind| self.unfit(kind, common, written).about(&name))
    }

    /// Names and values are decoded alike.
    #[inline]
    fn decoded(&self, text: &'a str) -> Result<Cow<'a, str>, ParseError> {
        if !self.escaped {
            return Ok(Cow::Borrowed(text));
        }
        decode(text, Plus::Space).map_err(|error| error.shifted(self.at(text)))
    }

    /// Keeps the whole query, to find the others in it when they are asked for.
    fn other(&mut self, written: &str, name: &str) -> Result<(), ParseError> {
        let before = self
            .options
            .others
            .get(..self.at(written))
            .unwrap_or_default();
        if (Others { query: before }).any(|(other, _)| other == name) {
            return Err(self.repeated(written, name));
        }
        self.options.others = Cow::Borrowed(self.text);
        Ok(())
    }

    #[inline]
    fn common(
        &mut self,
        common: Common,
        value: Option<Cow<'a, str>>,
    ) -> Result<(), ParseErrorKind> {
        let options = &mut self.options;
        match common {
            Common::Ttl => options.ttl = Some(span(value)?),
            Common::NegTtl => options.neg_ttl = Some(span(value)?),
            Common::ResurrectTtl => options.resurrect_ttl = Some(span(value)?),
            Common::RefreshAhead => options.refresh_ahead = Some(span(value)?),
            Common::Key => self.key = Some(text(value)?),
            Common::Pointer => options.pointer = Some(pointer(value)?),
            Common::Base64Decode => options.base64_decode = Some(truth(value)?),
            Common::Coerce => options.coerce = Some(coerce(value)?),
        }
        Ok(())
    }

    fn at(&self, part: &str) -> usize {
        offset_within(self.text, part)
    }

    #[cold]
    fn too_many(&self, written: &str) -> ParseError {
        let kind = ParseErrorKind::TooManyOptions;
        ParseError::new(kind, self.at(written), "at most 100 options", "another")
    }

    #[cold]
    fn nameless(&self, written: &str) -> ParseError {
        let kind = ParseErrorKind::MissingOptionName;
        ParseError::new(kind, self.at(written), "a name before `=`", "nothing")
    }

    #[cold]
    fn repeated(&self, written: &str, name: &str) -> ParseError {
        let kind = ParseErrorKind::RepeatedOption;
        ParseError::new(kind, self.at(written), "it once", "it a second time").about(name)
    }

    #[cold]
    fn unfit(
        &self,
        kind: ParseErrorKind,
        common: Common,
        (name, value): (&str, Option<&str>),
    ) -> ParseError {
        let place = self.at(value.unwrap_or(name));
        ParseError::new(
            kind,
            place,
            common.expected(),
            value.map_or("no value".into(), quoted),
        )
    }
}

/// The text of a value that must have one.
#[inline]
fn text(value: Option<Cow<'_, str>>) -> Result<Cow<'_, str>, ParseErrorKind> {
    match value {
        None => Err(ParseErrorKind::InvalidOption),
        Some(text) if text.is_empty() => Err(ParseErrorKind::EmptyOption),
        Some(text) => Ok(text),
    }
}

#[inline]
fn span(value: Option<Cow<'_, str>>) -> Result<Duration, ParseErrorKind> {
    duration::parse(&text(value)?).ok_or(ParseErrorKind::InvalidOption)
}

/// A flag: alone it is on.
fn truth(value: Option<Cow<'_, str>>) -> Result<bool, ParseErrorKind> {
    if value.is_none() {
        return Ok(true);
    }
    match text(value)?.as_ref() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ParseErrorKind::InvalidOption),
    }
}

fn coerce(value: Option<Cow<'_, str>>) -> Result<Coerce, ParseErrorKind> {
    match text(value)?.as_ref() {
        "scalar" => Ok(Coerce::Scalar),
        _ => Err(ParseErrorKind::InvalidOption),
    }
}

/// `1*( "/" *( unescaped / "~0" / "~1" ) )`: the whole document needs no pointer.
fn pointer(value: Option<Cow<'_, str>>) -> Result<Cow<'_, str>, ParseErrorKind> {
    let text = text(value)?;
    let escaped = |after: &str| after.starts_with(['0', '1']);
    if text.starts_with('/') && text.split('~').skip(1).all(escaped) {
        Ok(text)
    } else {
        Err(ParseErrorKind::InvalidOption)
    }
}

/// An option that every vault takes.
#[derive(Clone, Copy)]
pub(crate) enum Common {
    Ttl,
    NegTtl,
    ResurrectTtl,
    RefreshAhead,
    Key,
    Pointer,
    Base64Decode,
    Coerce,
}

impl Common {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ttl" => Self::Ttl,
            "neg_ttl" => Self::NegTtl,
            "resurrect_ttl" => Self::ResurrectTtl,
            "refresh_ahead" => Self::RefreshAhead,
            "key" => Self::Key,
            "pointer" => Self::Pointer,
            "base64_decode" => Self::Base64Decode,
            "coerce" => Self::Coerce,
            _ => return None,
        })
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Ttl | Self::NegTtl | Self::ResurrectTtl | Self::RefreshAhead => {
                duration::EXPECTED
            }
            Self::Key => "the name of a key",
            Self::Pointer => "a json pointer such as `/a/0/b`, with `~` written as `~0`",
            Self::Base64Decode => "`true` or `false`",
            Self::Coerce => "`scalar`",
        }
    }
}

/// Takes the next option: its name, and what follows its first `=`.
#[inline]
pub(crate) fn take_option<'a>(query: &mut &'a str) -> Option<(&'a str, Option<&'a str>)> {
    while !query.is_empty() {
        let end = find(query.as_bytes(), [b'=', b'&']).unwrap_or(query.len());
        let (name, rest) = query.split_at_checked(end)?;
        if let Some(rest) = rest.strip_prefix('=') {
            let (value, rest) = cut(rest, b'&').unwrap_or((rest, ""));
            *query = rest;
            return Some((name, Some(value)));
        }
        *query = rest.strip_prefix('&').unwrap_or(rest);
        if !name.is_empty() {
            return Some((name, None));
        }
    }
    None
}

const MOST: usize = 100;
