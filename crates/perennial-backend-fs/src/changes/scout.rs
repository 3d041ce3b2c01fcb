//! Looks at the ways to what is held, and has the directories on them watched.
//!
//! All of this may block, so it runs where the driver lets work block. It is asked what to look
//! at, and returns what to tell; it neither waits nor knows the time.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use perennial_backend::Hint;

use super::held::Held;
use super::posts::{Manned, Posts};
use super::queue::Work;
use super::way::{Ground, Way};
use crate::config::Config;

/// Knows the way to everything that is held.
pub(crate) struct Scout {
    prefix: PathBuf,
    max_files: u64,
    held: Arc<Held>,
    posts: Posts,
    ground: Option<Ground>,
    known: HashMap<Arc<str>, Known>,
}

/// What a look came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) hints: Vec<Hint>,
    /// Nothing can be told any more.
    pub(crate) over: bool,
}

struct Known {
    way: Way,
    /// Not all of the way is watched, so somebody has to look from time to time.
    unwatched: bool,
}

impl Scout {
    pub(crate) fn new(config: &Config, held: Arc<Held>, posts: Posts) -> Self {
        Self {
            prefix: config.prefix.clone(),
            max_files: config.max_files,
            held,
            posts,
            ground: None,
            known: HashMap::new(),
        }
    }

    /// Looks at what was touched and, if it is time to `patrol`, at what is not watched.
    ///
    /// A resource is told of when its way is watched again, not before: what happens after the
    /// hint is noticed, whether it was fetched by then or not. So one that is held only now is told
    /// of as well, as it may have changed after it was fetched.
    pub(crate) fn look(&mut self, work: Work, patrol: bool) -> Report {
        if self.posts.is_blind() {
            return Report {
                over: true,
                ..Report::default()
            };
        }
        let Work {
            mut stale,
            moved,
            mut everything,
            lost,
        } = work;
        // Each way through such a directory is stale with it, since the directory is a point of it.
        moved.iter().for_each(|path| self.posts.leave_all(path));
        everything |= self.move_ground();
        if everything || lost {
            stale.extend(self.known.keys().cloned());
            stale.extend(self.held.names());
        }
        if patrol {
            stale.extend(self.changed_unwatched(&stale));
        }
        let mut hints = Vec::new();
        for name in stale {
            if self.held.contains(&name) {
                self.reach(&name);
                hints.push(Hint::Resource((&*name).into()));
            } else {
                self.forget(&name);
            }
        }
        if lost {
            hints = vec![Hint::Lost];
        } else if everything && !hints.is_empty() {
            hints = vec![Hint::Everything];
        }
        Report { hints, over: false }
    }

    /// Finds out where the prefix is, and returns whether it is another directory now. Nothing
    /// above it is watched, so this is looked at each time.
    fn move_ground(&mut self) -> bool {
        let ground = Ground::find(&self.prefix);
        if ground == self.ground {
            return false;
        }
        if let Some(old) = std::mem::replace(&mut self.ground, ground) {
            self.posts.leave_all(old.path());
        }
        !self.known.is_empty()
    }

    /// Returns the resources that are not watched and look as they did not before.
    fn changed_unwatched(&self, but: &BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
        let changed = |name: &Arc<str>, known: &Known| {
            known.unwatched && !but.contains(name) && !self.explore(name).looks_like(&known.way)
        };
        let names = self
            .known
            .iter()
            .filter(|(name, known)| changed(name, known));
        names.map(|(name, _)| Arc::clone(name)).collect()
    }

    fn explore(&self, name: &str) -> Way {
        let ground = self.ground.as_ref();
        ground.map_or_else(Way::default, |ground| {
            Way::explore(ground, name, self.max_files)
        })
    }

    /// Has all of the way to a resource watched, as far as that can be.
    fn reach(&mut self, name: &Arc<str>) {
        for _ in 0..ROUNDS {
            let way = self.explore(name);
            // If something is watched only now, the way may have changed before that.
            if !self.take(name, way) {
                return;
            }
        }
        if let Some(known) = self.known.get_mut(name) {
            known.unwatched = true;
        }
    }

    /// Takes over a way, and returns whether any of it is watched only from now on.
    fn take(&mut self, name: &Arc<str>, mut way: Way) -> bool {
        let old = self.known.remove(name).map(|known| known.way);
        // Before anything is watched, so that no event comes to nothing.
        self.posts.remap(|map| {
            if let Some(old) = &old {
                map.remove(name, old);
            }
            map.insert(name, &way);
        });
        way.passed().for_each(|(path, _)| self.posts.hold(path));
        if let Some(old) = &old {
            old.passed().for_each(|(path, _)| self.posts.release(path));
        }
        let (mut anew, mut unwatched) = (false, self.ground.is_none());
        for (path, number) in way.passed() {
            match self.posts.man(path, number) {
                Manned::Already => {}
                Manned::Anew => anew = true,
                Manned::Refused => unwatched = true,
            }
        }
        if !anew && !unwatched {
            way.forget_looks();
        }
        self.known
            .insert(Arc::clone(name), Known { way, unwatched });
        anew
    }

    fn forget(&mut self, name: &str) {
        if let Some(Known { way, .. }) = self.known.remove(name) {
            self.posts.remap(|map| map.remove(name, &way));
            way.passed().for_each(|(path, _)| self.posts.release(path));
        }
    }
}

/// How often a way is looked at that changes meanwhile.
const ROUNDS: usize = 16;
