//! What a backend answers: the value, and the facts that came with it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Error, Lease, Secret, Version};

/// The answer to one [`Request`](crate::Request).
///
/// Every duration counts from the start of the request, so that an answer which took long is not
/// held for too long.
#[derive(Clone, Debug)]
pub struct Fetched {
    payload: Payload,
    version: Option<Version>,
    ttl_hint: Option<Duration>,
    hard_end: Option<Duration>,
    lease: Option<Lease>,
    next_rotation: Option<Duration>,
    aliases: Vec<Box<str>>,
}

/// What an answer holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Payload {
    /// One value; a key looks into it as JSON.
    Secret(Secret),
    /// Several named values; a key names one of them.
    Members(Members),
    /// The version that the request named is still the one in force.
    Unchanged,
}

impl Fetched {
    /// Answers with one value.
    #[must_use]
    pub fn secret(secret: Secret) -> Self {
        Self::new(Payload::Secret(secret))
    }

    /// Answers with several named values.
    #[must_use]
    pub fn members(members: Members) -> Self {
        Self::new(Payload::Members(members))
    }

    /// Answers that the version which the request named is still in force.
    ///
    /// Invariant: only a request that names a known version is answered so.
    #[must_use]
    pub fn unchanged(version: Version) -> Self {
        Self::new(Payload::Unchanged).with_version(version)
    }

    fn new(payload: Payload) -> Self {
        Self {
            payload,
            version: None,
            ttl_hint: None,
            hard_end: None,
            lease: None,
            next_rotation: None,
            aliases: Vec::new(),
        }
    }

    /// Says which version this is.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// Says how long the provider would hold it. It never lengthens a ttl that somebody set.
    #[must_use]
    pub fn with_ttl_hint(mut self, span: Duration) -> Self {
        self.ttl_hint = Some(span);
        self
    }

    /// Says when it ends for good; nothing is served past that, whatever the policy.
    #[must_use]
    pub fn with_hard_end(mut self, span: Duration) -> Self {
        self.hard_end = Some(span);
        self
    }

    /// Says that it is lent, and on what terms.
    #[must_use]
    pub fn with_lease(mut self, lease: Lease) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Says when the provider will rotate it next.
    #[must_use]
    pub fn with_next_rotation(mut self, span: Duration) -> Self {
        self.next_rotation = Some(span);
        self
    }

    /// Adds another name under which the same secret may be asked for, such as an ARN.
    #[must_use]
    pub fn with_alias(mut self, name: impl Into<Box<str>>) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// Returns what the answer holds.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Returns which version this is.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Returns how long the provider would hold it.
    #[must_use]
    pub fn ttl_hint(&self) -> Option<Duration> {
        self.ttl_hint
    }

    /// Returns when it ends for good.
    #[must_use]
    pub fn hard_end(&self) -> Option<Duration> {
        self.hard_end
    }

    /// Returns the terms on which it is lent.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Returns when the provider will rotate it next.
    #[must_use]
    pub fn next_rotation(&self) -> Option<Duration> {
        self.next_rotation
    }

    /// Returns other names of the same secret.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|name| &**name)
    }
}

/// Several named values of one version of one resource.
///
/// One that could not be read holds its error and fails only those who want it.
#[derive(Clone, Debug, Default)]
pub struct Members {
    named: BTreeMap<Box<str>, Result<Secret, Error>>,
}

impl Members {
    /// Makes an empty collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; one of the same name is replaced.
    pub fn insert(&mut self, name: impl Into<Box<str>>, member: Result<Secret, Error>) {
        self.named.insert(name.into(), member);
    }

    /// Returns the value with this name, or why it could not be read.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Result<&Secret, &Error>> {
        self.named.get(name).map(Result::as_ref)
    }

    /// Returns all values in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Result<&Secret, &Error>)> {
        self.named
            .iter()
            .map(|(name, member)| (&**name, member.as_ref()))
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

impl<N: Into<Box<str>>> FromIterator<(N, Secret)> for Members {
    fn from_iter<I: IntoIterator<Item = (N, Secret)>>(members: I) -> Self {
        let named = members
            .into_iter()
            .map(|(name, secret)| (name.into(), Ok(secret)))
            .collect();
        Self { named }
    }
}
