//! What happened and was not looked at yet: each resource once, however often it was touched.
//!
//! Events come in on the thread of the watcher, which must not wait: here they are sorted, and
//! nothing is asked of the file system.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, EventHandler};

use super::map::Map;

/// What happened, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    map: Map,
    work: Work,
    waiting: Option<Waker>,
}

/// What is to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Resources that were touched, or are held only now, or no longer.
    pub(crate) stale: BTreeSet<Arc<str>>,
    /// Directories that may have gone from where they were.
    pub(crate) moved: BTreeSet<PathBuf>,
    /// Nobody knows where something happened.
    pub(crate) everything: bool,
    /// Something happened of which nothing was told.
    pub(crate) lost: bool,
}

impl Queue {
    /// Says that a resource is to be looked at.
    pub(crate) fn stale(&self, name: &Arc<str>) {
        self.add(|_, work| {
            work.stale.insert(Arc::clone(name));
        });
    }

    /// Takes what is to be looked at, if there is anything; if not, the waker is woken later.
    pub(crate) fn take(&self, waker: &Waker) -> Option<Work> {
        let mut state = self.state();
        if state.work.is_empty() {
            state.waiting = Some(waker.clone());
            return None;
        }
        Some(std::mem::take(&mut state.work))
    }

    /// Changes which places belong to which resources.
    pub(crate) fn remap(&self, change: impl FnOnce(&mut Map)) {
        change(&mut self.state().map);
    }

    /// Sorts what a watcher tells.
    fn sort(&self, told: notify::Result<Event>) {
        self.add(|map, work| match told {
            Err(_) => work.lost = true,
            Ok(event) if event.need_rescan() => work.lost = true,
            Ok(event) if !is_change(&event.kind) => {}
            Ok(event) if event.paths.is_empty() => work.everything = true,
            Ok(event) => {
                let moves = may_move(&event.kind);
                for path in event.paths {
                    work.stale.extend(map.touched(&path).cloned());
                    if moves && map.is_point(&path) {
                        work.moved.insert(path);
                    }
                }
            }
        });
    }

    fn add(&self, change: impl FnOnce(&Map, &mut Work)) {
        let mut guard = self.state();
        let state = &mut *guard;
        change(&state.map, &mut state.work);
        let waiting = match state.work.is_empty() {
            true => None,
            false => state.waiting.take(),
        };
        drop(guard);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    fn is_empty(&self) -> bool {
        self.stale.is_empty() && self.moved.is_empty() && !self.everything && !self.lost
    }
}

/// What a watcher tells its news to.
#[derive(Debug)]
pub(crate) struct Handler {
    queue: Arc<Queue>,
    /// Gone as soon as the watcher's thread is.
    _alive: Arc<()>,
}

impl Handler {
    pub(crate) fn new(queue: Arc<Queue>, alive: Arc<()>) -> Self {
        Self {
            queue,
            _alive: alive,
        }
    }
}

impl EventHandler for Handler {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        self.queue.sort(event);
    }
}

/// Returns whether an event may mean a new value. Reading is none, or each fetch would be
/// followed by another.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Returns whether something may no longer be where it was, and its watch with it.
fn may_move(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(_) | EventKind::Create(_) => false,
        EventKind::Modify(what) => !matches!(what, ModifyKind::Data(_) | ModifyKind::Metadata(_)),
        EventKind::Any | EventKind::Remove(_) | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests;
