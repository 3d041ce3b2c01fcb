//! What a machine must be able to do for a story to be told to it, and the real one.

use perennial_cache::{Facts, Failure, FailureClass, Lookup, Policy, Terms};
use perennial_clock::Moment;

/// A cache of one value, with its policy. Times are seconds.
pub(crate) trait Machine {
    /// An attempt that began at `started` brought a value.
    fn fetched(&mut self, now: u64, started: u64, value: &str);
    /// An attempt that began at `started` failed.
    fn failed(&mut self, now: u64, started: u64, class: FailureClass, retry_at: u64);
    /// What one of several readers gets.
    fn read(&mut self, reader: u8, now: u64) -> Seen;
    /// When the next attempt is due, in milliseconds.
    fn due(&self, jitter: u16) -> Option<u64>;
    /// All that it shows of itself.
    fn shown(&self, now: u64) -> String;
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) value: Option<String>,
    pub(crate) fresh: bool,
    pub(crate) age: Option<u64>,
    pub(crate) problem: Option<FailureClass>,
    pub(crate) fetch: bool,
}

/// The machine of this crate.
pub(crate) struct Real {
    policy: Policy,
    facts: Facts<String, String>,
}

impl Real {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            facts: Facts::new(),
        }
    }

    /// Until when the value is usable, in seconds.
    pub(crate) fn usable_until(&self) -> u64 {
        self.facts.usable_until(&self.policy).as_nanos() / 1_000_000_000
    }

    /// The value, whatever its age.
    pub(crate) fn last(&self) -> Option<&String> {
        self.facts.last()
    }
}

fn at(secs: u64) -> Moment {
    Moment::from_nanos(secs * 1_000_000_000)
}

impl Machine for Real {
    fn fetched(&mut self, now: u64, started: u64, value: &str) {
        let terms = Terms::default();
        self.facts
            .handle_fetched(at(now), at(started), value.to_owned(), terms);
    }

    fn failed(&mut self, now: u64, started: u64, class: FailureClass, retry_at: u64) {
        let detail = format!("cannot read {:?}", self.last());
        let failure = Failure::new(class, at(retry_at), detail);
        self.facts.handle_failed(at(now), at(started), failure);
    }

    fn read(&mut self, _reader: u8, now: u64) -> Seen {
        let lookup = self.facts.lookup(at(now), &self.policy);
        let age = match lookup {
            Lookup::Fresh { age, .. }
            | Lookup::Due { age, .. }
            | Lookup::Overdue { age, .. }
            | Lookup::Stale { age, .. }
            | Lookup::Expired { age, .. } => Some(age.as_secs()),
            _ => None,
        };
        Seen {
            value: lookup.value().cloned(),
            fresh: lookup.is_fresh(),
            age,
            problem: lookup.failed().map(|failed| failed.class()),
            fetch: lookup.wants_fetch(at(now)),
        }
    }

    fn due(&self, jitter: u16) -> Option<u64> {
        let due = self.facts.poll_timeout(&self.policy, jitter)?;
        Some(due.as_nanos() / 1_000_000)
    }

    fn shown(&self, now: u64) -> String {
        let lookup = self.facts.lookup(at(now), &self.policy);
        let failed = self.facts.failed();
        let answer = lookup.for_instant_reader();
        let wait = lookup.for_waiting_reader(at(now));
        format!("{:?} {lookup:?} {answer:?} {wait:?} {failed:?}", self.facts)
    }
}
