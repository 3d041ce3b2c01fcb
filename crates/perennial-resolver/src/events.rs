//! What happens to secrets, for those who listen: a stream, `tracing` events and `metrics`.

use std::fmt;

use perennial_backend::{Error as BackendError, Version};

use tokio::sync::broadcast;

use crate::cell::Cell;
use crate::error::ErrorKind;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum What {
    /// A new version was taken in.
    Rotated,
    /// A value could not be refreshed, or not be fetched at all; it is still inside its ttl, or
    /// there is none.
    RefreshFailed,
    /// A value is past its ttl, could not be refreshed, and is served all the same.
    Stale,
    /// A value has failed for longer than it may be served.
    Expired,
    /// There is no such secret, or no such member in it.
    Missing,
    /// A value is well again.
    Recovered,
    /// A store is given a rest: its calls failed one after another.
    VaultDown,
    /// A store answers again.
    VaultUp,
}

impl What {
    /// Returns the stable name: `refresh_failed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::RefreshFailed => "refresh_failed",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::Missing => "missing",
            Self::Recovered => "recovered",
            Self::VaultDown => "vault_down",
            Self::VaultUp => "vault_up",
        }
    }
}

/// Something that happened, once for each change of state and never once for each attempt.
///
/// It holds names and kinds, and nothing of a value.
#[derive(Clone, Debug)]
pub struct Happening {
    what: What,
    vault: Box<str>,
    reference: Option<Box<str>>,
    version: Option<Version>,
    kind: Option<ErrorKind>,
    message: Option<Box<str>>,
}

impl Happening {
    pub(crate) fn of_cell(cell: &Cell, what: What, cause: Option<&BackendError>) -> Self {
        let reference = cell.reference();
        Self::new(what, reference.vault(), Some(reference.as_str()), cause)
    }

    pub(crate) fn of_vault(vault: &str, what: What, cause: Option<&BackendError>) -> Self {
        Self::new(what, vault, None, cause)
    }

    fn new(what: What, vault: &str, reference: Option<&str>, cause: Option<&BackendError>) -> Self {
        Self {
            what,
            vault: vault.into(),
            reference: reference.map(Into::into),
            version: None,
            kind: cause.map(|cause| cause.kind().into()),
            message: cause.map(|cause| cause.message().into()),
        }
    }

    pub(crate) fn set_version(&mut self, version: Option<&Version>) {
        self.version = version.cloned();
    }

    /// Returns what happened.
    #[must_use]
    pub fn what(&self) -> What {
        self.what
    }

    /// Returns the name of the vault.
    #[must_use]
    pub fn vault(&self) -> &str {
        &self.vault
    }

    /// Returns the canonical reference, unless it is about the whole vault.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Returns the version that was taken in, where the store names versions.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Returns the kind of failure, if there is one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.kind
    }

    /// Returns what the failure says, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Writes it to whoever collects logs and metrics.
    pub(crate) fn announce(&self) {
        let (what, vault) = (self.what.as_str(), &*self.vault);
        let reference = self.reference.as_deref().unwrap_or_default();
        let kind = self.kind.map(ErrorKind::as_str).unwrap_or_default();
        let message = self.message.as_deref().unwrap_or_default();
        match self.what {
            What::Rotated | What::Recovered | What::VaultUp => {
                tracing::info!(what, vault, reference, "secret");
            }
            _ => tracing::warn!(what, vault, reference, kind, message, "secret"),
        }
        metrics::counter!("perennial_events_total", "what" => what, "vault" => vault.to_owned())
            .increment(1);
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.reference.as_deref().unwrap_or(&self.vault);
        write!(f, "{} {subject}", self.what.as_str())?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

/// The stream of what happens.
pub struct Events {
    receiver: broadcast::Receiver<Happening>,
}

impl Events {
    pub(crate) fn new(receiver: broadcast::Receiver<Happening>) -> Self {
        Self { receiver }
    }

    /// Waits for the next thing that happens; `None` once the resolver is gone.
    ///
    /// A listener that is more than a thousand behind misses the oldest.
    pub async fn next(&mut self) -> Option<Happening> {
        loop {
            match self.receiver.recv().await {
                Ok(happening) => return Some(happening),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Returns what has happened and was not looked at yet, if anything.
    pub fn try_next(&mut self) -> Option<Happening> {
        loop {
            match self.receiver.try_recv() {
                Ok(happening) => return Some(happening),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return None,
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
