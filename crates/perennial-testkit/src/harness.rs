//! What the conformance suite needs to be able to do to a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Backend, Context, async_trait};

use crate::LiveRuntime;

/// Prepares a store for the conformance suite, and a backend that reads from it.
///
/// Each rule starts a harness of its own, so nothing of one rule is seen by another. What a store
/// cannot be made to do is answered with [`Unable`]; the test file has to list the rules that this
/// leaves out.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Returns the backend under test; the same each time.
    fn backend(&self) -> Arc<dyn Backend>;

    /// Makes a context for one call.
    fn context(&self) -> Context {
        LiveRuntime::new().context(Duration::from_secs(20))
    }

    /// Writes a new secret and returns the resource under which the backend finds it. The label is
    /// made of lower-case letters; two labels mean two secrets.
    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable>;

    /// Gives a secret a new value, as a rotation does: the old one becomes the previous version,
    /// where the store has such a thing.
    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable>;

    /// Makes a new value ready without bringing it into force.
    async fn prepare(&self, _resource: &str, _value: &[u8]) -> Result<(), Unable> {
        Err(Unable::new("this store has no pending versions"))
    }

    /// Removes a secret.
    async fn delete(&self, resource: &str) -> Result<(), Unable>;

    /// Writes a secret of several named values and returns its resource.
    async fn seed_members(
        &self,
        _label: &str,
        _members: &[(&str, &[u8])],
    ) -> Result<String, Unable> {
        Err(Unable::new("this store has no secrets of several values"))
    }

    /// Forbids the backend to read a secret.
    async fn deny(&self, resource: &str) -> Result<(), Unable>;

    /// Takes the store down, or up again. What it holds stays.
    async fn outage(&self, down: bool) -> Result<(), Unable>;

    /// Lets the store take calls and answer none, or answer again.
    async fn hang(&self, _hung: bool) -> Result<(), Unable> {
        Err(Unable::new("this store cannot be made to hang"))
    }

    /// Returns a well-formed resource that does not exist.
    fn absent(&self) -> String {
        "absent".to_owned()
    }

    /// Returns names that try to leave the place which the settings give, beside those that the
    /// suite knows. A secret with the value [`OUTSIDE`] lies where they would lead.
    async fn escapes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Counts the effects that reads have had at the store.
    async fn effects(&self) -> Result<usize, Unable> {
        Err(Unable::new("reads of this store have no effects"))
    }

    /// Returns how many calls the store has seen, where it counts them.
    async fn calls(&self) -> Result<usize, Unable> {
        Err(Unable::new("this store does not count its calls"))
    }
}

/// The value that a backend must never bring: it lies outside the place that its settings give.
pub const OUTSIDE: &[u8] = b"canary-from-outside";

/// Says why a store cannot be made to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unable {
    reason: String,
}

impl Unable {
    /// Makes the answer of a harness that cannot do what it was asked for.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unable {}
