//! A resolver on one thread with its tests, on a clock that steps from one deadline to the next.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use perennial_backend::{Backend, BackendType, Clock, Moment, Settings};
use perennial_resolver::{Builder, Error, Happening, Resolver, Value, What};
use perennial_testkit::{ScriptedBackend, SimClock, SimRuntime};

pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) secrets: Resolver,
    events: perennial_resolver::Events,
}

impl World {
    /// Makes a world with one scripted store, whose default vault is `scripted`.
    pub(crate) fn new(store: &ScriptedBackend) -> Self {
        Self::with(Resolver::builder().backends(store.backends()))
    }

    pub(crate) fn with(builder: Builder) -> Self {
        let clock = SimClock::new();
        let runtime = SimRuntime::new(clock.clone()).with_seed(42);
        let secrets = builder
            .runtime(Arc::new(runtime))
            .on_current_runtime()
            .build()
            .unwrap();
        let events = secrets.events();
        Self {
            clock,
            secrets,
            events,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Lets everything happen that can happen without time going on.
    pub(crate) async fn settle(&self) {
        for _ in 0..40 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time go on, from one deadline to the next.
    pub(crate) async fn advance(&self, span: Duration) {
        let end = self.now() + span;
        self.settle().await;
        while let Some(at) = self.clock.next_wakeup().filter(|at| *at <= end) {
            self.clock.advance_to(at);
            self.settle().await;
        }
        self.clock.advance_to(end);
        self.settle().await;
    }

    pub(crate) async fn advance_secs(&self, secs: u64) {
        self.advance(Duration::from_secs(secs)).await;
    }

    pub(crate) async fn get(&self, reference: &str) -> Result<String, Error> {
        self.value(reference).await.map(|value| text(&value))
    }

    pub(crate) async fn value(&self, reference: &str) -> Result<Value, Error> {
        self.secrets.get(reference).await
    }

    /// Returns what has happened since this was asked the last time.
    pub(crate) fn happened(&mut self) -> Vec<Happening> {
        std::iter::from_fn(|| self.events.try_next()).collect()
    }

    /// Returns the kinds of what has happened since this was asked the last time.
    pub(crate) fn whats(&mut self) -> Vec<What> {
        self.happened().iter().map(Happening::what).collect()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.secret().expose_str().unwrap().to_owned()
}

/// Returns whether a value is served past its ttl.
pub(crate) fn is_stale(value: &Value) -> bool {
    !value.freshness().is_fresh()
}

/// Returns a row of the table of backend types that hands out this backend.
pub(crate) fn row(settings: &'static Settings, backend: &Arc<impl Backend>) -> BackendType {
    let backend = Arc::clone(backend);
    BackendType::new(settings, move |_| Ok(Arc::clone(&backend) as _))
}

/// Something that goes on while a test does other things: it moves only when it is looked at.
pub(crate) struct Ongoing<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
}

impl<'a, T> Ongoing<'a, T> {
    /// Begins, as far as it goes without waiting.
    pub(crate) async fn begin(future: impl Future<Output = T> + 'a) -> Self {
        let mut begun = Self::lazy(future);
        assert!(begun.look().await.is_none(), "it did not have to wait");
        begun
    }

    /// Begins when it is looked at for the first time.
    pub(crate) fn lazy(future: impl Future<Output = T> + 'a) -> Self {
        Self {
            future: Box::pin(future),
        }
    }

    /// Returns what came of it, if it has ended.
    pub(crate) async fn look(&mut self) -> Option<T> {
        poll_fn(|cx| match self.future.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}

/// Returns what comes of something that must not wait.
pub(crate) async fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let outcome = poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    });
    outcome.await.expect("it waited")
}
