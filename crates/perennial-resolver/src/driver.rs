//! The thread on which backends run: the one place of the libraries that spawns.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use perennial_backend::{
    Backend, BoxFuture, Clock, Context, ContextKey, Error, ErrorKind, Moment, Operation, Runtime,
};
use perennial_clock::SystemClock;
use tokio::sync::mpsc;

use crate::directory::{CallError, Directory, Outcome};
use crate::flight::Landing;
use crate::resource::Resource;

/// One call that somebody waits for.
pub(crate) struct Job {
    pub(crate) resource: Resource,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) timeout: Duration,
    pub(crate) landing: Landing<Outcome>,
}

/// The resolver's own thread.
///
/// A starved or single-threaded runtime of the user cannot delay what runs on it, and dropping it
/// leaves nothing behind even where a vendor's client spawns tasks of its own.
pub(crate) struct Driver {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Driver {
    /// Starts the thread.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the thread on which all else runs"
    )]
    pub(crate) fn start(
        directory: Arc<Directory>,
        lent: Option<Arc<dyn Runtime>>,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("perennial-io")
            .build()?;
        // The thread ends when nobody can send any more; nobody waits for that, so that a backend
        // which blocks, against its promise, cannot hold up whoever lets go of the resolver.
        thread::Builder::new()
            .name("perennial".to_owned())
            .spawn(move || {
                let runtime = lent.unwrap_or_else(|| Arc::new(TokioRuntime::new()));
                tokio.block_on(serve(queue, &directory, &runtime));
                // Those who wait for a call that is cut off here get its loss from the landing.
                directory.clear();
                tokio.shutdown_background();
            })?;
        Ok(Self { jobs })
    }

    /// Hands a call to the thread; one that cannot be handed over lands as lost.
    pub(crate) fn submit(&self, job: Job) {
        // A job that comes back is dropped, which lands its flight.
        let _ = self.jobs.send(job);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "calls run as tasks of this runtime"
)]
async fn serve(
    mut queue: mpsc::UnboundedReceiver<Job>,
    directory: &Arc<Directory>,
    runtime: &Arc<dyn Runtime>,
) {
    while let Some(job) = queue.recv().await {
        let directory = Arc::clone(directory);
        let runtime = Arc::clone(runtime);
        tokio::spawn(async move {
            let Job {
                resource,
                backend,
                timeout,
                landing,
            } = job;
            let outcome = call(&resource, &*backend, timeout, &runtime).await;
            directory.end(&resource, landing, outcome);
        });
    }
}

/// Makes one call, which ends by its deadline and whose panic is an error like any other.
async fn call(
    resource: &Resource,
    backend: &dyn Backend,
    timeout: Duration,
    runtime: &Arc<dyn Runtime>,
) -> Outcome {
    let deadline = runtime.clock().now() + timeout;
    let cx = Context::new(Arc::clone(runtime), deadline);
    let request = resource.request();
    let fetched = before(runtime.sleep_until(deadline), backend.fetch(&cx, &request)).await;
    let outcome = match fetched {
        End::Done(outcome) => outcome,
        End::Panicked => Err(Error::new(ErrorKind::Unexpected, "the backend panicked")
            .with_help("this is a defect of the backend: please report it")),
        End::Late => Err(
            Error::new(ErrorKind::Timeout, format!("no answer within {timeout:?}"))
                .with_help("the setting `timeout` of the vault says how long a call may take"),
        ),
    };
    outcome.map_err(|error| {
        let error = error.with_context(ContextKey::Vault, resource.vault.as_str());
        CallError::Failed(match error.operation() {
            Some(_) => error,
            None => error.with_operation(Operation::Fetch),
        })
    })
}

/// How a call ended.
enum End<T> {
    Done(T),
    Panicked,
    Late,
}

/// Polls a call until it has ended, has panicked, or is late.
async fn before<T>(mut late: BoxFuture<'_, ()>, mut call: BoxFuture<'_, T>) -> End<T> {
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
            Ok(Poll::Ready(value)) => Poll::Ready(End::Done(value)),
            Ok(Poll::Pending) => late.as_mut().poll(cx).map(|()| End::Late),
            Err(_) => Poll::Ready(End::Panicked),
        },
    )
    .await
}

/// What backends are lent: the real clock, and the runtime of the resolver's thread.
#[derive(Debug)]
struct TokioRuntime {
    clock: SystemClock,
    random: AtomicU64,
}

impl TokioRuntime {
    fn new() -> Self {
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

/// Threads for blocking work: enough for files on slow disks, few enough to notice a leak.
const BLOCKING_THREADS: usize = 32;
