//! A store with what random stories need besides a scripted one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perennial_backend::{Backend, Capabilities, Context, Error, Fetched, Request, async_trait};
use perennial_testkit::ScriptedBackend;

/// A store whose answers may have aged on their way, and that is never asked twice for one thing at
/// the same time by one vault.
#[derive(Debug)]
pub(super) struct Aging {
    store: ScriptedBackend,
    shared: Shared,
    asked: Mutex<HashSet<String>>,
}

#[async_trait]
impl Backend for Aging {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let _asked = Asked::new(self, request.resource());
        let answer = self.store.fetch(cx, request).await;
        let age = *self.shared.age.lock().unwrap();
        cx.sleep(age).await;
        answer
    }
}

impl Aging {
    pub(super) fn new(store: &ScriptedBackend, seen: &Shared) -> Self {
        Self {
            store: store.clone(),
            shared: seen.clone(),
            asked: Mutex::default(),
        }
    }
}

/// What a story shares with all backends that its vault has ever had.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    pub(super) age: Arc<Mutex<Duration>>,
    pub(super) asked_twice: Arc<Mutex<bool>>,
}

struct Asked<'a>(&'a Aging, String);

impl<'a> Asked<'a> {
    fn new(backend: &'a Aging, name: &str) -> Self {
        if !backend.asked.lock().unwrap().insert(name.to_owned()) {
            *backend.shared.asked_twice.lock().unwrap() = true;
        }
        Self(backend, name.to_owned())
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.asked.lock().unwrap().remove(&self.1);
    }
}
