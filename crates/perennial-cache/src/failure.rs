//! What went wrong: as it is told, and as it is remembered.

use core::fmt;

use perennial_clock::Moment;

use crate::Policy;

/// The kinds of failure that decide about a value's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureClass {
    /// The store answered that there is no such thing. A definite answer.
    Missing,
    /// The store refused. A definite answer.
    Denied,
    /// The store asked for a pause.
    Throttled,
    /// No answer came.
    Unavailable,
    /// An answer came that is of no use.
    Invalid,
}

/// Tells that an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure<F> {
    pub(crate) class: FailureClass,
    pub(crate) retry_at: Moment,
    pub(crate) detail: F,
}

impl<F> Failure<F> {
    /// Describes a failure: its class, when the next attempt may be made, and whatever readers
    /// shall be shown of it.
    ///
    /// `retry_at` is not used for [`FailureClass::Missing`]: each policy's `neg_ttl` says when to
    /// ask again. [`Moment::MAX`] is *never*.
    #[must_use]
    pub const fn new(class: FailureClass, retry_at: Moment, detail: F) -> Self {
        Self {
            class,
            retry_at,
            detail,
        }
    }
}

/// Shows everything but the detail, which may quote what nobody should see.
impl<F> fmt::Debug for Failure<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("class", &self.class)
            .field("retry_at", &self.retry_at)
            .finish_non_exhaustive()
    }
}

/// The last failure, as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed<F> {
    pub(crate) class: FailureClass,
    pub(crate) count: u32,
    pub(crate) started: Moment,
    pub(crate) finished: Moment,
    pub(crate) retry_at: Moment,
    pub(crate) detail: F,
}

impl<F> Failed<F> {
    /// Returns its class.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        self.class
    }

    /// Returns what was given with it.
    #[must_use]
    pub const fn detail(&self) -> &F {
        &self.detail
    }

    /// Returns how many attempts failed since the last one that did not, at least one.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Returns when the attempt began.
    #[must_use]
    pub const fn started(&self) -> Moment {
        self.started
    }

    /// Returns when the attempt failed.
    #[must_use]
    pub const fn finished(&self) -> Moment {
        self.finished
    }

    /// Returns when the next attempt may be made, as this policy sees it.
    #[must_use]
    pub fn retry_at(&self, policy: &Policy) -> Moment {
        match self.class {
            FailureClass::Missing => self.started + policy.span_of_absence(),
            _ => self.retry_at,
        }
    }
}

/// Shows everything but the detail, which may quote what nobody should see.
impl<F> fmt::Debug for Failed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failed")
            .field("class", &self.class)
            .field("count", &self.count)
            .field("started", &self.started)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}
