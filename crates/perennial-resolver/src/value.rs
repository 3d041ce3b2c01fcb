//! What a reference resolved to.

use std::fmt;
use std::time::Duration;

use perennial_backend::{Error as BackendError, Secret, Version};
use perennial_cache::{Answer, Failed};

/// Whether a value is inside its ttl.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Freshness {
    /// It is.
    Fresh,
    /// It is not, and is served while it cannot be refreshed.
    #[non_exhaustive]
    Stale {
        /// How long ago its fetch began.
        age: Duration,
        /// Why it could not be refreshed, if that was tried.
        cause: Option<BackendError>,
    },
}

impl Freshness {
    /// Returns how fresh the value of an answer is, if there is one.
    pub(crate) fn of<V>(answer: &Answer<'_, V, BackendError>) -> Option<Self> {
        match answer {
            Answer::Fresh { .. } => Some(Self::Fresh),
            Answer::Stale { age, failed, .. } => Some(Self::stale(*age, *failed)),
            _ => None,
        }
    }

    pub(crate) fn stale(age: Duration, failed: Option<&Failed<BackendError>>) -> Self {
        let cause = failed.map(Failed::detail).cloned();
        Self::Stale { age, cause }
    }

    /// Returns whether the value is inside its ttl.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh)
    }
}

/// The value of a reference, which version it is, and whether it is fresh.
#[derive(Clone)]
pub struct Value {
    secret: Secret,
    version: Option<Version>,
    freshness: Freshness,
}

impl Value {
    pub(crate) fn new(secret: Secret, version: Option<Version>, freshness: Freshness) -> Self {
        Self {
            secret,
            version,
            freshness,
        }
    }

    /// Returns the secret.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns the secret alone.
    #[must_use]
    pub fn into_secret(self) -> Secret {
        self.secret
    }

    /// Returns which version it is, where the store names versions.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Returns whether it was inside its ttl when it was read.
    #[must_use]
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value")
            .field("secret", &self.secret)
            .field("version", &self.version)
            .field("freshness", &self.freshness)
            .finish()
    }
}
