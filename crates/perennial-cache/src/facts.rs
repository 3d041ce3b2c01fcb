//! What is held and what failed, and the deadlines that follow. What readers are told is in `lookup`.

use alloc::boxed::Box;
use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;

use perennial_clock::Moment;

use crate::policy::nanos;
use crate::{Failed, Failure, FailureClass, Lookup, Policy, Reaction, Terms};

/// Holds one value, or the reason why there is none; says what both are worth at a given moment.
///
/// `V` is the value, `F` whatever readers shall be shown of a failure. The facts know no policy:
/// one that is passed in judges them, so a policy can change without a fetch.
///
/// # Polling order
///
/// 1. Tell what happened, as it happens: [`handle_fetched`](Self::handle_fetched),
///    [`handle_unchanged`](Self::handle_unchanged), [`handle_failed`](Self::handle_failed).
/// 2. Ask [`poll_timeout`](Self::poll_timeout) for the next deadline and wait for it.
/// 3. When it has passed, start an attempt unless one is under way, and go to 1.
///
/// Readers call [`lookup`](Self::lookup) at any time. Neither call changes anything, so one that is
/// made too early or too often is harmless. A deadline does not move while its attempt is under
/// way: whoever asks again then gets the same one, which has passed.
///
/// # Order of attempts
///
/// Attempts are ordered by when they **began**, not by when they ended; of two that began at once,
/// the one told later counts as later. What an earlier attempt brings never replaces what a later
/// one brought, and a failure is forgotten when an attempt that began no earlier succeeds.
#[derive(Clone)]
pub struct Facts<V, F = ()> {
    held: Option<Held<V>>,
    // Most values are well: what failed costs them one word.
    trouble: Option<Box<Trouble<F>>>,
}

#[derive(Clone)]
struct Held<V> {
    value: V,
    started: Moment,
    hint: Option<NonZeroU64>,
    /// The margin is taken off already; `Moment::MAX` where there is none.
    hard_end: Moment,
}

/// What happened since the value was fetched.
#[derive(Clone)]
struct Trouble<F> {
    last: Failed<F>,
    /// When the latest attempt began whose answer was *missing*.
    missing: Option<Moment>,
    /// When the latest attempt began whose answer was *denied*.
    denied: Option<Moment>,
}

impl<V, F> Facts<V, F> {
    /// Makes the facts of something that was never asked for.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            held: None,
            trouble: None,
        }
    }

    /// Takes a value in. Returns whether it was taken: one whose fetch began before the held one's
    /// is not.
    ///
    /// Age and terms count from `started`. A hard end counts as reached
    /// [`Policy::HARD_END_MARGIN`] early; that is subtracted here, once.
    pub fn handle_fetched(&mut self, now: Moment, started: Moment, value: V, terms: Terms) -> bool {
        let started = started.min(now);
        if self.is_older_than_held(started) {
            return false;
        }
        let mut held = Held {
            value,
            started,
            hint: None,
            hard_end: Moment::MAX,
        };
        held.apply(terms);
        self.held = Some(held);
        self.settle(started);
        true
    }

    /// Renews the age of the held value: the store says that it is still the current one. Returns
    /// whether that was news.
    ///
    /// What the terms do not mention stays as it was. A value that a policy dropped is back.
    pub fn handle_unchanged(&mut self, now: Moment, started: Moment, terms: Terms) -> bool {
        let started = started.min(now);
        if self.is_older_than_held(started) {
            return false;
        }
        let Some(held) = &mut self.held else {
            return false;
        };
        held.started = started;
        held.apply(terms);
        self.settle(started);
        true
    }

    /// Remembers that an attempt failed. Returns whether it was news: an attempt that began before
    /// the held value's says nothing about it.
    ///
    /// The value stays held whatever the class; policies decide whether readers still get it.
    pub fn handle_failed(&mut self, now: Moment, started: Moment, failure: Failure<F>) -> bool {
        let started = started.min(now);
        if self.is_older_than_held(started) {
            return false;
        }
        let Failure {
            class,
            retry_at,
            detail,
        } = failure;
        let failed = Failed {
            class,
            count: 1,
            started,
            finished: now,
            retry_at,
            detail,
        };
        match &mut self.trouble {
            Some(trouble) => trouble.add(failed),
            None => self.trouble = Some(Box::new(Trouble::new(failed))),
        }
        true
    }

    /// Judges what is held.
    #[must_use]
    pub fn lookup(&self, now: Moment, policy: &Policy) -> Lookup<'_, V, F> {
        let failed = self.failed();
        let Some(held) = self.held_under(policy) else {
            return absent(now, policy, failed);
        };
        let (value, age) = (&held.value, now.since(held.started));
        let fresh_until = held.fresh_until(policy);
        if now < fresh_until {
            return if now < self.next_attempt(policy, 0) {
                Lookup::Fresh { value, age, failed }
            } else {
                Lookup::Due { value, age, failed }
            };
        }
        let retry_at = self.next_attempt(policy, 0);
        if now >= held.usable_until(policy) {
            return Lookup::Expired {
                age,
                failed,
                retry_at,
            };
        }
        match failed {
            Some(failed) if now < retry_at || failed.finished >= fresh_until => Lookup::Stale {
                value,
                age,
                failed,
                retry_at,
            },
            _ => Lookup::Overdue { value, age, failed },
        }
    }

    /// Returns when the next attempt is due, `None` where nothing ever is.
    ///
    /// That is the refresh time of the held value, or after a failure the end of the back-off, of
    /// `neg_ttl` where the answer was *missing*: an attempt that somebody wanted and that failed is
    /// made again, however fresh the value. Nothing is due before the first attempt, which only
    /// readers ask for.
    ///
    /// `jitter` makes a refresh earlier, from not at all (0) to the twentieth part of ttl or
    /// [`Policy::JITTER`], whichever is less (`u16::MAX`). It should be drawn once per value. The
    /// deadlines of failures are not touched by it: they come with a jitter of their own.
    #[must_use]
    pub fn poll_timeout(&self, policy: &Policy, jitter: u16) -> Option<Moment> {
        Some(self.next_attempt(policy, jitter)).filter(|due| *due < Moment::MAX)
    }

    /// Returns until when readers get the value as fresh: exactly while `now` is before it.
    ///
    /// [`Moment::ORIGIN`] where there is no such value, [`Moment::MAX`] where age does not matter.
    #[must_use]
    pub fn fresh_until(&self, policy: &Policy) -> Moment {
        self.held_under(policy)
            .map_or(Moment::ORIGIN, |held| held.fresh_until(policy))
    }

    /// Returns until when readers get the value at all: exactly while `now` is before it.
    ///
    /// [`Moment::ORIGIN`] where there is no such value, [`Moment::MAX`] where age does not matter.
    #[must_use]
    pub fn usable_until(&self, policy: &Policy) -> Moment {
        self.held_under(policy)
            .map_or(Moment::ORIGIN, |held| held.usable_until(policy))
    }

    /// Returns when [`lookup`](Self::lookup) will next give another verdict if nothing happens.
    #[must_use]
    pub fn next_change(&self, now: Moment, policy: &Policy) -> Option<Moment> {
        [
            self.fresh_until(policy),
            self.usable_until(policy),
            self.next_attempt(policy, 0),
        ]
        .into_iter()
        .filter(|at| now < *at && *at < Moment::MAX)
        .min()
    }

    /// Returns the last value ever seen, whatever its age and whatever any policy says.
    #[must_use]
    pub fn last(&self) -> Option<&V> {
        self.held.as_ref().map(|held| &held.value)
    }

    /// Returns when the fetch of that value began, or the last one that found it unchanged.
    #[must_use]
    pub fn fetched_at(&self) -> Option<Moment> {
        self.held.as_ref().map(|held| held.started)
    }

    /// Returns when that value ends for good, the margin taken off.
    #[must_use]
    pub fn hard_end(&self) -> Option<Moment> {
        let end = self.held.as_ref()?.hard_end;
        Some(end).filter(|end| *end < Moment::MAX)
    }

    /// Returns the last failure, if nothing has succeeded since.
    #[must_use]
    pub fn failed(&self) -> Option<&Failed<F>> {
        self.trouble.as_ref().map(|trouble| &trouble.last)
    }

    fn is_older_than_held(&self, started: Moment) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| started < held.started)
    }

    /// Forgets the failures of attempts that began no later than one that succeeded.
    fn settle(&mut self, started: Moment) {
        if let Some(trouble) = &mut self.trouble {
            if trouble.last.started <= started {
                self.trouble = None;
            } else {
                trouble.missing = trouble.missing.filter(|at| *at > started);
                trouble.denied = trouble.denied.filter(|at| *at > started);
            }
        }
    }

    /// The value, unless a definite answer cost it.
    fn held_under(&self, policy: &Policy) -> Option<&Held<V>> {
        let dropped = self.trouble.as_ref().is_some_and(|trouble| {
            (policy.on_missing() == Reaction::Drop && trouble.missing.is_some())
                || (policy.on_denied() == Reaction::Drop && trouble.denied.is_some())
        });
        self.held.as_ref().filter(|_| !dropped)
    }

    /// `Moment::MAX` is never.
    fn next_attempt(&self, policy: &Policy, jitter: u16) -> Moment {
        match (self.failed(), &self.held) {
            (Some(failed), _) => failed.retry_at(policy),
            (None, Some(held)) => held.refresh_at(policy, jitter),
            (None, None) => Moment::MAX,
        }
    }
}

fn absent<'a, V, F>(
    now: Moment,
    policy: &Policy,
    failed: Option<&'a Failed<F>>,
) -> Lookup<'a, V, F> {
    let Some(failed) = failed else {
        return Lookup::Absent { failed: None };
    };
    let retry_at = failed.retry_at(policy);
    if now >= retry_at {
        Lookup::Absent {
            failed: Some(failed),
        }
    } else if failed.class == FailureClass::Missing {
        Lookup::Missing {
            failed,
            until: retry_at,
        }
    } else {
        Lookup::Failed { failed, retry_at }
    }
}

impl<V> Held<V> {
    fn apply(&mut self, terms: Terms) {
        if let Some(hint) = terms.ttl_hint() {
            self.hint = NonZeroU64::new(nanos(hint));
        }
        if let Some(end) = terms.hard_end() {
            self.hard_end = self.started + end.saturating_sub(Policy::HARD_END_MARGIN);
        }
    }

    /// When age makes it old; `Moment::MAX` is never.
    fn ttl_end(&self, policy: &Policy) -> Moment {
        let hint = self.hint.map(|nanos| Duration::from_nanos(nanos.get()));
        policy
            .span_of_freshness(hint)
            .map_or(Moment::MAX, |span| self.started + span)
    }

    fn fresh_until(&self, policy: &Policy) -> Moment {
        self.ttl_end(policy).min(self.hard_end)
    }

    fn usable_until(&self, policy: &Policy) -> Moment {
        (self.ttl_end(policy) + policy.span_of_resurrection()).min(self.hard_end)
    }

    fn refresh_at(&self, policy: &Policy, jitter: u16) -> Moment {
        let end = self.fresh_until(policy);
        if end == Moment::MAX {
            return end;
        }
        let life = end.as_nanos().saturating_sub(self.started.as_nanos());
        let most = (life / 20).min(nanos(Policy::JITTER));
        let early = most * u64::from(jitter) / u64::from(u16::MAX);
        let at = end.as_nanos() - policy.lead(life) - early;
        let at = Moment::from_nanos(at);
        if self.hard_end < self.ttl_end(policy) {
            // Nobody asked for so short a life: a store that keeps giving what has ended is not
            // asked in a loop.
            at.max(self.started + Policy::ASK_AGAIN)
        } else {
            at
        }
    }
}

impl<F> Trouble<F> {
    fn new(failed: Failed<F>) -> Self {
        let mut trouble = Self {
            last: failed,
            missing: None,
            denied: None,
        };
        trouble.note(trouble.last.class, trouble.last.started);
        trouble
    }

    fn add(&mut self, mut failed: Failed<F>) {
        self.note(failed.class, failed.started);
        let count = self.last.count.saturating_add(1);
        if failed.started >= self.last.started {
            failed.count = count;
            self.last = failed;
        } else {
            self.last.count = count;
        }
    }

    fn note(&mut self, class: FailureClass, started: Moment) {
        let answer = match class {
            FailureClass::Missing => &mut self.missing,
            FailureClass::Denied => &mut self.denied,
            _ => return,
        };
        // `None` is less than any moment.
        *answer = (*answer).max(Some(started));
    }
}

impl<V, F> Default for Facts<V, F> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows neither the value nor the detail of a failure.
impl<V, F> fmt::Debug for Facts<V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("fetched_at", &self.fetched_at())
            .field("hard_end", &self.hard_end())
            .field("failed", &self.failed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
