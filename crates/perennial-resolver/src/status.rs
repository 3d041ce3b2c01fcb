//! How secrets are doing, without a byte of them.

use std::time::Duration;

use perennial_backend::Version;
use perennial_cache::Lookup;
use perennial_clock::Moment;

use crate::cell::Cell;
use crate::error::ErrorKind;

/// In what state a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing is held, and nothing is known to be wrong.
    Absent,
    /// The value is inside its ttl.
    Fresh,
    /// The value is past its ttl and served all the same.
    Stale,
    /// The value is too old to be served.
    Expired,
    /// There is no such secret.
    Missing,
    /// Nothing is held, and the last attempt failed.
    Failed,
}

impl State {
    /// Returns the stable name: `fresh`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// How one secret is doing.
#[derive(Clone, Debug)]
pub struct Status {
    reference: Box<str>,
    vault: Box<str>,
    state: State,
    version: Option<Version>,
    age: Option<Duration>,
    next_attempt: Option<Duration>,
    fresh_for: Option<Duration>,
    usable_for: Option<Duration>,
    failures: u32,
    last_error: Option<(ErrorKind, Box<str>)>,
}

impl Status {
    pub(crate) fn of(cell: &Cell, now: Moment) -> Self {
        let facts = cell.facts();
        let binding = cell.binding();
        let policy = &binding.policy;
        let state = match facts.lookup(now, policy) {
            Lookup::Absent { .. } => State::Absent,
            Lookup::Fresh { .. } | Lookup::Due { .. } => State::Fresh,
            Lookup::Overdue { .. } | Lookup::Stale { .. } => State::Stale,
            Lookup::Expired { .. } => State::Expired,
            Lookup::Missing { .. } => State::Missing,
            Lookup::Failed { .. } => State::Failed,
        };
        let left = |until: Moment| (until < Moment::MAX).then(|| until.since(now));
        let held = facts.last();
        Self {
            reference: cell.reference().as_str().into(),
            vault: cell.reference().vault().into(),
            state,
            version: held.and_then(|held| held.version.clone()),
            age: facts.fetched_at().map(|at| now.since(at)),
            next_attempt: facts.poll_timeout(policy, 0).map(|at| at.since(now)),
            fresh_for: held.and_then(|_| left(facts.fresh_until(policy))),
            usable_for: held.and_then(|_| left(facts.usable_until(policy))),
            failures: facts.failed().map_or(0, |failed| failed.count()),
            last_error: facts.failed().map(|failed| {
                (
                    failed.detail().kind().into(),
                    failed.detail().message().into(),
                )
            }),
        }
    }

    /// Returns the canonical reference.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Returns the name of the vault.
    #[must_use]
    pub fn vault(&self) -> &str {
        &self.vault
    }

    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns which version is held, where the store names versions.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Returns how long ago the fetch of what is held began.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns after what span the store is asked again, at the latest.
    #[must_use]
    pub fn next_attempt(&self) -> Option<Duration> {
        self.next_attempt
    }

    /// Returns for how long the value is fresh; `None` if age does not matter, or nothing is held.
    #[must_use]
    pub fn fresh_for(&self) -> Option<Duration> {
        self.fresh_for
    }

    /// Returns for how long the value may be served; `None` if age does not matter, or nothing is
    /// held.
    #[must_use]
    pub fn usable_for(&self) -> Option<Duration> {
        self.usable_for
    }

    /// Returns how many attempts failed since the last one that did not.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the kind and the message of the last failure, if nothing has succeeded since.
    #[must_use]
    pub fn last_error(&self) -> Option<(ErrorKind, &str)> {
        self.last_error
            .as_ref()
            .map(|(kind, message)| (*kind, &**message))
    }
}
