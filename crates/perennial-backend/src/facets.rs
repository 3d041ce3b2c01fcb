//! What only some backends can do: tell of changes, lend, log in, write.

use std::time::Duration;

use async_trait::async_trait;
use perennial_clock::Moment;

use crate::{Context, Error, VersionedWriter};

/// The facets of one backend.
#[derive(Clone, Copy, Default)]
pub struct Facets<'a> {
    changes: Option<&'a dyn Changes>,
    leases: Option<&'a dyn Leases>,
    upkeep: Option<&'a dyn Upkeep>,
    writer: Option<&'a dyn VersionedWriter>,
}

impl<'a> Facets<'a> {
    /// Makes the facets of a backend that can only be read.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            changes: None,
            leases: None,
            upkeep: None,
            writer: None,
        }
    }

    /// Adds that it tells of changes.
    #[must_use]
    pub const fn with_changes(mut self, facet: &'a dyn Changes) -> Self {
        self.changes = Some(facet);
        self
    }

    /// Adds that it lends secrets.
    #[must_use]
    pub const fn with_leases(mut self, facet: &'a dyn Leases) -> Self {
        self.leases = Some(facet);
        self
    }

    /// Adds that it has a login to keep alive.
    #[must_use]
    pub const fn with_upkeep(mut self, facet: &'a dyn Upkeep) -> Self {
        self.upkeep = Some(facet);
        self
    }

    /// Adds that it can be written.
    #[must_use]
    pub const fn with_writer(mut self, facet: &'a dyn VersionedWriter) -> Self {
        self.writer = Some(facet);
        self
    }

    /// Returns how it tells of changes.
    #[must_use]
    pub const fn changes(&self) -> Option<&'a dyn Changes> {
        self.changes
    }

    /// Returns how it lends secrets.
    #[must_use]
    pub const fn leases(&self) -> Option<&'a dyn Leases> {
        self.leases
    }

    /// Returns how its login is kept alive.
    #[must_use]
    pub const fn upkeep(&self) -> Option<&'a dyn Upkeep> {
        self.upkeep
    }

    /// Returns how it is written.
    #[must_use]
    pub const fn writer(&self) -> Option<&'a dyn VersionedWriter> {
        self.writer
    }
}

impl std::fmt::Debug for Facets<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facets")
            .field("changes", &self.changes.is_some())
            .field("leases", &self.leases.is_some())
            .field("upkeep", &self.upkeep.is_some())
            .field("writer", &self.writer.is_some())
            .finish()
    }
}

/// Tells that something has changed at the store. It never carries values.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Begins to listen.
    ///
    /// 1. Changes after this call returned are told of, of the resources that are being watched.
    /// 2. Hints may come twice, late, or for nothing: the driver fetches and compares.
    async fn subscribe(&self, cx: &Context) -> Result<Box<dyn Hints>, Error>;

    /// Says that a resource is held from now on. What a store announces anyway needs nothing here.
    fn watch(&self, resource: &str) {
        let _ = resource;
    }

    /// Says that a resource is no longer held.
    fn unwatch(&self, resource: &str) {
        let _ = resource;
    }
}

/// A stream of hints.
#[async_trait]
pub trait Hints: Send {
    /// Waits for the next hint; `None` once the stream has ended, which loses later changes until
    /// somebody subscribes again. Dropping the future loses no hint.
    async fn next(&mut self) -> Option<Hint>;
}

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// This resource.
    Resource(Box<str>),
    /// Every resource whose name begins so.
    Prefix(Box<str>),
    /// Any resource of the vault.
    Everything,
    /// Unknown: the stream lost something, so everything may have changed.
    Lost,
}

/// The terms on which a secret is lent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    id: Box<str>,
    duration: Duration,
    max: Option<Duration>,
    renewable: bool,
}

impl Lease {
    /// Makes a lease that ends after `duration`, counted from the start of the request.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>, duration: Duration) -> Self {
        Self {
            id: id.into(),
            duration,
            max: None,
            renewable: false,
        }
    }

    /// Says that it can be renewed.
    #[must_use]
    pub fn renewable(mut self) -> Self {
        self.renewable = true;
        self
    }

    /// Says after what span, counted from the start of the request, no renewal helps any more.
    #[must_use]
    pub fn with_max(mut self, span: Duration) -> Self {
        self.max = Some(span);
        self
    }

    /// Returns the store's id of the lease.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns after what span it ends.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns after what span no renewal helps any more.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.max
    }

    /// Returns whether it can be renewed.
    #[must_use]
    pub fn is_renewable(&self) -> bool {
        self.renewable
    }
}

/// Prolongs and ends what was lent.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Prolongs a lease; the new terms count from the start of this call, and may be shorter than
    /// what was asked for.
    async fn renew(&self, cx: &Context, lease: &Lease, wanted: Duration) -> Result<Lease, Error>;

    /// Ends a lease. One that has ended already is no error.
    async fn revoke(&self, cx: &Context, lease: &Lease) -> Result<(), Error>;
}

/// Keeps the backend's own login alive.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Returns when [`upkeep`](Upkeep::upkeep) should be called next; `None` while there is nothing
    /// to keep alive. It is cheap, and asked after every call of the backend.
    fn due(&self) -> Option<Moment>;

    /// Does what is due. A failure costs no value that is held and no login that still works; the
    /// driver calls again after a pause.
    async fn upkeep(&self, cx: &Context) -> Result<(), Error>;
}
