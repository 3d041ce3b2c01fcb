//! Machines that carry one of the original's defects each, and are right in all else.

use std::time::Duration;

use perennial_cache::{FailureClass, Policy};

use crate::machine::{Machine, Real, Seen};

/// The period of the original's one timer.
const TICK: u64 = 60;
/// Below this remaining life the original gives a value up.
const LEAST: u64 = 120;

/// The real machine, bent in one place.
pub(crate) struct Original {
    defect: u8,
    real: Real,
    policy: Policy,
    /// The first reader's own copy, and until when it lives.
    copy: Option<(String, u64)>,
    lost: bool,
    reads_since_failure: u32,
}

impl Original {
    pub(crate) fn new(defect: u8, policy: Policy) -> Self {
        let resurrect = policy.resurrect_ttl().unwrap_or(Policy::RESURRECT_TTL);
        let bent = match defect {
            3 => policy.with_resurrect_ttl(resurrect.saturating_sub(Duration::from_secs(LEAST))),
            6 => policy.with_neg_ttl(Duration::from_secs(TICK)),
            20 => policy.with_ttl(Duration::ZERO),
            _ => policy,
        };
        Self {
            defect,
            real: Real::new(bent),
            policy,
            copy: None,
            lost: false,
            reads_since_failure: 0,
        }
    }

    fn nothing(seen: &Seen) -> Seen {
        Seen {
            value: None,
            fresh: false,
            age: None,
            ..seen.clone()
        }
    }
}

impl Machine for Original {
    fn fetched(&mut self, now: u64, started: u64, value: &str) {
        if self.defect == 10 && self.real.read(1, now).fresh {
            return;
        }
        self.real.fetched(now, started, value);
        self.lost = false;
        if self.copy.is_none() {
            self.copy = Some((value.to_owned(), self.real.usable_until()));
        }
    }

    fn failed(&mut self, now: u64, started: u64, class: FailureClass, retry_at: u64) {
        self.lost |= match self.defect {
            4 => self.real.usable_until().saturating_sub(now) <= LEAST,
            9 => true,
            _ => false,
        };
        let class = if self.defect == 7 {
            FailureClass::Unavailable
        } else {
            class
        };
        self.real.failed(now, started, class, retry_at);
        self.reads_since_failure = 0;
    }

    fn read(&mut self, reader: u8, now: u64) -> Seen {
        let mut seen = self.real.read(reader, now);
        self.reads_since_failure += 1;
        if self.lost {
            return Self::nothing(&seen);
        }
        match (self.defect, &self.copy) {
            (5, Some((value, until))) if reader == 0 && now < *until => {
                seen.value = Some(value.clone());
            }
            (8, _) if seen.value.is_some() => {
                seen.fresh = true;
                seen.problem = None;
            }
            (14, _) if self.reads_since_failure > 1 => seen.problem = None,
            (18, _) => seen.value = seen.value.or(Some(String::new())),
            _ => {}
        }
        seen
    }

    fn due(&self, jitter: u16) -> Option<u64> {
        if self.defect != 1 {
            return self.real.due(jitter);
        }
        let tick = TICK * 1_000;
        Some(self.real.due(0)?.div_ceil(tick) * tick)
    }

    fn shown(&self, now: u64) -> String {
        let shown = self.real.shown(now);
        match self.defect {
            17 => format!("{shown} {:?} {:?}", self.policy, self.real.last()),
            _ => shown,
        }
    }
}
