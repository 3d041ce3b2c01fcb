//! The thread on which the engine and all backends run: the one place of the libraries that spawns.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use perennial_backend::{
    Batch, BoxFuture, Context, ContextKey, Error, ErrorKind, Fetched, Moment, Operation, Request,
    Runtime,
};
use tokio::sync::broadcast;
use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel,
};
use tokio::task::AbortHandle;

use crate::directory::Directory;
use crate::engine::{Action, Engine, Event, Limits};
use crate::events::Happening;
use crate::flight::{Flight, Landing};
use crate::listening::listen;
use crate::pulse::Pulse;
use crate::runtime::TokioRuntime;
use crate::vault::{Vault, panicked};

/// What reaches the thread.
pub(crate) enum Message {
    Event(Event),
    /// Stop.
    Shutdown,
}

/// What the thread shares with readers.
pub(crate) struct Shared {
    pub(crate) directory: Arc<Directory>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) happenings: broadcast::Sender<Happening>,
    pub(crate) runtime: Arc<dyn Runtime>,
    /// How often the time is published.
    pub(crate) tick: Duration,
}

/// Where the driver runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// On a thread of its own.
    Thread,
    /// As a task of the tokio runtime on which it is started.
    CurrentRuntime,
}

/// Starts the driver.
///
/// On its own thread, a starved or single-threaded runtime of the user cannot delay what runs on it,
/// and dropping it leaves nothing behind even where a vendor's client spawns tasks of its own. It
/// ends when nobody can send any more; nobody waits for that, so that a backend which blocks,
/// against its promise, cannot hold up whoever lets go of the resolver.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the thread on which all else runs"
)]
pub(crate) fn start(
    shared: Shared,
    limits: Limits,
    place: Place,
) -> io::Result<(UnboundedSender<Message>, Arc<Flight<()>>)> {
    let (sender, receiver) = unbounded_channel();
    let weak = sender.downgrade();
    shared.pulse.publish(shared.runtime.clock().now());
    let (ended, landing) = Flight::start(|| ());
    let end = End {
        pulse: Arc::clone(&shared.pulse),
        directory: Arc::clone(&shared.directory),
        _landing: landing,
    };
    let driver = Driver::new(shared, weak, limits);
    match place {
        Place::CurrentRuntime => {
            let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
            runtime.spawn(async move {
                driver.run(receiver).await;
                drop(end);
            });
        }
        Place::Thread => {
            let tokio = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(BLOCKING_THREADS)
                .thread_name("perennial-io")
                .build()?;
            thread::Builder::new()
                .name("perennial".to_owned())
                .spawn(move || {
                    tokio.block_on(driver.run(receiver));
                    tokio.shutdown_background();
                    drop(end);
                })?;
        }
    }
    Ok((sender, ended))
}

/// Says, however the thread ends, that nobody keeps values fresh any more.
struct End {
    pulse: Arc<Pulse>,
    directory: Arc<Directory>,
    /// Lands when it is dropped, after all else.
    _landing: Landing<()>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.pulse.stop();
        for cell in self.directory.cells(None) {
            cell.end_turn();
        }
    }
}

struct Driver {
    engine: Engine,
    shared: Shared,
    sender: WeakUnboundedSender<Message>,
    /// Who listens to which vault's changes.
    listeners: HashMap<u64, AbortHandle>,
}

impl Driver {
    fn new(shared: Shared, sender: WeakUnboundedSender<Message>, limits: Limits) -> Self {
        let now = shared.runtime.clock().now();
        let engine = Engine::new(now, limits, shared.runtime.random());
        Self {
            engine,
            shared,
            sender,
            listeners: HashMap::new(),
        }
    }

    async fn run(mut self, mut receiver: UnboundedReceiver<Message>) {
        loop {
            let now = self.now();
            self.shared.pulse.publish(now);
            // No longer than a tick, and so never so long that waking from suspend goes unnoticed.
            let tick = now + self.shared.tick;
            let due = self.engine.poll_timeout().map_or(tick, |at| at.min(tick));
            let mut sleep = self.shared.runtime.sleep_until(due);
            let message = poll_fn(|cx| match receiver.poll_recv(cx) {
                Poll::Ready(message) => Poll::Ready(Some(message)),
                Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
            })
            .await;
            let mut next = match message {
                Some(Some(message)) => Some(message),
                Some(None) => return,
                None => Some(Message::Event(Event::Timeout)),
            };
            let mut taken = 0;
            while let Some(message) = next {
                taken += 1;
                // Asked anew for each: what a reader saw must not lie ahead of what decides on it.
                let now = self.now();
                self.shared.pulse.publish(now);
                match message {
                    Message::Event(event) => self.engine.handle(now, event),
                    Message::Shutdown => return,
                }
                next = if taken < TAKEN_AT_ONCE {
                    receiver.try_recv().ok()
                } else {
                    None
                };
            }
            let actions = self.engine.poll(self.now());
            actions.into_iter().for_each(|action| self.perform(action));
        }
    }

    fn now(&self) -> Moment {
        self.shared.runtime.clock().now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "calls run as tasks of this thread's runtime"
    )]
    fn perform(&mut self, action: Action) {
        let runtime = Arc::clone(&self.shared.runtime);
        let sender = self.sender.clone();
        match action {
            Action::Call {
                call,
                vault,
                requests,
            } => {
                tokio::spawn(async move {
                    let answers = make_call(&vault, &requests, &runtime).await;
                    let upkeep_due = vault.upkeep_due();
                    send(
                        &sender,
                        Event::CallEnded {
                            call,
                            answers,
                            upkeep_due,
                        },
                    );
                });
            }
            Action::Upkeep { vault } => {
                tokio::spawn(async move {
                    let failed = keep_up(&vault, &runtime).await.err();
                    let upkeep_due = vault.upkeep_due();
                    let vault = vault.number();
                    send(
                        &sender,
                        Event::UpkeepEnded {
                            vault,
                            upkeep_due,
                            failed,
                        },
                    );
                });
            }
            Action::Listen { vault } => {
                let number = vault.number();
                let task = tokio::spawn(listen(vault, runtime, sender));
                self.listeners.insert(number, task.abort_handle());
            }
            Action::Unlisten { vault } => {
                if let Some(task) = self.listeners.remove(&vault) {
                    task.abort();
                }
            }
            Action::Watch { vault, name, held } => {
                vault.watch(&name, held);
            }
            Action::Tell(happening) => {
                happening.announce();
                // It is no error that nobody listens.
                let _ = self.shared.happenings.send(happening);
            }
            // Somebody may have found it again meanwhile.
            Action::Forget(cell) if cell.is_in_use() => {}
            Action::Forget(cell) => self.shared.directory.forget(&cell),
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

pub(crate) fn send(sender: &WeakUnboundedSender<Message>, event: Event) {
    if let Some(sender) = sender.upgrade() {
        // Nobody is there any more to whom it would mean something.
        let _ = sender.send(Message::Event(event));
    }
}

/// Makes one call, which ends by its deadline, and whose panic is an error like any other.
async fn make_call(
    vault: &Vault,
    requests: &[Request],
    runtime: &Arc<dyn Runtime>,
) -> Vec<Result<Fetched, Error>> {
    let backend = match vault.backend() {
        Ok(backend) => backend,
        Err(error) => return vec![Err(error); requests.len()],
    };
    let deadline = runtime.clock().now() + vault.timeout();
    let cx = Context::new(vault.lend(runtime), deadline);
    let late = runtime.sleep_until(deadline);
    let answers = match requests {
        [request] => vec![
            match before(late, async { backend.fetch(&cx, request).await }).await {
                Ended::Done(answer) => answer,
                ended => Err(not_done(&ended, vault)),
            },
        ],
        several => {
            // What has come stays, even if the rest comes too late.
            let mut batch = Batch::new(several.len());
            let ended = before(late, async {
                backend.fetch_many(&cx, several, &mut batch).await;
            })
            .await;
            if !matches!(ended, Ended::Done(())) {
                batch.fail_rest(&not_done(&ended, vault));
            }
            batch.into_answers()
        }
    };
    let outcome = if answers.iter().all(Result::is_ok) {
        "ok"
    } else {
        "failed"
    };
    let name = vault.spec().name().as_str().to_owned();
    metrics::counter!("perennial_calls_total", "vault" => name, "outcome" => outcome).increment(1);
    let blame = |error: Error| {
        let error = error.with_context(ContextKey::Vault, vault.spec().name().as_str());
        match error.operation() {
            Some(_) => error,
            None => error.with_operation(Operation::Fetch),
        }
    };
    answers
        .into_iter()
        .map(|answer| answer.map_err(blame))
        .collect()
}

async fn keep_up(vault: &Vault, runtime: &Arc<dyn Runtime>) -> Result<(), Error> {
    let backend = vault.backend()?;
    let deadline = runtime.clock().now() + vault.timeout();
    let cx = Context::new(vault.lend(runtime), deadline);
    let run = async {
        match backend.facets().upkeep() {
            Some(upkeep) => upkeep.upkeep(&cx).await,
            None => Ok(()),
        }
    };
    match before(runtime.sleep_until(deadline), run).await {
        Ended::Done(outcome) => outcome,
        ended => Err(not_done(&ended, vault)),
    }
}

/// How a call ended.
pub(crate) enum Ended<T> {
    Done(T),
    Panicked,
    Late,
}

/// Polls a call until it has ended, has panicked, or is late.
pub(crate) async fn before<T>(
    mut late: BoxFuture<'_, ()>,
    call: impl Future<Output = T>,
) -> Ended<T> {
    let mut call = pin!(call);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
            Ok(Poll::Ready(value)) => Poll::Ready(Ended::Done(value)),
            Ok(Poll::Pending) => late.as_mut().poll(cx).map(|()| Ended::Late),
            Err(_) => Poll::Ready(Ended::Panicked),
        },
    )
    .await
}

fn not_done<T>(ended: &Ended<T>, vault: &Vault) -> Error {
    match ended {
        Ended::Panicked => panicked(),
        _ => Error::new(
            ErrorKind::Timeout,
            format!("no answer within {:?}", vault.timeout()),
        )
        .with_help("the setting `timeout` of the vault says how long a call may take"),
    }
}

/// Lands a flight when a span has passed, unless it is let go of before.
pub(crate) struct Watchdog {
    ended: Arc<(Mutex<bool>, Condvar)>,
}

impl Watchdog {
    /// Starts to watch; without a thread to do it, the flight lands at once.
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver's own thread cannot watch itself"
    )]
    pub(crate) fn start(span: Duration, landing: Landing<bool>) -> Option<Self> {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let watched = Arc::clone(&ended);
        thread::Builder::new()
            .name("perennial-end".to_owned())
            .spawn(move || {
                let (ended, changed) = &*watched;
                let guard = ended.lock().unwrap_or_else(PoisonError::into_inner);
                drop(changed.wait_timeout_while(guard, span, |ended| !*ended));
                landing.land(false);
            })
            .ok()?;
        Some(Self { ended })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let (ended, changed) = &*self.ended;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }
}

/// Returns what backends are lent where nobody lends anything else.
pub(crate) fn system_runtime() -> Arc<dyn Runtime> {
    Arc::new(TokioRuntime::new())
}

/// Threads for blocking work, started when they are needed: each vault has its share of them, so
/// that one whose files hang does not take those of the others.
const BLOCKING_THREADS: usize = 512;

/// How many messages are taken in before what follows from them is done.
const TAKEN_AT_ONCE: usize = 1024;
