//! What stands after `?`: the options that every vault takes, typed, and the others by name.
//!
//! Whether a vault takes one of the others is not known here.

use alloc::borrow::Cow;
use core::iter::FusedIterator;
use core::time::Duration;

use crate::duration;
use crate::error::{ParseError, ParseErrorKind, quoted};
use crate::escape::{Plus, decode};
use crate::parse::{cut, offset_within};
use crate::print;

/// Holds the options of a reference.
///
/// Equality is on meaning: neither the order of the options nor the way they were written counts.
/// `?key=` is not among them, for it is another spelling of [`Ref::key`](crate::Ref::key).
///
/// ```
/// use core::time::Duration;
/// use perennial_reference::{OptionValue, Ref};
///
/// let reference = Ref::parse("{vault://env/token?ttl=5m&prefix=app_&fresh}")?;
/// let options = reference.options();
/// assert_eq!(options.ttl(), Some(Duration::from_secs(300)));
/// assert_eq!(options.neg_ttl(), None);
///
/// let others: Vec<_> = options.others().collect();
/// assert_eq!(others[0], ("prefix".into(), OptionValue::Text("app_".into())));
/// assert_eq!(others[1], ("fresh".into(), OptionValue::Flag));
/// # Ok::<(), perennial_reference::ParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    ttl: Option<Duration>,
    neg_ttl: Option<Duration>,
    resurrect_ttl: Option<Duration>,
    refresh_ahead: Option<Duration>,
    pointer: Option<Cow<'a, str>>,
    base64_decode: Option<bool>,
    coerce: Option<Coerce>,
    /// The query as written, if it holds any option that is not common; else empty.
    others: Cow<'a, str>,
}

impl<'a> Options<'a> {
    /// The names of the options that every vault takes, in canonical order.
    pub const COMMON: &'static [&'static str] = &[
        "ttl",
        "neg_ttl",
        "resurrect_ttl",
        "refresh_ahead",
        "key",
        "pointer",
        "base64_decode",
        "coerce",
    ];

    /// Reads a query; offsets of errors count from its start. The key stands apart, since it may
    /// also come from the path.
    pub(crate) fn parse(query: &'a str) -> Result<(Self, Option<Cow<'a, str>>), ParseError> {
        let mut read = Reader::default();
        for (count, pair) in pairs(query).enumerate() {
            if count == MOST {
                return Err(ParseError::new(
                    ParseErrorKind::TooManyOptions,
                    offset_within(query, pair),
                    "at most 100 options",
                    "another",
                ));
            }
            read.pair(query, pair)?;
        }
        Ok((read.options, read.key))
    }

    /// Returns how long a value counts as fresh.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Returns how long it is remembered that there is no value.
    #[must_use]
    pub fn neg_ttl(&self) -> Option<Duration> {
        self.neg_ttl
    }

    /// Returns how long a value stays usable after its ttl, while it cannot be refreshed.
    #[must_use]
    pub fn resurrect_ttl(&self) -> Option<Duration> {
        self.resurrect_ttl
    }

    /// Returns how long before the end of its ttl a value is refreshed.
    #[must_use]
    pub fn refresh_ahead(&self) -> Option<Duration> {
        self.refresh_ahead
    }

    /// Returns the JSON pointer (RFC 6901) to the value inside the resource.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// Returns whether the value is base64 that is to be undone.
    #[must_use]
    pub fn base64_decode(&self) -> Option<bool> {
        self.base64_decode
    }

    /// Returns which values that are not text are taken for one.
    #[must_use]
    pub fn coerce(&self) -> Option<Coerce> {
        self.coerce
    }

    /// Returns the options that are not common to all vaults, decoded, in the order in which they
    /// are written (sorted by name in a [`Reference`](crate::Reference)).
    #[must_use]
    pub fn others(&self) -> Others<'_> {
        Others {
            query: &self.others,
        }
    }

    /// Tells whether there is no option at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Options::default()
    }

    /// Lets go of the text that these were read from, and makes the others canonical.
    pub(crate) fn into_owned(self) -> Options<'static> {
        let others = Cow::Owned(print::others(&self));
        Options {
            ttl: self.ttl,
            neg_ttl: self.neg_ttl,
            resurrect_ttl: self.resurrect_ttl,
            refresh_ahead: self.refresh_ahead,
            pointer: self.pointer.map(|pointer| Cow::Owned(pointer.into_owned())),
            base64_decode: self.base64_decode,
            coerce: self.coerce,
            others,
        }
    }
}

impl PartialEq<Options<'_>> for Options<'_> {
    fn eq(&self, other: &Options<'_>) -> bool {
        self.ttl == other.ttl
            && self.neg_ttl == other.neg_ttl
            && self.resurrect_ttl == other.resurrect_ttl
            && self.refresh_ahead == other.refresh_ahead
            && self.pointer == other.pointer
            && self.base64_decode == other.base64_decode
            && self.coerce == other.coerce
            // No name occurs twice, so equal counts and one inclusion are enough.
            && self.others().count() == other.others().count()
            && self.others().all(|ours| other.others().any(|theirs| ours == theirs))
    }
}

impl Eq for Options<'_> {}

/// Names what is taken for text although it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Coerce {
    /// Numbers and booleans, as JSON prints them.
    Scalar,
}

impl Coerce {
    /// Returns the value of the option that asks for this.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
        }
    }
}

/// Holds the value of an option that is not common to all vaults.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OptionValue<'a> {
    /// The name stands alone: `?fresh`.
    Flag,
    /// A value follows the name, though maybe an empty one: `?prefix=app_`, `?prefix=`.
    Text(Cow<'a, str>),
}

impl OptionValue<'_> {
    /// Returns the text, if the name does not stand alone.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Flag => None,
            Self::Text(text) => Some(text),
        }
    }
}

/// Iterates over the options that are not common to all vaults, as names and values.
#[derive(Clone, Debug)]
pub struct Others<'a> {
    query: &'a str,
}

impl<'a> Iterator for Others<'a> {
    type Item = (Cow<'a, str>, OptionValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let pair = take_pair(&mut self.query)?;
            // Both were decoded once already, when the reference was read.
            let (name, value) = named(pair).ok()?;
            if Common::named(&name).is_none() {
                return Some((name, option_value(value).ok()?));
            }
        }
    }
}

impl FusedIterator for Others<'_> {}

/// Takes the next pair that is not empty.
fn take_pair<'a>(query: &mut &'a str) -> Option<&'a str> {
    while !query.is_empty() {
        let (pair, rest) = cut(query, b'&').unwrap_or((query, ""));
        *query = rest;
        if !pair.is_empty() {
            return Some(pair);
        }
    }
    None
}

fn pairs(mut query: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || take_pair(&mut query))
}

/// Splits a pair at its first `=` and decodes the name.
fn named(pair: &str) -> Result<(Cow<'_, str>, Option<&str>), ParseError> {
    let (name, value) = match cut(pair, b'=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    };
    Ok((decode(name, Plus::Space)?, value))
}

fn option_value(value: Option<&str>) -> Result<OptionValue<'_>, ParseError> {
    match value {
        None => Ok(OptionValue::Flag),
        Some(value) => decode(value, Plus::Space).map(OptionValue::Text),
    }
}

#[derive(Clone, Copy)]
enum Common {
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
    fn named(name: &str) -> Option<Self> {
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

/// Gathers the options of one query.
#[derive(Default)]
struct Reader<'a> {
    options: Options<'a>,
    key: Option<Cow<'a, str>>,
    /// One bit for each common option that was met.
    met: u8,
}

impl<'a> Reader<'a> {
    fn pair(&mut self, query: &'a str, pair: &'a str) -> Result<(), ParseError> {
        let at = |part| offset_within(query, part);
        let (name, value) = named(pair).map_err(|error| error.shifted(at(pair)))?;
        if name.is_empty() {
            return Err(ParseError::new(
                ParseErrorKind::MissingOptionName,
                at(pair),
                "a name before `=`",
                quoted(pair),
            ));
        }
        let place = at(value.unwrap_or(pair));
        let value = option_value(value).map_err(|error| error.shifted(place).about(&name))?;
        let again = match Common::named(&name) {
            Some(common) => {
                let bit = 1 << common as u8;
                let again = self.met & bit != 0;
                self.met |= bit;
                if !again {
                    self.common(common, &value).map_err(|kind| {
                        let found = match &value {
                            OptionValue::Flag => "no value".into(),
                            OptionValue::Text(text) => quoted(text),
                        };
                        ParseError::new(kind, place, common.expected(), found).about(&name)
                    })?;
                }
                again
            }
            None => {
                let again =
                    !self.options.others.is_empty() && self.is_among_others(at(pair), &name);
                self.options.others = Cow::Borrowed(query);
                again
            }
        };
        if again {
            let found = "it a second time";
            let error = ParseError::new(ParseErrorKind::RepeatedOption, at(pair), "it once", found);
            return Err(error.about(&name));
        }
        Ok(())
    }

    /// Tells whether an option of this name stands before byte `end` of the query.
    fn is_among_others(&self, end: usize, name: &str) -> bool {
        let before = Others {
            query: self.options.others.get(..end).unwrap_or_default(),
        };
        before.into_iter().any(|(other, _)| other == name)
    }

    fn common(&mut self, common: Common, value: &OptionValue<'a>) -> Result<(), ParseErrorKind> {
        let options = &mut self.options;
        match common {
            Common::Ttl => options.ttl = Some(span(value)?),
            Common::NegTtl => options.neg_ttl = Some(span(value)?),
            Common::ResurrectTtl => options.resurrect_ttl = Some(span(value)?),
            Common::RefreshAhead => options.refresh_ahead = Some(span(value)?),
            Common::Key => self.key = Some(text(value)?.clone()),
            Common::Pointer => {
                let pointer = text(value)?;
                if !is_pointer(pointer) {
                    return Err(ParseErrorKind::InvalidOption);
                }
                options.pointer = Some(pointer.clone());
            }
            Common::Base64Decode => {
                options.base64_decode = Some(*value == OptionValue::Flag || truth(text(value)?)?);
            }
            Common::Coerce => match text(value)?.as_ref() {
                "scalar" => options.coerce = Some(Coerce::Scalar),
                _ => return Err(ParseErrorKind::InvalidOption),
            },
        }
        Ok(())
    }
}

/// The text of a value that must have one.
fn text<'v, 'a>(value: &'v OptionValue<'a>) -> Result<&'v Cow<'a, str>, ParseErrorKind> {
    match value {
        OptionValue::Flag => Err(ParseErrorKind::InvalidOption),
        OptionValue::Text(text) if text.is_empty() => Err(ParseErrorKind::EmptyOption),
        OptionValue::Text(text) => Ok(text),
    }
}

fn span(value: &OptionValue<'_>) -> Result<Duration, ParseErrorKind> {
    duration::parse(text(value)?).ok_or(ParseErrorKind::InvalidOption)
}

fn truth(text: &str) -> Result<bool, ParseErrorKind> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ParseErrorKind::InvalidOption),
    }
}

/// `*( "/" *( unescaped / "~0" / "~1" ) )`, and not empty: the whole document needs no pointer.
fn is_pointer(text: &str) -> bool {
    text.starts_with('/')
        && text
            .split('~')
            .skip(1)
            .all(|after| after.starts_with(['0', '1']))
}

const MOST: usize = 100;
