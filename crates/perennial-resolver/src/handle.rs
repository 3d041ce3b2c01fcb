//! What a program keeps for a secret that it needs again and again.

use std::fmt;
use std::sync::Arc;

use arc_swap::Guard;
use perennial_backend::{Secret, Version};

use crate::cell::{Cell, CellFacts};
use crate::error::Error;
use crate::link::Link;
use crate::status::Status;
use crate::value::{Freshness, Value};

/// Keeps one secret fresh for as long as it lives.
///
/// Reading neither blocks nor asks the operating system for the time. A handle does not keep the
/// resolver alive: without it, an old value must not look fresh, so [`load`](Self::load) says
/// [`Closed`](crate::ErrorKind::Closed); [`last`](Self::last) still answers.
pub struct Handle {
    cell: Arc<Cell>,
    link: Link,
}

impl Handle {
    pub(crate) fn new(cell: Arc<Cell>, link: Link) -> Self {
        cell.pin();
        Self { cell, link }
    }

    pub(crate) fn cell(&self) -> &Arc<Cell> {
        &self.cell
    }

    /// Returns the canonical reference.
    #[must_use]
    pub fn reference(&self) -> &str {
        self.cell.reference().as_str()
    }

    /// Lends the value under a guard: the fast path.
    ///
    /// A guard that is kept for long keeps an old value in memory; it is for reading now.
    ///
    /// # Errors
    /// [`Expired`](crate::ErrorKind::Expired) if the value is too old to be served;
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the vault drops values on such
    /// an answer, or none was ever held; [`NotYet`](crate::ErrorKind::NotYet) before the first
    /// fetch has ended; [`Closed`](crate::ErrorKind::Closed) once the resolver or the vault is gone.
    pub fn load(&self) -> Result<Loaded, Error> {
        self.link.load(&self.cell)
    }

    /// Returns the secret: a cheap clone that can be sent elsewhere.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn secret(&self) -> Result<Secret, Error> {
        self.load().map(|loaded| loaded.secret().clone())
    }

    /// Returns the last value ever seen, whatever its age and whatever became of the resolver. It
    /// says that it is stale unless [`load`](Self::load) would give it as fresh.
    #[must_use]
    pub fn last(&self) -> Option<Value> {
        let facts = self.cell.facts();
        let held = facts.last()?;
        let now = self.link.pulse.now();
        let is_kept = !self.link.pulse.has_stopped() && !self.cell.is_removed();
        let is_fresh = is_kept && facts.lookup(now, &self.cell.binding().policy).is_fresh();
        let freshness = if is_fresh {
            Freshness::Fresh
        } else {
            let age = facts.fetched_at().map(|at| now.since(at));
            Freshness::stale(age.unwrap_or_default(), facts.failed())
        };
        let (secret, version) = (held.secret.clone(), held.version.clone());
        Some(Value::new(secret, version, freshness))
    }

    /// Watches for new values, beginning with the next one.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let seen = self.cell.facts().last().map(|held| held.revision);
        Changes {
            handle: self.clone(),
            seen,
        }
    }

    /// Returns how the secret is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.cell, self.link.runtime.clock().now())
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.cell), self.link.clone())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.cell.unpin();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("reference", &self.reference())
            .finish_non_exhaustive()
    }
}

/// A value lent to whoever reads it.
pub struct Loaded {
    facts: Guard<Arc<CellFacts>>,
    freshness: Freshness,
}

impl Loaded {
    /// Only for facts that hold a value.
    pub(crate) fn new(facts: Guard<Arc<CellFacts>>, freshness: Freshness) -> Self {
        Self { facts, freshness }
    }

    /// Returns the secret.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        static NOTHING: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(|| Secret::new(""));
        // Invariant: facts that were judged fresh or stale hold a value.
        debug_assert!(self.facts.last().is_some());
        self.facts.last().map_or(&NOTHING, |held| &held.secret)
    }

    /// Returns which version it is, where the store names versions.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.facts.last()?.version.as_ref()
    }

    /// Returns whether it was inside its ttl when it was read.
    #[must_use]
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("version", &self.version())
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}

/// New values of one secret, the latest of which wins.
///
/// It has a place of its own: what came while nobody looked is skipped, but for the last.
pub struct Changes {
    handle: Handle,
    seen: Option<u64>,
}

impl Changes {
    /// Waits for a value other than the last one that was seen; `None` once the resolver or the
    /// vault is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Value> {
        let cell = Arc::clone(&self.handle.cell);
        loop {
            let turns = cell.turns();
            if self.handle.link.pulse.has_stopped() || cell.is_removed() {
                return None;
            }
            let revision = cell.facts().last().map(|held| held.revision);
            if revision.is_some() && revision != self.seen {
                self.seen = revision;
                return self.handle.last();
            }
            cell.turn_after(turns).await;
        }
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("reference", &self.handle.reference())
            .finish_non_exhaustive()
    }
}
