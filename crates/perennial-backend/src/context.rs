//! What a driver lends a backend for the length of a call: time, chance, and a place to block.

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use perennial_clock::{Clock, Moment, UnixTime};

use crate::{Error, ErrorKind};

/// A future in a box, as object-safe traits have to return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a driver provides to the backends that it runs.
///
/// Backends never see it: they hold a [`Context`].
pub trait Runtime: Debug + Send + Sync + 'static {
    /// Returns the clock by which this driver lives.
    fn clock(&self) -> &dyn Clock;

    /// Returns a future that is ready once the clock has reached `at`.
    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()>;

    /// Runs work that may block where it holds up nobody; the future is ready when it has run, or
    /// when it is sure that it never will.
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;

    /// Returns a random number, for jitter and nonces of no secrecy.
    fn random(&self) -> u64;
}

/// What a backend may use while it answers.
///
/// A backend neither spawns nor blocks nor asks the operating system for the time: it asks its
/// context. Cloning is cheap.
#[derive(Clone)]
pub struct Context {
    runtime: Arc<dyn Runtime>,
    deadline: Moment,
}

impl Context {
    /// Makes a context for a call that must be over by `deadline`.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>, deadline: Moment) -> Self {
        Self { runtime, deadline }
    }

    /// Returns the current moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.runtime.clock().now()
    }

    /// Returns the current wall time, for signatures and providers' dates.
    #[must_use]
    pub fn unix_time(&self) -> UnixTime {
        self.runtime.clock().unix_time()
    }

    /// Returns when the driver gives up waiting and drops the call.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// Returns the time that is left until the deadline.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.since(self.now())
    }

    /// Waits for a span of time.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }

    /// Waits until a moment.
    pub async fn sleep_until(&self, at: Moment) {
        self.runtime.sleep_until(at).await;
    }

    /// Returns a random number, for jitter and nonces of no secrecy.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.runtime.random()
    }

    /// Runs work that may block, such as reading files, without holding up anybody else.
    ///
    /// Work that has begun runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the work panicked, [`ErrorKind::Unavailable`] if it was not run:
    /// too much of this vault's work hangs, or the driver is shut down.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let result = Arc::new(Mutex::new(Outcome::NotRun));
        let slot = Arc::clone(&result);
        let job = Box::new(move || {
            put(&slot, Outcome::Began);
            let value = work();
            put(&slot, Outcome::Done(value));
        });
        self.runtime.run_blocking(job).await;
        let outcome = std::mem::replace(
            &mut *result.lock().unwrap_or_else(PoisonError::into_inner),
            Outcome::NotRun,
        );
        match outcome {
            Outcome::Done(value) => Ok(value),
            Outcome::Began => Err(Error::new(ErrorKind::Unexpected, "blocking work panicked")),
            Outcome::NotRun => Err(Error::new(ErrorKind::Unavailable, NOT_RUN)),
        }
    }
}

impl Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

enum Outcome<T> {
    NotRun,
    Began,
    Done(T),
}

fn put<T>(slot: &Mutex<Outcome<T>>, outcome: Outcome<T>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
}

const NOT_RUN: &str =
    "there was no room to read in: earlier reads hang, or the driver is shut down";
