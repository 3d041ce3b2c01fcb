//! Which directories are watched, for how many resources, and by what.
//!
//! The watcher has a thread of its own. Nothing else in this crate runs on a thread that the
//! driver did not lend: waiting for the kernel's news takes a thread that blocks, and the library
//! that knows how each system tells them brings it along. The thread does no more than to sort
//! events into the queue, and ends with the watcher.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::map::Map;
use super::queue::{Handler, Queue};
use super::remote::is_remote;
use super::way::Number;

/// Makes a watcher that tells its news to a handler.
pub(crate) type Make = Box<dyn FnOnce(Handler) -> notify::Result<Box<dyn Watcher + Send>> + Send>;

/// Makes the watcher that this system is best watched with.
pub(crate) fn recommended(handler: Handler) -> notify::Result<Box<dyn Watcher + Send>> {
    let watcher = RecommendedWatcher::new(handler, notify::Config::default())?;
    Ok(Box::new(watcher))
}

/// The directories that are watched.
pub(crate) struct Posts {
    queue: Arc<Queue>,
    /// How a watcher is made, as long as none was asked for.
    make: Option<Make>,
    eyes: Option<Eyes>,
    posts: BTreeMap<PathBuf, Post>,
    /// Where each directory is watched. A system may know only one watch of a directory, even if
    /// two paths lead to it.
    watched: HashMap<(u64, u64), PathBuf>,
}

/// How a directory is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manned {
    /// As it was before.
    Already,
    /// From now on.
    Anew,
    /// Not at all.
    Refused,
}

#[derive(Default)]
struct Post {
    users: usize,
    number: Number,
    manned: bool,
}

impl Posts {
    pub(crate) fn new(queue: Arc<Queue>, make: Option<Make>) -> Self {
        Self {
            queue,
            make,
            eyes: None,
            posts: BTreeMap::new(),
            watched: HashMap::new(),
        }
    }

    /// Changes which places belong to which resources.
    pub(crate) fn remap(&self, change: impl FnOnce(&mut Map)) {
        self.queue.remap(change);
    }

    /// Says that one resource more needs a directory.
    pub(crate) fn hold(&mut self, path: &Path) {
        match self.posts.get_mut(path) {
            Some(post) => post.users += 1,
            None => {
                let post = Post {
                    users: 1,
                    ..Post::default()
                };
                self.posts.insert(path.to_owned(), post);
            }
        }
    }

    /// Says that one resource less needs a directory.
    pub(crate) fn release(&mut self, path: &Path) {
        let Some(post) = self.posts.get_mut(path) else {
            return;
        };
        post.users -= 1;
        if post.users == 0 {
            self.leave(path);
            self.posts.remove(path);
        }
    }

    /// Watches a directory that is held, unless it is watched already.
    pub(crate) fn man(&mut self, path: &Path, number: Number) -> Manned {
        let Some(post) = self.posts.get(path) else {
            return Manned::Refused;
        };
        if post.manned && post.number == number {
            return Manned::Already;
        }
        self.leave(path);
        let elsewhere = number.is_some_and(|number| self.watched.contains_key(&number));
        if elsewhere || is_remote(path) {
            return Manned::Refused;
        }
        if let Some(make) = self.make.take() {
            self.eyes = Eyes::open(make, &self.queue);
        }
        let Some(eyes) = &mut self.eyes else {
            return Manned::Refused;
        };
        if !eyes.watch(path) {
            return Manned::Refused;
        }
        if let Some(post) = self.posts.get_mut(path) {
            post.manned = true;
            post.number = number;
        }
        if let Some(number) = number {
            self.watched.insert(number, path.to_owned());
        }
        Manned::Anew
    }

    /// Leaves a directory that may have gone, and all below it: their watches may be gone as well.
    pub(crate) fn leave_all(&mut self, path: &Path) {
        let here = self.posts.range(path.to_owned()..);
        let paths: Vec<_> = here
            .map(|(place, _)| place.clone())
            .take_while(|place| place.starts_with(path))
            .collect();
        paths.iter().for_each(|place| self.leave(place));
    }

    /// Returns whether the watcher has ended by itself.
    pub(crate) fn is_blind(&self) -> bool {
        self.eyes.as_ref().is_some_and(Eyes::are_shut)
    }

    fn leave(&mut self, path: &Path) {
        let Some(post) = self.posts.get_mut(path).filter(|post| post.manned) else {
            return;
        };
        post.manned = false;
        if let Some(number) = post.number {
            self.watched.remove(&number);
        }
        if let Some(eyes) = &mut self.eyes {
            eyes.unwatch(path);
        }
    }
}

/// A watcher, and whether its thread is there.
struct Eyes {
    /// Always there but at the very end.
    watcher: Option<Box<dyn Watcher + Send>>,
    alive: Weak<()>,
}

impl Eyes {
    fn open(make: Make, queue: &Arc<Queue>) -> Option<Self> {
        let mark = Arc::new(());
        let alive = Arc::downgrade(&mark);
        let watcher = make(Handler::new(Arc::clone(queue), mark)).ok()?;
        Some(Self {
            watcher: Some(watcher),
            alive,
        })
    }

    /// Watches a directory alone, without what lies in directories below it.
    fn watch(&mut self, path: &Path) -> bool {
        let watcher = self
            .watcher
            .as_mut()
            .filter(|_| self.alive.strong_count() > 0);
        watcher.is_some_and(|watcher| watcher.watch(path, RecursiveMode::NonRecursive).is_ok())
    }

    fn unwatch(&mut self, path: &Path) {
        if let Some(watcher) = self
            .watcher
            .as_mut()
            .filter(|_| self.alive.strong_count() > 0)
        {
            // A watch whose directory is gone has ended by itself, which is as good.
            let _ = watcher.unwatch(path);
        }
    }

    fn are_shut(&self) -> bool {
        self.alive.strong_count() == 0
    }
}

impl Drop for Eyes {
    fn drop(&mut self) {
        if self.are_shut() {
            // Some watchers panic if they are dropped when their thread is gone. What is left of
            // this one are a few handles.
            std::mem::forget(self.watcher.take());
        }
    }
}
