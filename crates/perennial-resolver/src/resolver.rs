//! What users hold: from references to values.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use perennial_backend::{Error as BackendError, ErrorKind as BackendErrorKind, Runtime};
use perennial_reference::Reference;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;

use crate::administration::Vaults;
use crate::bind::bind;
use crate::builder::Builder;
use crate::cell::Cell;
use crate::directory::Directory;
use crate::driver::{self, Message, Place};
use crate::engine::{Event, Limits};
use crate::error::{Error, ErrorKind};
use crate::events::Events;
use crate::explain::{Explanation, explain};
use crate::flight::Flight;
use crate::handle::{Handle, Loaded};
use crate::link::Link;
use crate::pulse::Pulse;
use crate::snapshot::Snapshot;
use crate::status::Status;
use crate::value::Value;

/// Resolves references and keeps what they name fresh. Clones share everything.
///
/// It owns one thread, on which all backends run; that thread ends with the last clone. A call that
/// is under way is shared by all who ask for any part of what it brings, and goes on when those who
/// asked go away.
#[derive(Clone)]
pub struct Resolver {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) vaults: Vaults,
    pub(crate) directory: Arc<Directory>,
    happenings: broadcast::Sender<crate::events::Happening>,
    sender: UnboundedSender<Message>,
    /// Lands when the driver has ended.
    ended: Arc<Flight<()>>,
    pub(crate) link: Link,
}

impl Resolver {
    /// Begins to make a resolver.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(
        vaults: Vaults,
        runtime: Arc<dyn Runtime>,
        limits: Limits,
        place: Place,
        tick: Duration,
    ) -> io::Result<Self> {
        let directory = Arc::new(Directory::default());
        let pulse = Arc::new(Pulse::default());
        let (happenings, _) = broadcast::channel(HAPPENINGS);
        let shared = driver::Shared {
            directory: Arc::clone(&directory),
            pulse: Arc::clone(&pulse),
            happenings: happenings.clone(),
            runtime: Arc::clone(&runtime),
            tick,
        };
        let (sender, ended) = driver::start(shared, limits, place)?;
        let link = Link {
            pulse,
            queue: sender.downgrade(),
            runtime,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                vaults,
                directory,
                happenings,
                sender,
                ended,
                link,
            }),
        })
    }

    /// Resolves one reference: with what is held, if that is fresh, and else with one fetch that is
    /// shared by all who wait for it.
    ///
    /// # Errors
    /// Fails if the text is no reference, if it means nothing to its vault, or if there is no value
    /// that may be served; see [`Error::kind`].
    pub async fn get(&self, reference: impl AsRef<str>) -> Result<Value, Error> {
        let cell = self.cell(reference.as_ref())?;
        self.inner.link.get(&cell).await
    }

    /// Resolves several references, all at the same time, and returns the results in the order of
    /// the references. Those that look at the same secret share one call, and show one version of
    /// it unless that lacks what one of them asks for.
    pub async fn get_many<R: AsRef<str>>(
        &self,
        references: impl IntoIterator<Item = R>,
    ) -> Vec<Result<Value, Error>> {
        let cells: Vec<_> = references
            .into_iter()
            .map(|reference| self.cell(reference.as_ref()))
            .collect();
        self.get_cells(&cells).await
    }

    pub(crate) async fn get_cells(
        &self,
        cells: &[Result<Arc<Cell>, Error>],
    ) -> Vec<Result<Value, Error>> {
        let mut readings: Vec<_> = cells
            .iter()
            .map(|cell| match cell {
                Ok(cell) => Ok(Box::pin(self.inner.link.get(cell))),
                Err(error) => Err(error.clone()),
            })
            .collect();
        let mut values: Vec<Option<Result<Value, Error>>> = vec![None; readings.len()];
        poll_fn(|cx| {
            let mut open = false;
            for (reading, value) in readings.iter_mut().zip(&mut values) {
                match reading {
                    _ if value.is_some() => {}
                    Ok(future) => match future.as_mut().poll(cx) {
                        Poll::Ready(outcome) => *value = Some(outcome),
                        Poll::Pending => open = true,
                    },
                    Err(error) => *value = Some(Err(error.clone())),
                }
            }
            if open { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        let values = values.into_iter().flatten().collect();
        self.in_step(cells, values)
    }

    /// Reads again, until what came of one secret is of one answer: the engine may install another
    /// one while several readers read.
    fn in_step(
        &self,
        cells: &[Result<Arc<Cell>, Error>],
        mut values: Vec<Result<Value, Error>>,
    ) -> Vec<Result<Value, Error>> {
        let installs = |values: &[Result<Value, Error>]| -> Vec<_> {
            let read = cells.iter().zip(values).filter(|(_, value)| value.is_ok());
            read.filter_map(|(cell, _)| cell.as_ref().ok())
                .map(|cell| (cell.seat(), cell.facts().last().map(|held| held.install)))
                .collect()
        };
        if installs(&values).len() < 2 {
            return values;
        }
        for _ in 0..RE_READS {
            let before = installs(&values);
            for (cell, value) in cells.iter().zip(&mut values) {
                // What was had is not given up for what has become of it since.
                let (Ok(cell), Ok(held)) = (cell, value.as_mut()) else {
                    continue;
                };
                if let Ok(newer) = self.inner.link.look(cell) {
                    *held = newer;
                }
            }
            let mut by_seat = HashMap::new();
            let mut agree = |(seat, install): &(u32, Option<u64>)| {
                by_seat.entry(*seat).or_insert(*install) == install
            };
            if before.iter().all(&mut agree) && before == installs(&values) {
                break;
            }
        }
        values
    }

    /// Returns what is held for a reference, at once: it never blocks, and never asks the operating
    /// system for the time. What is not held is asked for from now on.
    ///
    /// # Errors
    /// [`NotYet`](ErrorKind::NotYet) if nothing is held yet, and else as [`get`](Self::get).
    pub fn cached(&self, reference: impl AsRef<str>) -> Result<Loaded, Error> {
        let cell = self.cell(reference.as_ref())?;
        self.inner.link.load(&cell)
    }

    /// Keeps a secret fresh for as long as the handle lives.
    ///
    /// # Errors
    /// Fails as [`get`](Self::get) does.
    pub async fn watch(&self, reference: impl AsRef<str>) -> Result<Handle, Error> {
        let handle = self.watch_later(reference)?;
        self.inner.link.get(handle.cell()).await?;
        Ok(handle)
    }

    /// Keeps a secret fresh for as long as the handle lives, without waiting for its first value.
    ///
    /// # Errors
    /// Fails if the text is no reference, or means nothing to its vault.
    pub fn watch_later(&self, reference: impl AsRef<str>) -> Result<Handle, Error> {
        let cell = self.cell(reference.as_ref())?;
        let handle = Handle::new(Arc::clone(&cell), self.inner.link.clone());
        if cell.ask() {
            self.inner.link.send(Event::Wanted {
                cell,
                waiting: true,
            });
        }
        Ok(handle)
    }

    /// Takes values that belong together: those of one secret come from one version of it.
    ///
    /// `references` are pairs of a name, by which the snapshot is asked, and a reference.
    ///
    /// # Errors
    /// Fails if any of the values cannot be had, also if the current version of a secret lacks a
    /// key that an older one had: a snapshot is never patched from an older version.
    pub async fn snapshot<N: AsRef<str>, R: AsRef<str>>(
        &self,
        references: impl IntoIterator<Item = (N, R)>,
    ) -> Result<Snapshot, Error> {
        let mut names = Vec::new();
        let mut cells = Vec::new();
        for (name, reference) in references {
            names.push(name.as_ref().into());
            cells.push(self.cell(reference.as_ref())?);
        }
        for value in self
            .get_cells(&cells.iter().cloned().map(Ok).collect::<Vec<_>>())
            .await
        {
            value?;
        }
        let (flight, landing) = Flight::start(|| Err((0, shut_down())));
        let asked = cells.clone();
        self.inner.link.send(Event::Snapshot {
            cells: asked,
            landing,
        });
        match &*Flight::join(&flight).await {
            Ok(frozen) => Ok(Snapshot::new(names, frozen.clone())),
            Err((place, cause)) => Err(match cells.get(*place) {
                Some(cell) => Error::backend(cell.reference(), cause.clone()),
                None => Error::closed("a snapshot"),
            }),
        }
    }

    /// Fetches references anew, whatever is held: each by a call that begins after this one was
    /// asked for. What is held stays if that fails.
    pub async fn refresh<R: AsRef<str>>(
        &self,
        references: impl IntoIterator<Item = R>,
    ) -> Vec<Result<Value, Error>> {
        let mut started = Vec::new();
        for reference in references {
            started.push(self.cell(reference.as_ref()).map(|cell| {
                let (flight, landing) = Flight::start(|| Err(Some(shut_down())));
                self.inner.link.send(Event::Refresh {
                    cell: Arc::clone(&cell),
                    landing,
                });
                (cell, Flight::join(&flight))
            }));
        }
        let mut values = Vec::with_capacity(started.len());
        for refresh in started {
            values.push(match refresh {
                Err(error) => Err(error),
                Ok((cell, landed)) => match &*landed.await {
                    Ok(()) => self.refreshed(&cell),
                    Err(Some(cause)) => Err(Error::backend(cell.reference(), cause.clone())),
                    Err(None) => Err(Error::closed(cell.reference())),
                },
            });
        }
        values
    }

    /// Returns the value that a refresh brought; a view that it did not serve says why.
    fn refreshed(&self, cell: &Arc<Cell>) -> Result<Value, Error> {
        let facts = cell.facts();
        match facts.failed() {
            Some(failed) => Err(Error::backend(cell.reference(), failed.detail().clone())),
            None => self.inner.link.look(cell),
        }
    }

    /// Returns how every reference that is held is doing, sorted by reference.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        let now = self.inner.link.runtime.clock().now();
        let mut all: Vec<_> = self
            .inner
            .directory
            .cells(None)
            .iter()
            .map(|cell| Status::of(cell, now))
            .collect();
        all.sort_by(|a, b| a.reference().cmp(b.reference()));
        all
    }

    /// Listens to what happens to secrets from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(self.inner.happenings.subscribe())
    }

    /// Explains a reference: its parts, what each means to its vault, and where each setting came
    /// from. Nothing is fetched.
    ///
    /// # Errors
    /// Fails if the text is no reference. Whatever else is wrong with it is in the explanation.
    pub fn explain(&self, reference: impl AsRef<str>) -> Result<Explanation, Error> {
        let text = reference.as_ref();
        let reference = Reference::parse(text).map_err(|cause| Error::parse(text, cause))?;
        let found = self.inner.vaults.find(reference.vault());
        Ok(explain(&reference, found))
    }

    /// Stops, and waits until everything has ended, but no longer than `deadline`. Returns whether
    /// it has. Readers and handles say [`Closed`](ErrorKind::Closed) from then on.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        // It is no error that it was told before.
        let _ = self.inner.sender.send(Message::Shutdown);
        // The thread may be held up by a backend that blocks, so another one watches the time.
        let (first, late) = Flight::start(|| false);
        let _watch = driver::Watchdog::start(deadline, late);
        let mut landed = Box::pin(Flight::join(&self.inner.ended));
        let mut late = Box::pin(Flight::join(&first));
        poll_fn(|cx| match landed.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending => late.as_mut().poll(cx).map(|_| false),
        })
        .await
    }

    /// Finds the cell of a reference, or makes it.
    pub(crate) fn cell(&self, text: &str) -> Result<Arc<Cell>, Error> {
        if let Some(cell) = self.inner.directory.find(text) {
            return Ok(cell);
        }
        let reference = Reference::parse(text).map_err(|cause| Error::parse(text, cause))?;
        if let Some(cell) = self.inner.directory.find(reference.as_str()) {
            return Ok(cell);
        }
        loop {
            let vault = self
                .inner
                .vaults
                .find(reference.vault())
                .map_err(|cause| Error::of_kind(ErrorKind::UnknownVault, text, cause))?;
            let binding =
                bind(reference.parts(), &vault).map_err(|cause| Error::backend(text, cause))?;
            let made = Arc::new(Cell::new(reference.clone(), binding));
            let cell = self.inner.directory.find_or_add(Arc::clone(&made));
            if !Arc::ptr_eq(&cell, &made) {
                return Ok(cell);
            }
            // A vault that was replaced meanwhile may have missed the cell.
            let current = self
                .inner
                .vaults
                .named()
                .get(reference.vault())
                .map(|v| v.number());
            if current == Some(cell.binding().vault.number()) {
                return Ok(cell);
            }
            self.inner.directory.forget(&cell);
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("vaults", &self.inner.vaults.named().keys())
            .field("directory", &self.inner.directory)
            .finish_non_exhaustive()
    }
}

fn shut_down() -> BackendError {
    BackendError::new(BackendErrorKind::Unavailable, "the resolver is shut down")
}

/// How often values of one secret are read again that came from different answers. One of them may
/// stay behind for good, where the newer answer lacks it.
const RE_READS: usize = 3;

/// How many happenings a slow listener may be behind before it misses some.
const HAPPENINGS: usize = 1024;
