//! What tests lend to backends in place of a driver: a simulated runtime, and a live one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use perennial_backend::{BoxFuture, Context, Runtime};
use perennial_clock::{Clock, Moment, SystemClock};

use crate::SimClock;

/// A runtime whose clock a test moves, and whose chance is the same each time.
#[derive(Clone, Debug)]
pub struct SimRuntime {
    clock: SimClock,
    random: Arc<AtomicU64>,
}

impl SimRuntime {
    /// Makes a runtime on a clock.
    #[must_use]
    pub fn new(clock: SimClock) -> Self {
        Self {
            clock,
            random: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Starts the sequence of random numbers anew from a seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.random.store(seed, Ordering::Relaxed);
        self
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// Makes a context for a call that may take `limit`.
    #[must_use]
    pub fn context(&self, limit: Duration) -> Context {
        Context::new(Arc::new(self.clone()), self.clock.now() + limit)
    }
}

impl Runtime for SimRuntime {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        Box::pin(self.clock.sleep_until(at))
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        // At once, on the spot: simulated stories have one thread. A panic of the work is seen by
        // whoever asked for it, since no result is there.
        let _ = catch_unwind(AssertUnwindSafe(work));
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> u64 {
        split_mix(self.random.fetch_add(1, Ordering::Relaxed))
    }
}

/// A runtime on the real clock and the tokio runtime on which it is used, for tests that speak to
/// real stores.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LiveRuntime {
    clock: SystemClock,
}

impl LiveRuntime {
    /// Makes the runtime.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a context for a call that may take `limit`.
    #[must_use]
    pub fn context(&self, limit: Duration) -> Context {
        Context::new(Arc::new(self.clone()), self.clock.now() + limit)
    }
}

impl Runtime for LiveRuntime {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        let span = at.since(self.clock.now());
        Box::pin(tokio::time::sleep(span))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is what contexts run blocking work with"
    )]
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let job = tokio::task::spawn_blocking(work);
        Box::pin(async move {
            let _ = job.await;
        })
    }

    fn random(&self) -> u64 {
        split_mix(self.clock.now().as_nanos())
    }
}

/// Scrambles a counter into a random-looking number (Steele, Lea and Flood's SplitMix64).
fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use perennial_backend::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn blocking_work_that_panics_is_an_error_and_nothing_worse() {
        let simulated = SimRuntime::new(SimClock::new()).context(Duration::from_secs(1));
        let live = LiveRuntime::new().context(Duration::from_secs(1));
        for cx in [simulated, live] {
            assert_eq!(cx.run_blocking(|| 7).await.unwrap(), 7);
            let failed = cx
                .run_blocking(|| -> u8 { panic!("on purpose") })
                .await
                .unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unexpected);
        }
    }

    #[test]
    fn simulated_chance_repeats_itself() {
        let draw = || {
            let runtime = SimRuntime::new(SimClock::new()).with_seed(7);
            [runtime.random(), runtime.random(), runtime.random()]
        };
        assert_eq!(draw(), draw());
        assert_ne!(draw()[0], draw()[1]);
    }
}
