//! The options of a reference: those that every vault takes, typed, and the others by name.
//!
//! Reading them stands in `query`; whether a vault takes one of the others is not known here.

use alloc::borrow::Cow;
use core::iter::FusedIterator;
use core::time::Duration;

use crate::escape::{Plus, decode};
use crate::print;
use crate::query::{Common, take_option};

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
    pub(crate) ttl: Option<Duration>,
    pub(crate) neg_ttl: Option<Duration>,
    pub(crate) resurrect_ttl: Option<Duration>,
    pub(crate) refresh_ahead: Option<Duration>,
    pub(crate) pointer: Option<Cow<'a, str>>,
    pub(crate) base64_decode: Option<bool>,
    pub(crate) coerce: Option<Coerce>,
    /// The query as written, if it holds any option that is not common; else empty.
    pub(crate) others: Cow<'a, str>,
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
    pub(crate) query: &'a str,
}

impl<'a> Iterator for Others<'a> {
    type Item = (Cow<'a, str>, OptionValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (name, value) = take_option(&mut self.query)?;
            // Both were decoded once already, when the reference was read.
            let name = decode(name, Plus::Space).ok()?;
            if Common::named(&name).is_none() {
                let value = value
                    .map(|value| decode(value, Plus::Space))
                    .transpose()
                    .ok()?;
                return Some((name, value.map_or(OptionValue::Flag, OptionValue::Text)));
            }
        }
    }
}

impl FusedIterator for Others<'_> {}
