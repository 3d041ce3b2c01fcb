//! What was learned of each mount: which version of the KV engine it has, and when it was asked.

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
    /// Held while a mount is asked, so that many who begin at once ask once.
    pub(crate) asking: tokio::sync::Mutex<()>,
}

type Key = (Option<Box<str>>, Box<str>);

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    engine: Option<Engine>,
    /// When the mount was last asked, whatever it said.
    asked_at: Option<Moment>,
}

impl Engines {
    /// Returns the engine of a mount, where it has shown.
    pub(crate) fn engine(&self, place: &Place<'_>) -> Option<Engine> {
        self.seen().get(&key(place))?.engine
    }

    /// Returns whether it is so long ago that a mount was asked that it may say something else by
    /// now.
    pub(crate) fn may_be_asked(&self, place: &Place<'_>, now: Moment) -> bool {
        let asked_at = self.seen().get(&key(place)).and_then(|seen| seen.asked_at);
        asked_at.is_none_or(|at| now.since(at) > KEPT)
    }

    /// Notes which engine a mount has shown.
    pub(crate) fn learn(&self, place: &Place<'_>, engine: Engine) {
        self.note(place, |seen| seen.engine = Some(engine));
    }

    /// Notes that a mount was asked, and what it said; nothing if it may not be asked.
    pub(crate) fn was_asked(&self, place: &Place<'_>, engine: Option<Engine>, now: Moment) {
        self.note(place, |seen| {
            seen.engine = engine.or(seen.engine);
            seen.asked_at = Some(now);
        });
    }

    fn note(&self, place: &Place<'_>, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen();
        // References may name mounts where the vault allows it, and names are many.
        if seen.len() >= MOST {
            seen.clear();
        }
        change(seen.entry(key(place)).or_default());
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
