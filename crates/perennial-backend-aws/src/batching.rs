//! What is remembered of batches: whether they are to be had, and what spoils them. Nothing is sent
//! here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perennial_backend::Moment;

/// Whether to read in batches.
#[derive(Debug, Default)]
pub(crate) struct Batching {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    refused_at: Option<Moment>,
    /// What is read alone, since it may have spoiled a batch, and since when.
    apart: HashMap<Box<str>, Moment>,
}

impl Batching {
    /// Returns whether to try; a refusal is remembered for an hour.
    pub(crate) fn is_worth_trying(&self, now: Moment) -> bool {
        let mut state = self.lock();
        match state.refused_at {
            Some(at) if now.since(at) < FORGIVEN_AFTER => false,
            _ => {
                state.refused_at = None;
                true
            }
        }
    }

    /// Notes that there are no batches.
    pub(crate) fn refuse(&self, now: Moment) {
        self.lock().refused_at = Some(now);
    }

    /// Returns whether a secret is to be read alone.
    pub(crate) fn is_apart(&self, now: Moment, resource: &str) -> bool {
        let state = self.lock();
        let since = state.apart.get(resource);
        since.is_some_and(|at| now.since(*at) < FORGIVEN_AFTER)
    }

    /// Notes that a secret may have spoiled a batch; it is read alone for an hour.
    pub(crate) fn set_apart(&self, now: Moment, resource: &str) {
        let mut state = self.lock();
        if state.apart.len() >= MOST_APART {
            state.apart.retain(|_, at| now.since(*at) < FORGIVEN_AFTER);
        }
        if state.apart.len() < MOST_APART {
            state.apart.insert(resource.into(), now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FORGIVEN_AFTER: Duration = Duration::from_secs(3600);

/// What is beyond goes on spoiling batches, which are then read singly, as if nothing were known.
const MOST_APART: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_nanos(1);

    #[test]
    fn a_refusal_is_remembered_for_an_hour() {
        let batching = Batching::default();
        assert!(batching.is_worth_trying(NOW));
        batching.refuse(NOW);
        assert!(!batching.is_worth_trying(NOW + FORGIVEN_AFTER / 2));
        assert!(batching.is_worth_trying(NOW + FORGIVEN_AFTER));
        assert!(batching.is_worth_trying(NOW));
    }

    #[test]
    fn what_spoils_batches_is_apart_for_an_hour_and_there_is_a_bound() {
        let batching = Batching::default();
        batching.set_apart(NOW, "odd");
        assert!(batching.is_apart(NOW + FORGIVEN_AFTER / 2, "odd"));
        assert!(!batching.is_apart(NOW, "db"));
        assert!(!batching.is_apart(NOW + FORGIVEN_AFTER, "odd"));
        for index in 0..2 * MOST_APART {
            batching.set_apart(NOW, &index.to_string());
        }
        assert_eq!(batching.lock().apart.len(), MOST_APART);
        assert!(!batching.is_apart(NOW, "1999"));
        let later = NOW + FORGIVEN_AFTER;
        batching.set_apart(later, "late");
        assert!(batching.is_apart(later, "late"));
        assert_eq!(batching.lock().apart.len(), 1);
    }
}
