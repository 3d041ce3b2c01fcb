//! Whether a vault is worth a call at all, after failures that say something about all of it.

use core::time::Duration;

use perennial_clock::Moment;

use crate::Jitter;

/// Stops the calls of a vault whose store is down, but for a probe now and then.
///
/// Closed, every call passes. After [`TRIP`](Self::TRIP) failures in a row, or one with which the
/// store asks for a pause, it opens: nothing passes but a probe, first after a second, then at twice
/// the distance of the one before, up to a minute, each up to a quarter sooner. A success closes it,
/// whichever call it is of. Only failures that say something about the whole vault are told to it:
/// unreachable, no answer in time, not logged in, throttled.
///
/// So between two successes no more calls are made than `at_once + 10`, and 80 in each hour, where
/// `at_once` is how many calls run at the same time: what fails until it opens and what was under
/// way by then, the first probes, and one probe in 45 seconds at the most.
///
/// Order of use: [`pass`](Self::pass) before a call, and after every call that was made either
/// [`handle_success`](Self::handle_success) or [`handle_failure`](Self::handle_failure). One that
/// was cancelled is a failure too: who cancels each probe would otherwise make any number of them.
/// Asking [`poll_timeout`](Self::poll_timeout) too often is harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row; of those while it is open, only the probes'.
    failures: u32,
    /// When the next probe may pass, while open.
    probe_at: Option<Moment>,
    /// Whether a probe is under way.
    probing: bool,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pass {
    /// Yes.
    Yes,
    /// Yes, as the probe on which all others wait.
    Probe,
    /// No: it is worth asking again at this moment, or when the probe that is under way has ended.
    /// The moment lies ahead always.
    NotBefore(Moment),
}

impl Breaker {
    /// How many failures in a row open it.
    pub const TRIP: u32 = 5;

    /// Makes a closed breaker.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.probe_at.is_some()
    }

    /// Asks for leave to make a call now. A probe that gets leave has to be made, or
    /// [abandoned](Self::handle_abandoned).
    pub fn pass(&mut self, now: Moment) -> Pass {
        match self.probe_at {
            None => Pass::Yes,
            Some(at) if self.probing => Pass::NotBefore(at.max(now + FIRST_PROBE)),
            Some(at) if now >= at => {
                self.probing = true;
                Pass::Probe
            }
            Some(at) => Pass::NotBefore(at),
        }
    }

    /// Says that a call brought an answer, whatever that was about its secret.
    pub fn handle_success(&mut self) {
        *self = Self::default();
    }

    /// Says that a call failed in a way that is about the whole vault. `pause` is how long the
    /// store wants to be left alone: no call passes before that, though after an hour at the latest.
    ///
    /// While a probe is under way, the first failure counts as the probe's, whichever call it is of.
    pub fn handle_failure(&mut self, now: Moment, pause: Option<Duration>, jitter: Jitter) {
        // Calls that were under way when it opened do not postpone the probe.
        let late = self.is_open() && !self.probing;
        self.probing = false;
        if !late {
            self.failures = self.failures.saturating_add(1);
            if pause.is_some() {
                self.failures = self.failures.max(Self::TRIP);
            }
        }
        let own = match self.failures.checked_sub(Self::TRIP) {
            Some(probes) if !late => {
                let factor = 1_u32.checked_shl(probes).unwrap_or(u32::MAX);
                let span = FIRST_PROBE.saturating_mul(factor).min(LAST_PROBE);
                Some(jitter.between(span - span / 4, span))
            }
            _ => None,
        };
        let pause = pause.map(|span| span.min(LONGEST_PAUSE));
        if let Some(span) = own.max(pause) {
            self.probe_at = Some((now + span).max(self.probe_at.unwrap_or(Moment::ORIGIN)));
        }
    }

    /// Says that a probe that had leave is not made after all, as when the vault's budget is spent.
    /// It may be made again at once.
    ///
    /// Leave for any other call may go unused without a word.
    pub fn handle_abandoned(&mut self) {
        self.probing = false;
    }

    /// Returns when a probe may pass, while it is open and none is under way.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.probe_at.filter(|_| !self.probing)
    }
}

/// The distance of the first probe, and the longest distance of two probes.
const FIRST_PROBE: Duration = Duration::from_secs(1);
const LAST_PROBE: Duration = Duration::from_secs(60);

/// The longest pause that a store is granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::ORIGIN + Duration::from_millis(millis)
    }

    fn tripped() -> Breaker {
        let mut breaker = Breaker::new();
        for _ in 0..Breaker::TRIP {
            assert_eq!(breaker.pass(at(0)), Pass::Yes);
            breaker.handle_failure(at(0), None, Jitter::NONE);
        }
        assert!(breaker.is_open());
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_others_do_not() {
        let mut breaker = Breaker::new();
        for _ in 1..Breaker::TRIP {
            breaker.handle_failure(at(0), None, Jitter::NONE);
        }
        assert_eq!((breaker.is_open(), breaker.poll_timeout()), (false, None));
        breaker.handle_success();
        for _ in 1..Breaker::TRIP {
            breaker.handle_failure(at(0), None, Jitter::NONE);
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn while_open_one_probe_passes_at_a_time_and_ever_more_seldom() {
        let mut breaker = tripped();
        let mut now = at(0);
        for expected in [750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000] {
            let probe_at = breaker.poll_timeout().unwrap();
            assert_eq!(probe_at.since(now), Duration::from_millis(expected));
            assert_eq!(breaker.pass(now), Pass::NotBefore(probe_at));
            now = probe_at;
            assert_eq!(breaker.pass(now), Pass::Probe);
            assert_eq!(breaker.pass(now), Pass::NotBefore(now + FIRST_PROBE));
            assert_eq!(breaker.poll_timeout(), None);
            breaker.handle_failure(now, None, Jitter::NONE);
        }
        now = breaker.poll_timeout().unwrap();
        assert_eq!(breaker.pass(now), Pass::Probe);
        breaker.handle_success();
        assert_eq!(breaker, Breaker::new());
    }

    #[test]
    fn calls_that_were_under_way_do_not_postpone_the_probe() {
        let mut breaker = tripped();
        let probe_at = breaker.poll_timeout();
        breaker.handle_failure(at(100), None, Jitter::NONE);
        breaker.handle_failure(at(200), None, Jitter::NONE);
        assert_eq!(breaker.poll_timeout(), probe_at);
    }

    #[test]
    fn a_probe_that_is_not_made_after_all_may_be_made_at_once() {
        let mut breaker = tripped();
        let probe_at = breaker.poll_timeout().unwrap();
        assert_eq!(breaker.pass(probe_at), Pass::Probe);
        breaker.handle_abandoned();
        assert_eq!(breaker.poll_timeout(), Some(probe_at));
        assert_eq!(breaker.pass(probe_at), Pass::Probe);
        breaker.handle_failure(probe_at, None, Jitter::NONE);
        assert_eq!(breaker.poll_timeout(), Some(at(750 + 1500)));
    }

    #[test]
    fn a_success_of_whichever_call_closes_it() {
        let mut breaker = tripped();
        breaker.handle_success();
        assert_eq!(breaker.pass(at(0)), Pass::Yes);

        let mut breaker = tripped();
        assert_eq!(breaker.pass(at(750)), Pass::Probe);
        breaker.handle_success();
        assert_eq!(breaker.pass(at(750)), Pass::Yes);
        // The probe itself failed after all: that is the first failure in a row.
        breaker.handle_failure(at(800), None, Jitter::NONE);
        assert_eq!(breaker.pass(at(800)), Pass::Yes);
    }

    #[test]
    fn the_failure_of_another_call_during_a_probe_keeps_the_distance() {
        let mut breaker = tripped();
        assert_eq!(breaker.pass(at(750)), Pass::Probe);
        breaker.handle_failure(at(1000), None, Jitter::NONE);
        assert_eq!(breaker.pass(at(1000)), Pass::NotBefore(at(2500)));
        // The probe ends: nothing new.
        breaker.handle_failure(at(2000), None, Jitter::NONE);
        assert_eq!(breaker.poll_timeout(), Some(at(2500)));
    }

    #[test]
    fn jitter_makes_probes_at_most_a_quarter_later() {
        let most = Jitter::new(u64::MAX);
        let mut breaker = Breaker::new();
        for _ in 0..Breaker::TRIP {
            breaker.handle_failure(at(0), None, most);
        }
        let mut now = at(0);
        for expected in [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
            let probe_at = breaker.poll_timeout().unwrap();
            let distance = probe_at.since(now).as_millis();
            assert!((expected - 1..=expected).contains(&distance), "{distance}");
            now = probe_at;
            assert_eq!(breaker.pass(now), Pass::Probe);
            breaker.handle_failure(now, None, most);
        }
    }

    #[test]
    fn a_pause_that_the_store_asks_for_holds_at_once_and_for_everybody() {
        let mut breaker = Breaker::new();
        breaker.handle_failure(at(0), Some(Duration::from_secs(7)), Jitter::NONE);
        assert_eq!(breaker.pass(at(6999)), Pass::NotBefore(at(7000)));
        assert_eq!(breaker.pass(at(7000)), Pass::Probe);
        breaker.handle_success();
        assert_eq!(breaker.pass(at(7001)), Pass::Yes);
        breaker.handle_failure(at(8000), Some(Duration::MAX), Jitter::NONE);
        assert_eq!(
            breaker.poll_timeout(),
            Some(at(8000) + Duration::from_secs(3600))
        );
    }

    #[test]
    fn a_pause_is_no_shorter_than_the_distance_of_the_probes() {
        let mut breaker = Breaker::new();
        breaker.handle_failure(at(0), Some(Duration::ZERO), Jitter::NONE);
        assert_eq!(breaker.poll_timeout(), Some(at(750)));
        assert_eq!(breaker.pass(at(750)), Pass::Probe);
        breaker.handle_failure(at(750), Some(Duration::from_millis(1)), Jitter::NONE);
        assert_eq!(breaker.poll_timeout(), Some(at(2250)));
    }

    #[test]
    fn what_fails_after_a_pause_is_not_tried_again_at_once() {
        let mut breaker = Breaker::new();
        breaker.handle_failure(at(0), Some(Duration::from_secs(7)), Jitter::NONE);
        assert_eq!(breaker.pass(at(7000)), Pass::Probe);
        breaker.handle_failure(at(7000), None, Jitter::NONE);
        assert_eq!(breaker.pass(at(7000)), Pass::NotBefore(at(8500)));
    }

    #[test]
    fn calls_that_were_under_way_lengthen_a_pause_and_never_shorten_it() {
        let mut breaker = tripped();
        for (seconds, expected) in [(30, 30_100), (5, 30_100), (40, 40_100)] {
            breaker.handle_failure(at(100), Some(Duration::from_secs(seconds)), Jitter::NONE);
            assert_eq!(breaker.poll_timeout(), Some(at(expected)));
        }
        assert_eq!(breaker.pass(at(40_100)), Pass::Probe);
        breaker.handle_failure(at(40_100), None, Jitter::NONE);
        assert_eq!(breaker.poll_timeout(), Some(at(41_600)));
    }
}
