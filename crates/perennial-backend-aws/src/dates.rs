//! What is remembered of the dates of rotations, so that they are asked for rarely.
//!
//! It decides whom to ask about and keeps the answers; it asks nobody.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perennial_backend::{Moment, UnixTime};

/// The dates of rotations, by the name of the secret.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<Box<str>, Entry>,
    /// Whether any secret could be asked about.
    allowed: bool,
    /// Whether none can: the first one was denied.
    denied: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    asked: Moment,
    next: Option<UnixTime>,
    denied: bool,
}

impl Dates {
    /// Returns whether it is time to ask about a secret, and notes that somebody does.
    ///
    /// That is once a day; once an hour after the date has passed, until there is another one; and
    /// never again where it was denied.
    pub(crate) fn claim(&self, now: Moment, wall: UnixTime, resource: &str) -> bool {
        let mut state = self.lock();
        if state.denied {
            return false;
        }
        let mut next = None;
        if let Some(entry) = state.known.get(resource) {
            let passed = entry.next.is_some_and(|next| next <= wall);
            let pause = if passed { HOUR } else { DAY };
            if entry.denied || now.since(entry.asked) < pause {
                return false;
            }
            next = entry.next;
        } else if state.known.len() >= MOST_KNOWN {
            // What nobody has read for long makes room; if nothing does, the newcomer goes without.
            state
                .known
                .retain(|_, entry| now.since(entry.asked) < 2 * DAY);
            if state.known.len() >= MOST_KNOWN {
                return false;
            }
        }
        // Noted before the answer: a question that never ends is not put again and again.
        let entry = Entry {
            asked: now,
            next,
            denied: false,
        };
        state.known.insert(resource.into(), entry);
        true
    }

    /// Notes the answer.
    pub(crate) fn note(&self, resource: &str, next: Option<UnixTime>) {
        let mut state = self.lock();
        state.allowed = true;
        if let Some(entry) = state.known.get_mut(resource) {
            entry.next = next;
        }
    }

    /// Notes that it was denied: for this secret, or for all if no other one was allowed.
    pub(crate) fn deny(&self, resource: &str) {
        let mut state = self.lock();
        state.denied = !state.allowed;
        if let Some(entry) = state.known.get_mut(resource) {
            entry.denied = true;
        }
    }

    /// Returns how long after `wall` a secret will be rotated, as far as it is known.
    pub(crate) fn until(&self, wall: UnixTime, resource: &str) -> Option<Duration> {
        let next = self.lock().known.get(resource)?.next?;
        Some(next.since(wall)).filter(|span| !span.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Some 150 bytes each.
const MOST_KNOWN: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_nanos(1_000_000_000);
    const WALL: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn later(span: Duration) -> (Moment, UnixTime) {
        (NOW + span, WALL.saturating_add(span))
    }

    #[test]
    fn a_date_is_asked_for_once_a_day_and_once_an_hour_when_it_has_passed() {
        let dates = Dates::default();
        let claim = |span: Duration| {
            let (now, wall) = later(span);
            dates.claim(now, wall, "db")
        };
        assert!(claim(Duration::ZERO));
        assert!(!claim(HOUR), "the question may still be on its way");
        let (_, date) = later(DAY + HOUR);
        dates.note("db", Some(date));
        assert_eq!(dates.until(WALL, "db"), Some(DAY + HOUR));
        assert!(!claim(DAY - HOUR));
        assert!(claim(DAY), "dates may be changed");
        dates.note("db", Some(date));
        assert!(claim(DAY + HOUR), "the date has come");
        assert!(!claim(DAY + HOUR + HOUR / 2));
        assert!(claim(DAY + 2 * HOUR), "the rotation is late");
        assert_eq!(dates.until(date, "db"), None);
    }

    #[test]
    fn where_it_is_denied_nobody_asks_again() {
        let dates = Dates::default();
        assert!(dates.claim(NOW, WALL, "one"));
        dates.deny("one");
        let (now, wall) = later(9 * DAY);
        assert!(!dates.claim(now, wall, "one"));
        assert!(!dates.claim(now, wall, "two"), "it is denied as a whole");
    }

    #[test]
    fn a_denial_of_one_secret_is_not_one_of_the_others() {
        let dates = Dates::default();
        for resource in ["open", "closed"] {
            assert!(dates.claim(NOW, WALL, resource));
        }
        dates.note("open", None);
        dates.deny("closed");
        let (now, wall) = later(2 * DAY);
        assert!(dates.claim(now, wall, "open"));
        assert!(!dates.claim(now, wall, "closed"));
        assert!(dates.claim(now, wall, "another"));
    }

    #[test]
    fn there_is_a_bound_and_what_nobody_reads_makes_room() {
        let dates = Dates::default();
        for index in 0..MOST_KNOWN {
            assert!(dates.claim(NOW, WALL, &index.to_string()));
        }
        assert!(!dates.claim(NOW, WALL, "one more"));
        assert_eq!(dates.lock().known.len(), MOST_KNOWN);
        let (now, wall) = later(3 * DAY);
        assert!(dates.claim(now, wall, "one more"));
        assert_eq!(dates.lock().known.len(), 1);
    }
}
