//! Which resources are held, and who has to know; where they lie is not known here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::queue::Queue;

/// The resources that are held, for all who listen.
#[derive(Debug, Default)]
pub(crate) struct Held {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often each is held: one name may be held with different options.
    counts: HashMap<Arc<str>, usize>,
    listeners: Vec<Weak<Queue>>,
}

impl Held {
    /// Holds a resource once more.
    pub(crate) fn add(&self, resource: &str) {
        let mut state = self.state();
        if let Some(count) = state.counts.get_mut(resource) {
            *count += 1;
            return;
        }
        let name: Arc<str> = resource.into();
        state.counts.insert(Arc::clone(&name), 1);
        state.tell(&name);
    }

    /// Holds a resource once less.
    pub(crate) fn remove(&self, resource: &str) {
        let mut state = self.state();
        match state.counts.get_mut(resource) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                if let Some((name, _)) = state.counts.remove_entry(resource) {
                    state.tell(&name);
                }
            }
        }
    }

    /// Tells a queue of what is held and of what comes and goes from now on.
    pub(crate) fn attach(&self, queue: &Arc<Queue>) {
        let mut state = self.state();
        state.listeners.push(Arc::downgrade(queue));
        state.counts.keys().for_each(|name| queue.stale(name));
    }

    /// Returns whether a resource is held.
    pub(crate) fn contains(&self, resource: &str) -> bool {
        self.state().counts.contains_key(resource)
    }

    /// Returns whether no resource is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().counts.is_empty()
    }

    /// Returns the names of all that are held.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.state().counts.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&mut self, name: &Arc<str>) {
        self.listeners.retain(|listener| {
            let queue = listener.upgrade();
            queue.inspect(|queue| queue.stale(name)).is_some()
        });
    }
}
