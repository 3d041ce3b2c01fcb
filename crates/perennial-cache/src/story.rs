//! How the tests of this crate tell a story: what happened when, and what readers then get.

use core::time::Duration;
use std::format;
use std::string::{String, ToString};

use perennial_clock::Moment;

use crate::{Answer, Facts, Failure, FailureClass, Lookup, Policy, Terms, Wait};

/// Something that happened; times are seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A fetch that began at the first moment brought a value at the second.
    Fetched(u64, u64, &'static str, Terms),
    /// A fetch that began at the first moment found the value unchanged at the second.
    Unchanged(u64, u64, Terms),
    /// An attempt that began at the first moment failed at the second; the last is the next one's.
    Failed(u64, u64, FailureClass, u64),
}

pub(crate) use Event::{Failed, Fetched, Unchanged};

pub(crate) type Held = Facts<&'static str, &'static str>;

pub(crate) const fn at(secs: u64) -> Moment {
    Moment::from_nanos(secs * 1_000_000_000)
}

pub(crate) const fn at_millis(millis: u64) -> Moment {
    Moment::from_nanos(millis * 1_000_000)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn hint(n: u64) -> Terms {
    Terms::default().with_ttl_hint(secs(n))
}

pub(crate) fn hard_end(n: u64) -> Terms {
    Terms::default().with_hard_end(secs(n))
}

pub(crate) fn tell(facts: &mut Held, event: Event) -> bool {
    match event {
        Fetched(started, now, value, terms) => {
            facts.handle_fetched(at(now), at(started), value, terms)
        }
        Unchanged(started, now, terms) => facts.handle_unchanged(at(now), at(started), terms),
        Failed(started, now, class, retry) => {
            let failure = Failure::new(class, at(retry), "why");
            facts.handle_failed(at(now), at(started), failure)
        }
    }
}

pub(crate) fn after(events: &[Event]) -> Held {
    let mut facts = Held::new();
    for event in events {
        tell(&mut facts, *event);
    }
    facts
}

/// The verdict's name.
pub(crate) fn name<V, F>(lookup: &Lookup<'_, V, F>) -> String {
    let shown = format!("{lookup:?}");
    shown.split(' ').next().unwrap_or_default().to_string()
}

/// What `load` gets, in words.
pub(crate) fn load(answer: &Answer<'_, &str, &str>) -> String {
    match answer {
        Answer::Fresh { value, .. } => format!("fresh {value}"),
        Answer::Stale {
            value,
            failed: Some(failed),
            ..
        } => format!("stale {value}: {:?}", failed.class()),
        Answer::Stale { value, .. } => format!("stale {value}"),
        Answer::Expired {
            failed: Some(failed),
            ..
        } => format!("expired: {:?}", failed.class()),
        Answer::Expired { .. } => "expired".to_string(),
        Answer::Failed { failed, .. } => format!("{:?}", failed.class()),
        Answer::NotYet => "not yet".to_string(),
    }
}

/// What `get` does, in words.
pub(crate) fn get(wait: &Wait<'_, &str, &str>) -> String {
    match wait {
        Wait::No(answer) => load(answer),
        Wait::ForFetch { otherwise } => format!("waits, else {}", load(otherwise)),
    }
}

/// One row: at this second the verdict has this name, `get` and `load` this result, and a fetch is
/// wanted or not.
pub(crate) type Row = (u64, &'static str, &'static str, &'static str, bool);

pub(crate) fn check(policy: Policy, events: &[Event], rows: &[Row]) {
    let facts = after(events);
    for (now, verdict, waiting, instant, fetch) in rows {
        let lookup = facts.lookup(at(*now), &policy);
        let got = (
            name(&lookup),
            get(&lookup.for_waiting_reader(at(*now))),
            load(&lookup.for_instant_reader()),
            lookup.wants_fetch(at(*now)),
        );
        let expected = (
            verdict.to_string(),
            waiting.to_string(),
            instant.to_string(),
            *fetch,
        );
        assert_eq!(got, expected, "at {now}, {policy:?}, {events:#?}");
    }
}
