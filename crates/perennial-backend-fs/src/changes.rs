//! Telling of changes: which resources are held, who listens, and how a listener comes to be.
//!
//! What lies on the way to a resource is found by `way`, which directories are watched is kept by
//! `posts`, what happens there is sorted by `queue` and `map`, `scout` does all that may block,
//! and `listener` turns it into a stream. No file is opened here, and nothing is read but the
//! names in directories, where links lead, and what the system knows of a file besides its content.

mod held;
mod listener;
mod map;
mod posts;
mod queue;
mod remote;
mod scout;
mod way;

use std::sync::Arc;

use perennial_backend::{Changes, Context, Error, Hints, async_trait};

use crate::config::{Config, Watch};
use held::Held;
use listener::Listener;
use posts::{Make, Posts};
use queue::Queue;
use scout::Scout;

/// Tells of changes of the resources that are held.
#[derive(Debug)]
pub(crate) struct Watched {
    config: Config,
    held: Arc<Held>,
}

impl Watched {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            held: Arc::new(Held::default()),
        }
    }

    async fn listen(&self, cx: &Context, make: Option<Make>) -> Result<Listener, Error> {
        let queue = Arc::new(Queue::default());
        self.held.attach(&queue);
        let posts = Posts::new(Arc::clone(&queue), make);
        let scout = Scout::new(&self.config, Arc::clone(&self.held), posts);
        Listener::begin(cx.clone(), queue, Arc::clone(&self.held), scout).await
    }
}

#[async_trait]
impl Changes for Watched {
    async fn subscribe(&self, cx: &Context) -> Result<Box<dyn Hints>, Error> {
        let make: Option<Make> = match self.config.watch {
            Watch::Auto => Some(Box::new(posts::recommended)),
            Watch::Poll | Watch::None => None,
        };
        let listener = self.listen(cx, make).await?;
        Ok(Box::new(listener))
    }

    fn watch(&self, resource: &str) {
        self.held.add(resource);
    }

    fn unwatch(&self, resource: &str) {
        self.held.remove(resource);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
