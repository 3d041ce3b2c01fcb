//! What backends are lent by the driver: the real clock, and the runtime of the resolver's thread.

use std::sync::atomic::{AtomicU64, Ordering};

use perennial_backend::{BoxFuture, Clock, Moment, Runtime};
use perennial_clock::SystemClock;

#[derive(Debug)]
pub(crate) struct TokioRuntime {
    clock: SystemClock,
    random: AtomicU64,
}

impl TokioRuntime {
    pub(crate) fn new() -> Self {
        let clock = SystemClock::new();
        let seed = clock.now().as_nanos() ^ clock.unix_time().since_epoch().as_nanos() as u64;
        Self {
            clock,
            random: AtomicU64::new(seed),
        }
    }
}

impl Runtime for TokioRuntime {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(at.since(self.clock.now())))
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
        // SplitMix64 (Steele, Lea and Flood): good enough for jitter, and for nothing secret.
        let mut z = self
            .random
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
