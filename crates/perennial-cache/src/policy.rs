//! How one reader judges age: settings and their defaults. No state is here.

use core::time::Duration;

use perennial_clock::Moment;

/// Says how long a value is fresh and usable, and what answers cost it.
///
/// Every setting may be absent, which is not the same as zero:
///
/// | setting | absent | zero | a span |
/// | --- | --- | --- | --- |
/// | `ttl` | the provider's hint, else [`Policy::TTL`] | age alone never makes a value old; hints are ignored | fresh this long after the fetch began |
/// | `neg_ttl` | [`Policy::NEG_TTL`] | not remembered, but asked at most once in [`Policy::ASK_AGAIN`] | *missing* is remembered this long after the fetch began |
/// | `resurrect_ttl` | [`Policy::RESURRECT_TTL`] | not usable past ttl | usable this long after ttl ended |
/// | `refresh_ahead` | [`Policy::REFRESH_AHEAD`], at most ttl/5 | the refresh starts at ttl, earlier by jitter | it starts this long before ttl ends, at most ttl/2, and earlier by jitter |
/// | `min_ttl`, `max_ttl` | no bound | no bound | the least and the greatest ttl that a hint can give; where they contradict each other, `max_ttl` wins |
///
/// ```
/// use core::time::Duration;
/// use perennial_cache::{Policy, Reaction};
///
/// let policy = Policy::default()
///     .with_ttl(Duration::from_secs(6 * 3600))
///     .with_resurrect_ttl(Duration::from_secs(600))
///     .with_on_denied(Reaction::Drop);
/// assert_eq!(policy.neg_ttl(), None);
/// assert_eq!(policy.on_missing(), Reaction::Keep);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Policy {
    ttl: Option<Duration>,
    neg_ttl: Option<Duration>,
    resurrect_ttl: Option<Duration>,
    refresh_ahead: Option<Duration>,
    min_ttl: Option<Duration>,
    max_ttl: Option<Duration>,
    on_missing: Reaction,
    on_denied: Reaction,
}

/// What a definite answer does to a value that is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reaction {
    /// The value stays, as after any other failed refresh.
    #[default]
    Keep,
    /// The value is not given to readers any more, at once and inside its ttl too, until the store
    /// gives a value again.
    Drop,
}

impl Policy {
    /// The ttl where neither the policy nor the provider names one.
    pub const TTL: Duration = Duration::from_secs(300);

    /// How long *missing* is remembered where the policy does not say.
    pub const NEG_TTL: Duration = Duration::from_secs(60);

    /// How long after its ttl a value may be served where the policy does not say: three years.
    pub const RESURRECT_TTL: Duration = Duration::from_secs(100_000_000);

    /// How long before the end of ttl a refresh starts where the policy does not say, unless a
    /// fifth of ttl is less.
    pub const REFRESH_AHEAD: Duration = Duration::from_secs(60);

    /// The most by which jitter makes a refresh earlier, unless a twentieth of ttl is less.
    pub const JITTER: Duration = Duration::from_secs(30);

    /// The least time between two questions where nobody named one: where *missing* is not to be
    /// remembered, where a hint is shorter, and where a value arrives when its hard end is near or past.
    pub const ASK_AGAIN: Duration = Duration::from_secs(1);

    /// How long before a hard end a value counts as ended: the accuracy of the clock that readers
    /// compare with.
    pub const HARD_END_MARGIN: Duration = Duration::from_millis(100);

    /// Sets how long a value is fresh.
    #[must_use]
    pub fn with_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }

    /// Sets how long *missing* is remembered.
    #[must_use]
    pub fn with_neg_ttl(mut self, neg_ttl: impl Into<Option<Duration>>) -> Self {
        self.neg_ttl = neg_ttl.into();
        self
    }

    /// Sets how long after its ttl a value is usable.
    #[must_use]
    pub fn with_resurrect_ttl(mut self, resurrect_ttl: impl Into<Option<Duration>>) -> Self {
        self.resurrect_ttl = resurrect_ttl.into();
        self
    }

    /// Sets how long before the end of ttl a refresh starts.
    #[must_use]
    pub fn with_refresh_ahead(mut self, refresh_ahead: impl Into<Option<Duration>>) -> Self {
        self.refresh_ahead = refresh_ahead.into();
        self
    }

    /// Sets the least ttl that a hint can give.
    #[must_use]
    pub fn with_min_ttl(mut self, min_ttl: impl Into<Option<Duration>>) -> Self {
        self.min_ttl = min_ttl.into();
        self
    }

    /// Sets the greatest ttl that a hint can give.
    #[must_use]
    pub fn with_max_ttl(mut self, max_ttl: impl Into<Option<Duration>>) -> Self {
        self.max_ttl = max_ttl.into();
        self
    }

    /// Sets what a definite *missing* does to a held value.
    #[must_use]
    pub fn with_on_missing(mut self, reaction: Reaction) -> Self {
        self.on_missing = reaction;
        self
    }

    /// Sets what a definite *denied* does to a held value.
    #[must_use]
    pub fn with_on_denied(mut self, reaction: Reaction) -> Self {
        self.on_denied = reaction;
        self
    }

    /// Returns how long a value is fresh.
    #[must_use]
    pub const fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Returns how long *missing* is remembered.
    #[must_use]
    pub const fn neg_ttl(&self) -> Option<Duration> {
        self.neg_ttl
    }

    /// Returns how long after its ttl a value is usable.
    #[must_use]
    pub const fn resurrect_ttl(&self) -> Option<Duration> {
        self.resurrect_ttl
    }

    /// Returns how long before the end of ttl a refresh starts.
    #[must_use]
    pub const fn refresh_ahead(&self) -> Option<Duration> {
        self.refresh_ahead
    }

    /// Returns the least ttl that a hint can give.
    #[must_use]
    pub const fn min_ttl(&self) -> Option<Duration> {
        self.min_ttl
    }

    /// Returns the greatest ttl that a hint can give.
    #[must_use]
    pub const fn max_ttl(&self) -> Option<Duration> {
        self.max_ttl
    }

    /// Returns what a definite *missing* does to a held value.
    #[must_use]
    pub const fn on_missing(&self) -> Reaction {
        self.on_missing
    }

    /// Returns what a definite *denied* does to a held value.
    #[must_use]
    pub const fn on_denied(&self) -> Reaction {
        self.on_denied
    }

    /// How long a value with this hint is fresh; `None` is *for ever*.
    pub(crate) fn span_of_freshness(&self, hint: Option<Duration>) -> Option<Duration> {
        match (self.ttl, hint) {
            (Some(ttl), _) => Some(ttl).filter(|ttl| !ttl.is_zero()),
            (None, Some(hint)) => Some(self.clamp(hint)),
            (None, None) => Some(Self::TTL),
        }
    }

    fn clamp(&self, hint: Duration) -> Duration {
        let raised = hint.max(self.min_ttl.unwrap_or_default());
        let capped = match self.max_ttl {
            Some(max) if !max.is_zero() => raised.min(max),
            _ => raised,
        };
        capped.max(Self::ASK_AGAIN)
    }

    /// How long after a question that found nothing the next may be asked.
    pub(crate) fn span_of_absence(&self) -> Duration {
        match self.neg_ttl {
            Some(span) if span.is_zero() => Self::ASK_AGAIN,
            Some(span) => span,
            None => Self::NEG_TTL,
        }
    }

    /// How long a value is usable after it stopped being fresh by age.
    pub(crate) fn span_of_resurrection(&self) -> Duration {
        self.resurrect_ttl.unwrap_or(Self::RESURRECT_TTL)
    }

    /// How long before the end of a life the next one is fetched, without jitter; in nanoseconds,
    /// for it is worked out on reads. It is at most half of that life.
    pub(crate) fn lead(&self, life: u64) -> u64 {
        let wanted = match self.refresh_ahead {
            Some(ahead) => nanos(ahead),
            None => nanos(Self::REFRESH_AHEAD).min(life / 5),
        };
        wanted.min(life / 2)
    }
}

/// The nanoseconds of a span, at most as many as the scale of moments has.
pub(crate) const fn nanos(span: Duration) -> u64 {
    Moment::ORIGIN.saturating_add(span).as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_ttl_comes_from_the_policy_then_the_hint_then_the_default() {
        let check = |policy: Policy, hint: Option<u64>, expected: Option<u64>| {
            let got = policy.span_of_freshness(hint.map(secs));
            assert_eq!(got, expected.map(secs), "{policy:?} {hint:?}");
        };
        let none = Policy::default();
        check(none, None, Some(300));
        check(none, Some(40), Some(40));
        check(none.with_ttl(secs(20)), None, Some(20));
        check(none.with_ttl(secs(20)), Some(40), Some(20));
        check(none.with_ttl(secs(60)), Some(40), Some(60));
        check(none.with_ttl(Duration::ZERO), None, None);
        check(none.with_ttl(Duration::ZERO), Some(40), None);
        check(none.with_min_ttl(secs(50)), Some(40), Some(50));
        check(none.with_max_ttl(secs(30)), Some(40), Some(30));
        check(none.with_max_ttl(secs(0)), Some(40), Some(40));
        check(
            none.with_min_ttl(secs(50)).with_max_ttl(secs(30)),
            Some(40),
            Some(30),
        );
        // The bounds are for hints only.
        let bounded = none.with_min_ttl(secs(50)).with_max_ttl(secs(60));
        check(bounded.with_ttl(secs(5)), Some(40), Some(5));
        check(bounded, None, Some(300));
    }

    #[test]
    fn a_hint_never_makes_a_value_fresh_for_less_than_a_second() {
        let none = Policy::default();
        let tiny = Some(Duration::from_nanos(1));
        assert_eq!(none.span_of_freshness(tiny), Some(secs(1)));
        let capped = none.with_max_ttl(Duration::from_millis(3));
        assert_eq!(capped.span_of_freshness(Some(secs(9))), Some(secs(1)));
    }

    #[test]
    fn the_lead_is_bounded_by_half_a_life() {
        let check = |ahead: Option<u64>, life: u64, millis: u64| {
            let policy = Policy::default().with_refresh_ahead(ahead.map(secs));
            let expected = Duration::from_millis(millis);
            let lead = policy.lead(nanos(secs(life)));
            assert_eq!(lead, nanos(expected), "{ahead:?} {life}");
        };
        check(None, 300, 60_000);
        check(None, 21_600, 60_000);
        check(None, 10, 2_000);
        check(Some(0), 300, 0);
        check(Some(30), 300, 30_000);
        check(Some(200), 300, 150_000);
        check(Some(u64::MAX), 300, 150_000);
    }
}
