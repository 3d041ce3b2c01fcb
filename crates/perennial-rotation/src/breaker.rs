//! Whether a vault is worth a call at all, after failures that say something about all of it.

use core::time::Duration;

use perennial_clock::Moment;

use crate::Jitter;

/// Stops the calls of a vault whose store is down, but for a probe now and then.
///
/// Closed, every call passes. After [`TRIP`](Self::TRIP) failures in a row it opens: nothing passes
/// but one probe at a time, first after a second, then at twice the distance of the one before, up
/// to a minute. A success closes it. Only failures that say something about the whole vault are
/// told to it: unreachable, no answer in time, not logged in, throttled.
///
/// Order of use: [`pass`](Self::pass) before a call, then exactly one of
/// [`handle_success`](Self::handle_success), [`handle_failure`](Self::handle_failure) and
/// [`handle_abandoned`](Self::handle_abandoned) after it. Asking
/// [`poll_timeout`](Self::poll_timeout) too often is harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row.
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
    /// Not before this moment, or not before the probe that is under way has ended.
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

    /// Asks for leave to make a call now. A probe that gets leave has to be made.
    pub fn pass(&mut self, now: Moment) -> Pass {
        match self.probe_at {
            None => Pass::Yes,
            Some(at) if self.probing => Pass::NotBefore(at.max(now)),
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
    /// store wants to be left alone: no call passes before that.
    pub fn handle_failure(&mut self, now: Moment, pause: Option<Duration>, jitter: Jitter) {
        // Calls that were under way when it opened do not postpone the probe.
        let late = self.is_open() && !self.probing;
        self.probing = false;
        if !late {
            self.failures = self.failures.saturating_add(1);
        }
        let own = match self.failures.checked_sub(Self::TRIP) {
            None => None,
            Some(_) if late => self.probe_at.map(|at| at.since(now)),
            Some(probes) => {
                let factor = 1_u32.checked_shl(probes).unwrap_or(u32::MAX);
                let span = FIRST_PROBE.saturating_mul(factor).min(LAST_PROBE);
                Some(jitter.between(span - span / 4, span))
            }
        };
        let pause = pause.map(|span| span.min(LONGEST_PAUSE));
        if let Some(span) = own.max(pause) {
            self.probe_at = Some((now + span).max(self.probe_at.unwrap_or(Moment::ORIGIN)));
        }
    }

    /// Says that a call came to no end: it was cancelled. A probe may be made again at once.
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
            assert_eq!(breaker.pass(now), Pass::NotBefore(now));
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
    fn a_probe_that_came_to_no_end_may_be_made_again() {
        let mut breaker = tripped();
        let probe_at = breaker.poll_timeout().unwrap();
        assert_eq!(breaker.pass(probe_at), Pass::Probe);
        breaker.handle_abandoned();
        assert_eq!(breaker.pass(probe_at), Pass::Probe);
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
}
