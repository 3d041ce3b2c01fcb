//! What a backend is asked for.

use std::sync::Arc;

use crate::{Selector, Version};

/// Why a value is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Somebody waits for it.
    #[default]
    Read,
    /// It is held already and may have become old.
    Refresh,
    /// A login failed with the value that is held.
    Ladder,
    /// Somebody wants to know whether it can be had. A backend whose reads have effects (it makes
    /// database users, say) must find that out without causing them.
    Check,
}

/// One secret, as a backend is asked for it.
///
/// Backends receive requests and drivers make them; cloning is cheap.
#[derive(Clone, Debug)]
pub struct Request {
    resource: Arc<str>,
    selector: Selector,
    options: Arc<[(Box<str>, Box<str>)]>,
    known: Option<Version>,
    purpose: Purpose,
}

impl Request {
    /// Makes a request for the current version of a resource, to be read.
    #[must_use]
    pub fn new(resource: impl Into<Arc<str>>) -> Self {
        Self {
            resource: resource.into(),
            selector: Selector::Current,
            options: Arc::new([]),
            known: None,
            purpose: Purpose::Read,
        }
    }

    /// Asks for another version.
    #[must_use]
    pub fn with_selector(mut self, selector: Selector) -> Self {
        self.selector = selector;
        self
    }

    /// Gives the options that the reference set and the vault allows.
    #[must_use]
    pub fn with_options(mut self, options: impl Into<Arc<[(Box<str>, Box<str>)]>>) -> Self {
        self.options = options.into();
        self
    }

    /// Says which version is held already.
    #[must_use]
    pub fn with_known_version(mut self, version: Version) -> Self {
        self.known = Some(version);
        self
    }

    /// Says why the value is wanted.
    #[must_use]
    pub fn with_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Returns the name of the secret: decoded, never empty, without control characters. Everything
    /// else about names is the backend's to check.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns which version is wanted; only those that the backend declared come here.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Returns the value of an option that stands in for the setting of the same name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, value)| &**value)
    }

    /// Returns all options, sorted by name.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the version that is held already: a backend that can tell cheaply may answer
    /// [`Fetched::unchanged`](crate::Fetched::unchanged).
    #[must_use]
    pub fn known_version(&self) -> Option<&Version> {
        self.known.as_ref()
    }

    /// Returns why the value is wanted.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }
}
