//! How long to wait after a failure before the same thing is asked for again.

use core::time::Duration;

use crate::Jitter;

/// What a failure says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// The store asks for fewer calls.
    Throttled,
    /// The store refuses, which only somebody's change will mend.
    Denied,
    /// The answer makes no sense, which only somebody's change will mend.
    Invalid,
    /// The store cannot be reached.
    Unavailable,
}

/// Computes delays, exponentially longer from one failure in a row to the next.
///
/// | trouble | first | at most | with |
/// | --- | --- | --- | --- |
/// | unavailable | 1 s | 60 s | up to half of it less |
/// | throttled | what the store asked for, at least 1 s, else 5 s | 1 h, else 60 s | up to a tenth of it more |
/// | denied, invalid | 60 s | 10 min | up to a quarter of it more |
///
/// An unavailable store is asked again after no less than a second, and what was denied or made no
/// sense no more than once a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff;

impl Backoff {
    /// Makes the usual back-off.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Returns how long to wait after the `failures`th failure in a row, the first being 1.
    ///
    /// `asked` is how long the store itself wants to be left alone. It is honoured whatever the
    /// trouble is, up to an hour; that it may be asked again at once is not believed.
    #[must_use]
    pub fn delay(
        self,
        trouble: Trouble,
        failures: u32,
        asked: Option<Duration>,
        jitter: Jitter,
    ) -> Duration {
        let doubled = |first: Duration, most: Duration| {
            let factor = 1_u32
                .checked_shl(failures.saturating_sub(1))
                .unwrap_or(u32::MAX);
            first.saturating_mul(factor).min(most)
        };
        let own = match trouble {
            Trouble::Unavailable => {
                let span = doubled(SECOND, MINUTE);
                jitter.between((span / 2).max(SECOND), span)
            }
            Trouble::Throttled => {
                let span = doubled(5 * SECOND, MINUTE);
                jitter.between(span, span + span / 10)
            }
            Trouble::Denied | Trouble::Invalid => {
                let span = doubled(MINUTE, 10 * MINUTE);
                jitter.between(span, span + span / 4)
            }
        };
        match asked.map(|span| span.clamp(SECOND, 60 * MINUTE)) {
            Some(span) if trouble == Trouble::Throttled => jitter.between(span, span + span / 10),
            Some(span) => own.max(span),
            None => own,
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the shortest and the longest delay, in milliseconds.
    #[track_caller]
    fn check(trouble: Trouble, failures: u32, asked: Option<u64>, expected: (u64, u64)) {
        let asked = asked.map(Duration::from_secs);
        let delay = |jitter| {
            Backoff::new()
                .delay(trouble, failures, asked, jitter)
                .as_millis()
        };
        let found = (delay(Jitter::NONE), delay(Jitter::new(u64::MAX)));
        assert_eq!(found, (u128::from(expected.0), u128::from(expected.1)));
    }

    #[test]
    fn an_unavailable_store_is_asked_after_a_second_and_then_ever_more_seldom() {
        check(Trouble::Unavailable, 0, None, (1000, 1000));
        check(Trouble::Unavailable, 1, None, (1000, 1000));
        check(Trouble::Unavailable, 2, None, (1000, 1999));
        check(Trouble::Unavailable, 3, None, (2000, 3999));
        check(Trouble::Unavailable, 6, None, (16_000, 31_999));
        check(Trouble::Unavailable, 7, None, (30_000, 59_999));
        check(Trouble::Unavailable, u32::MAX, None, (30_000, 59_999));
    }

    #[test]
    fn what_was_refused_is_asked_for_no_more_than_once_a_minute() {
        for trouble in [Trouble::Denied, Trouble::Invalid] {
            check(trouble, 1, None, (60_000, 74_999));
            check(trouble, 2, None, (120_000, 149_999));
            check(trouble, 5, None, (600_000, 749_999));
            check(trouble, 500, None, (600_000, 749_999));
        }
    }

    #[test]
    fn a_store_that_says_when_is_left_alone_until_then() {
        check(Trouble::Throttled, 1, None, (5000, 5499));
        check(Trouble::Throttled, 9, None, (60_000, 65_999));
        check(Trouble::Throttled, 9, Some(2), (2000, 2199));
        check(Trouble::Throttled, 1, Some(90), (90_000, 98_999));
        check(
            Trouble::Throttled,
            1,
            Some(1_000_000),
            (3_600_000, 3_959_999),
        );
        check(Trouble::Throttled, 3, Some(0), (1000, 1099));
        check(Trouble::Denied, 1, Some(0), (60_000, 74_999));
        check(Trouble::Unavailable, 1, Some(30), (30_000, 30_000));
        check(Trouble::Unavailable, 9, Some(3), (30_000, 59_999));
    }
}
