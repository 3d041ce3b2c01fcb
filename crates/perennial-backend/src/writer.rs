//! Writing versions, for those who rotate secrets.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Context, Error, Secret, Version};

/// What a writer believes to be in force, checked by the store where it can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// Whatever there is.
    #[default]
    Anything,
    /// Nothing: the secret does not exist.
    Nothing,
    /// This version.
    Version(Version),
}

/// What becomes of one version at the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VersionState {
    /// In force.
    Current,
    /// In force before, and still to be had.
    Previous,
    /// Made ready, and not yet in force.
    Pending,
    /// None of these, and still to be had.
    Other,
    /// Cannot be read, but can be brought back.
    Disabled,
    /// Gone.
    Destroyed,
}

/// A new version that is to be written.
///
/// Writers make it, backends receive it; cloning is cheap.
#[derive(Clone, Debug)]
pub struct Put {
    resource: Arc<str>,
    secret: Secret,
    expected: Expected,
    token: Option<Arc<str>>,
}

impl Put {
    /// Asks for a value to be written, whatever there is.
    #[must_use]
    pub fn new(resource: impl Into<Arc<str>>, secret: Secret) -> Self {
        Self {
            resource: resource.into(),
            secret,
            expected: Expected::Anything,
            token: None,
        }
    }

    /// Says what is believed to be in force.
    #[must_use]
    pub fn with_expected(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Gives the write a name of its own: one that is sent again with the same token is written
    /// once, where the store can tell.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<Arc<str>>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Returns the name of the secret.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns the value.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns what is believed to be in force.
    #[must_use]
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Returns the write's own name.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// A version that is to be brought into force.
#[derive(Clone, Debug)]
pub struct Promote {
    resource: Arc<str>,
    version: Version,
    expected: Expected,
}

impl Promote {
    /// Asks for a version to be brought into force, whatever is.
    #[must_use]
    pub fn new(resource: impl Into<Arc<str>>, version: Version) -> Self {
        Self {
            resource: resource.into(),
            version,
            expected: Expected::Anything,
        }
    }

    /// Says what is believed to be in force.
    #[must_use]
    pub fn with_expected(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Returns the name of the secret.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns what is believed to be in force.
    #[must_use]
    pub fn expected(&self) -> &Expected {
        &self.expected
    }
}

/// Writes versions, for those who rotate secrets.
///
/// Each call either happened whole or not at all. One that failed with a transient error may have
/// happened: the caller looks at [`versions`](VersionedWriter::versions) before trying again.
#[async_trait]
pub trait VersionedWriter: Send + Sync {
    /// Writes a new version, not in force where the store can keep it so, and returns it.
    async fn put(&self, cx: &Context, request: &Put) -> Result<Version, Error>;

    /// Brings a version into force; the one that was in force becomes the previous one.
    async fn promote(&self, cx: &Context, request: &Promote) -> Result<(), Error>;

    /// Ends the life of a version that is not in force.
    async fn retire(&self, cx: &Context, resource: &str, version: &Version) -> Result<(), Error>;

    /// Lists the versions, newest first.
    async fn versions(
        &self,
        cx: &Context,
        resource: &str,
    ) -> Result<Vec<(Version, VersionState)>, Error>;
}
