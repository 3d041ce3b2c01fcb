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
    /// Since when it is believed that none can: nobody was allowed, and another one was denied.
    denied: Option<Moment>,
    /// When room was made last.
    swept: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    asked: Moment,
    next: Option<UnixTime>,
    denied: bool,
}

impl Entry {
    fn is_due(&self, now: Moment, wall: UnixTime) -> bool {
        let passed = self.next.is_some_and(|next| next <= wall) && !self.denied;
        now.since(self.asked) >= if passed { HOUR } else { DAY }
    }
}

impl Dates {
    /// Chooses whom to ask about, if it is time to, and notes that somebody does: one that nobody has
    /// asked about, else the one that was asked about longest ago.
    ///
    /// It is time once a day, and once an hour after the date has passed, until there is another one.
    /// A denial holds for a day.
    pub(crate) fn choose<'r>(
        &self,
        now: Moment,
        wall: UnixTime,
        resources: &[&'r str],
    ) -> Option<&'r str> {
        let mut state = self.lock();
        if state.denied.is_some_and(|at| now.since(at) < DAY) {
            return None;
        }
        state.denied = None;
        let is_new = |state: &State, resource: &str| !state.known.contains_key(resource);
        let newcomer = resources.iter().copied().find(|one| is_new(&state, one));
        let chosen = match newcomer.filter(|_| state.has_room(now)) {
            Some(newcomer) => newcomer,
            None => {
                let due = resources.iter().copied().filter_map(|resource| {
                    let entry = state.known.get(resource)?;
                    entry.is_due(now, wall).then_some((entry.asked, resource))
                });
                due.min_by_key(|(asked, _)| *asked)?.1
            }
        };
        // Noted before the answer: a question that never ends is not put again and again.
        let entry = Entry {
            asked: now,
            next: None,
            denied: false,
        };
        state.known.entry(chosen.into()).or_insert(entry).asked = now;
        Some(chosen)
    }

    /// Notes the answer.
    pub(crate) fn note(&self, resource: &str, next: Option<UnixTime>) {
        let mut state = self.lock();
        state.allowed = true;
        if let Some(entry) = state.known.get_mut(resource) {
            entry.next = next;
            entry.denied = false;
        }
    }

    /// Notes that it was denied: for this secret, and for all if no other one was allowed. One that is
    /// denied again says nothing new about the others, so it does not stand in their way for ever.
    pub(crate) fn deny(&self, now: Moment, resource: &str) {
        let mut state = self.lock();
        let again = match state.known.get_mut(resource) {
            Some(entry) => std::mem::replace(&mut entry.denied, true),
            None => false,
        };
        if !state.allowed && !again {
            state.denied = Some(now);
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

impl State {
    /// Returns whether there is room for one more. What nobody has read for long makes room, but is
    /// looked for once a minute only; if there is none, the newcomer goes without.
    fn has_room(&mut self, now: Moment) -> bool {
        let swept = self.swept.is_some_and(|at| now.since(at) < MINUTE);
        if self.known.len() >= MOST_KNOWN && !swept {
            self.swept = Some(now);
            self.known
                .retain(|_, entry| now.since(entry.asked) < 2 * DAY);
        }
        self.known.len() < MOST_KNOWN
    }
}

const MINUTE: Duration = Duration::from_secs(60);
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

    fn claim(dates: &Dates, span: Duration, resource: &str) -> bool {
        let (now, wall) = later(span);
        dates.choose(now, wall, &[resource]).is_some()
    }

    #[test]
    fn a_date_is_asked_for_once_a_day_and_once_an_hour_when_it_has_passed() {
        let dates = Dates::default();
        let claim = |span| claim(&dates, span, "db");
        assert!(claim(Duration::ZERO));
        assert!(!claim(HOUR), "the question may still be on its way");
        let (_, date) = later(DAY + HOUR);
        dates.note("db", Some(date));
        assert_eq!(dates.until(WALL, "db"), Some(DAY + HOUR));
        assert!(!claim(DAY - HOUR));
        assert!(claim(DAY), "dates may be changed");
        assert_eq!(dates.until(WALL, "db"), Some(DAY + HOUR), "it is kept");
        dates.note("db", Some(date));
        assert!(claim(DAY + HOUR), "the date has come");
        assert!(!claim(DAY + HOUR + HOUR / 2));
        assert!(claim(DAY + 2 * HOUR), "the rotation is late");
        assert_eq!(dates.until(date, "db"), None);
    }

    #[test]
    fn whoever_was_never_asked_about_comes_first_and_then_whoever_was_longest_ago() {
        let dates = Dates::default();
        let choose = |span: Duration, resources: &[&'static str]| {
            let (now, wall) = later(span);
            dates.choose(now, wall, resources)
        };
        let all = ["a", "b", "c"];
        assert_eq!(choose(Duration::ZERO, &all), Some("a"));
        assert_eq!(choose(DAY, &all), Some("b"), "although `a` is due again");
        assert_eq!(choose(2 * DAY, &["c", "b", "a"]), Some("c"));
        assert_eq!(choose(3 * DAY, &["c", "b", "a"]), Some("a"));
        assert_eq!(choose(3 * DAY, &["c", "b", "a"]), Some("b"));
        assert_eq!(choose(3 * DAY, &["c", "b", "a"]), Some("c"));
        assert_eq!(choose(3 * DAY, &["c", "b", "a"]), None);
        assert_eq!(choose(3 * DAY, &[]), None);
    }

    #[test]
    fn where_it_is_denied_nobody_asks_for_a_day() {
        let dates = Dates::default();
        assert!(claim(&dates, Duration::ZERO, "one"));
        dates.deny(NOW, "one");
        assert!(!claim(&dates, DAY - HOUR, "one"));
        assert!(!claim(&dates, DAY - HOUR, "two"), "it is denied as a whole");
        assert!(
            claim(&dates, DAY, "two"),
            "the policy may have been changed"
        );
        dates.note("two", None);
        assert!(claim(&dates, DAY, "three"));
    }

    #[test]
    fn one_that_is_denied_does_not_stand_in_the_way_of_the_others_for_ever() {
        let dates = Dates::default();
        assert!(claim(&dates, Duration::ZERO, "closed"));
        dates.deny(NOW, "closed");
        // It comes first on each day, and is denied each time.
        let (now, _) = later(DAY);
        assert!(claim(&dates, DAY, "closed"));
        dates.deny(now, "closed");
        assert!(claim(&dates, DAY, "open"));
    }

    #[test]
    fn a_denial_of_one_secret_is_not_one_of_the_others_and_ends() {
        let dates = Dates::default();
        for resource in ["open", "closed"] {
            assert!(claim(&dates, Duration::ZERO, resource));
        }
        dates.note("open", None);
        dates.deny(NOW, "closed");
        assert!(claim(&dates, HOUR, "another"));
        assert!(!claim(&dates, DAY - HOUR, "closed"));
        assert!(claim(&dates, DAY, "closed"));
        let (_, date) = later(2 * DAY);
        dates.note("closed", Some(date));
        assert_eq!(dates.until(WALL, "closed"), Some(2 * DAY));
    }

    #[test]
    fn there_is_a_bound_and_what_nobody_reads_makes_room() {
        let dates = Dates::default();
        for index in 0..MOST_KNOWN {
            assert!(claim(&dates, Duration::ZERO, &index.to_string()));
        }
        assert!(!claim(&dates, Duration::ZERO, "one more"));
        assert_eq!(dates.lock().known.len(), MOST_KNOWN);
        let (now, wall) = later(DAY);
        let both = ["one more", "7"];
        assert_eq!(dates.choose(now, wall, &both), Some("7"), "it is known");
        // Room was just looked for, so it is not again.
        let late = 3 * DAY;
        dates.lock().swept = Some(later(late).0);
        assert!(!claim(&dates, late, "one more"));
        assert!(!claim(&dates, late + MINUTE / 2, "one more"));
        assert!(claim(&dates, late + MINUTE, "one more"));
        assert_eq!(dates.lock().known.len(), 1);
    }
}
