//! How many calls of a vault there may be: at the same time, and in a span of time.

use core::time::Duration;

use perennial_clock::Moment;

/// The limits of one vault's calls.
///
/// A rate is kept as a bucket of tokens: a call takes one, and tokens come back evenly up to the
/// size of the bucket, which is what may be made in a second. So in any span of `n` seconds no more
/// calls start than in `n + 1` seconds of the rate. Order of use: [`start`](Self::start) before a call and
/// [`finish`](Self::finish) after it.
#[derive(Clone, Debug)]
pub struct Budget {
    at_once: u32,
    running: u32,
    /// How long a token takes to come back.
    spacing: Duration,
    /// How many tokens there can be.
    burst: u32,
    /// The moment at which the bucket was, or will be, full.
    full_at: Moment,
}

/// Whether a call may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// It may, and counts as started.
    Now,
    /// It may not before this moment, when a token will be back. The moment lies ahead always.
    NotBefore(Moment),
    /// It may not before another call has ended.
    WhenOneEnds,
}

impl Budget {
    /// How many calls of a vault run at the same time by default.
    pub const AT_ONCE: u32 = 8;

    /// How many calls of a vault are made in a second by default.
    pub const PER_SECOND: u32 = 100;

    /// Makes limits; zeros count as ones.
    #[must_use]
    pub fn new(at_once: u32, per_second: u32) -> Self {
        let per_second = per_second.max(1);
        Self {
            at_once: at_once.max(1),
            running: 0,
            // Rounded up: never a nanosecond too early.
            spacing: Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(per_second))),
            burst: per_second,
            full_at: Moment::ORIGIN,
        }
    }

    /// Returns how many calls are running.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.running
    }

    /// Asks for leave to start a call now.
    pub fn start(&mut self, now: Moment) -> Start {
        if self.running >= self.at_once {
            return Start::WhenOneEnds;
        }
        // Each token that is out pushes the moment at which all are back.
        let full_at = self.full_at.max(now) + self.spacing;
        let room = self.spacing.saturating_mul(self.burst);
        if full_at.since(now) > room {
            return Start::NotBefore(full_at - room);
        }
        self.full_at = full_at;
        self.running += 1;
        Start::Now
    }

    /// Says that a call has ended.
    pub fn finish(&mut self) {
        self.running = self.running.saturating_sub(1);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Self::AT_ONCE, Self::PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(100) + Duration::from_millis(millis)
    }

    #[test]
    fn no_more_run_at_once_than_may() {
        let mut budget = Budget::new(2, 100);
        assert_eq!(budget.start(at(0)), Start::Now);
        assert_eq!(budget.start(at(0)), Start::Now);
        assert_eq!(budget.start(at(0)), Start::WhenOneEnds);
        budget.finish();
        assert_eq!(budget.start(at(0)), Start::Now);
        assert_eq!(budget.running(), 2);
    }

    #[test]
    fn no_more_are_made_in_a_second_than_may() {
        let mut budget = Budget::new(1000, 10);
        let mut made = 0;
        for millis in 0..10_000 {
            while budget.start(at(millis)) == Start::Now {
                made += 1;
                budget.finish();
            }
        }
        assert_eq!(made, 10 + 99);
        let Start::NotBefore(moment) = budget.start(at(9999)) else {
            panic!("a token was left")
        };
        assert_eq!(moment, at(10_000));
        assert_eq!(budget.start(moment), Start::Now);
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_is_not_exceeded() {
        for rate in [3, 7, 999, 1_000_000_007, u32::MAX] {
            let mut budget = Budget::new(1, rate);
            let span = budget.spacing * rate;
            assert!(span >= Duration::from_secs(1), "{rate}: {span:?}");
            assert_eq!(budget.start(at(0)), Start::Now);
        }
    }

    #[test]
    fn zeros_are_ones_and_a_call_that_never_started_ends_nothing() {
        let mut budget = Budget::new(0, 0);
        budget.finish();
        assert_eq!(budget.running(), 0);
        assert_eq!(budget.start(at(0)), Start::Now);
        assert_eq!(budget.start(at(0)), Start::WhenOneEnds);
        budget.finish();
        assert_eq!(budget.start(at(1)), Start::NotBefore(at(1000)));
        assert_eq!(budget.start(at(1000)), Start::Now);
    }

    #[test]
    fn who_is_refused_spends_nothing() {
        let mut budget = Budget::new(1000, 1);
        assert_eq!(budget.start(at(0)), Start::Now);
        for millis in 1..1000 {
            assert_eq!(budget.start(at(millis)), Start::NotBefore(at(1000)));
        }
        assert_eq!((budget.running(), budget.start(at(1000))), (1, Start::Now));
    }

    #[test]
    fn the_end_of_the_scale_stops_nothing() {
        let mut budget = Budget::new(1000, 10);
        assert_eq!(budget.start(Moment::MAX), Start::Now);
        // A clock that is said to have gone back is no reason to make more calls.
        assert!(matches!(budget.start(at(0)), Start::NotBefore(late) if late > at(0)));
    }

    #[test]
    fn a_bucket_that_was_left_alone_is_full_and_no_fuller() {
        let mut budget = Budget::new(1000, 5);
        let burst =
            |budget: &mut Budget, now| (0..20).filter(|_| budget.start(now) == Start::Now).count();
        assert_eq!(burst(&mut budget, at(0)), 5);
        assert_eq!(burst(&mut budget, at(1_000_000)), 5);
    }
}
