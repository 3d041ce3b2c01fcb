//! What a reference resolved to.

use std::fmt;

use perennial_backend::{Secret, Version};

/// The value of a reference, and which version it is.
#[derive(Clone)]
pub struct Value {
    secret: Secret,
    version: Option<Version>,
}

impl Value {
    pub(crate) fn new(secret: Secret, version: Option<Version>) -> Self {
        Self { secret, version }
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
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value")
            .field("secret", &self.secret)
            .field("version", &self.version)
            .finish()
    }
}
