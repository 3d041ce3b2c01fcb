//! What was learned of each mount: which version of the KV engine it has, and when that was seen.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perennial_backend::Moment;

use crate::config::Engine;
use crate::place::Place;

/// Which engine each mount has, as far as it has shown.
#[derive(Debug, Default)]
pub(crate) struct Engines {
    seen: Mutex<HashMap<Key, Seen>>,
}

type Key = (Option<Box<str>>, Box<str>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    engine: Engine,
    at: Moment,
}

impl Engines {
    /// Returns the engine of a mount, where it has shown.
    pub(crate) fn engine(&self, place: &Place<'_>) -> Option<Engine> {
        self.seen().get(&key(place)).map(|seen| seen.engine)
    }

    /// Returns whether it is so long ago that a mount has shown its engine that it may be another
    /// one by now.
    pub(crate) fn is_old(&self, place: &Place<'_>, now: Moment) -> bool {
        let seen = self.seen().get(&key(place)).copied();
        seen.is_none_or(|seen| now.since(seen.at) > KEPT)
    }

    /// Notes what a mount has shown.
    pub(crate) fn learn(&self, place: &Place<'_>, engine: Engine, now: Moment) {
        let mut seen = self.seen();
        // References may name mounts where the vault allows it, and names are many.
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(key(place), Seen { engine, at: now });
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Key, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(place: &Place<'_>) -> Key {
    let namespace = place.namespace.as_deref().map(Into::into);
    (namespace, (*place.mount).into())
}

const MOST: usize = 1000;
const KEPT: Duration = Duration::from_secs(300);
