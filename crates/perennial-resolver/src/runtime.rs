//! What backends are lent by the driver: the real clock, and the runtime of the resolver's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use perennial_backend::{BoxFuture, Clock, Moment, Runtime};
use perennial_clock::SystemClock;

use crate::random::Random;

#[derive(Debug)]
pub(crate) struct TokioRuntime {
    clock: SystemClock,
    random: Random,
}

impl TokioRuntime {
    pub(crate) fn new() -> Self {
        let clock = SystemClock::new();
        let seed = clock.now().as_nanos() ^ clock.unix_time().since_epoch().as_nanos() as u64;
        Self {
            clock,
            random: Random::new(seed),
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
        self.random.next()
    }
}

/// What one vault is lent: all of the driver's, but no more than its share of the places to block.
///
/// Work that hangs keeps its place for as long as it hangs, also when nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Share {
    runtime: Arc<dyn Runtime>,
    running: Arc<AtomicUsize>,
}

impl Share {
    /// How much blocking work of one vault runs at the same time.
    pub(crate) const MOST: usize = 16;

    pub(crate) fn of(runtime: &Arc<dyn Runtime>, running: &Arc<AtomicUsize>) -> Arc<dyn Runtime> {
        Arc::new(Self {
            runtime: Arc::clone(runtime),
            running: Arc::clone(running),
        })
    }
}

impl Runtime for Share {
    fn clock(&self) -> &dyn Clock {
        self.runtime.clock()
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        self.runtime.sleep_until(at)
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let place = Place::take(&self.running);
        if self.running.load(Ordering::Acquire) > Self::MOST {
            // The work is dropped here, by which whoever asked for it knows that it was not run.
            return Box::pin(std::future::ready(()));
        }
        self.runtime.run_blocking(Box::new(move || {
            let _place = place;
            work();
        }))
    }

    fn random(&self) -> u64 {
        self.runtime.random()
    }
}

/// A place to block, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(running: &Arc<AtomicUsize>) -> Self {
        running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(running))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use perennial_backend::{Context, ErrorKind};

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_takes_the_places_of_its_own_vault_alone() {
        let system: Arc<dyn Runtime> = Arc::new(TokioRuntime::new());
        let (sick, sound) = (Arc::default(), Arc::default());
        let context = |running| Context::new(Share::of(&system, running), Moment::MAX);
        let mut held = Vec::new();
        let mut hanging = Vec::new();
        for _ in 0..Share::MOST {
            let (release, hang) = mpsc::channel::<()>();
            held.push(release);
            let mut call = Box::pin(async {
                let cx = context(&sick);
                cx.run_blocking(move || hang.recv()).await
            });
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
            assert!(polled.await.is_pending());
            hanging.push(call);
        }
        let refused = context(&sick).run_blocking(|| 7).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        assert_eq!(context(&sound).run_blocking(|| 7).await.unwrap(), 7);
        drop(held);
        for call in hanging {
            assert!(
                call.await.unwrap().is_err(),
                "the work ended, and its place is free"
            );
        }
        assert_eq!(context(&sick).run_blocking(|| 7).await.unwrap(), 7);
    }
}
