//! What an answer holds: bytes in, facts out. Nothing is sent here, and no message repeats content.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use perennial_backend::{Secret, UnixTime, Version, VersionState};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::config::Engine;
use crate::dates;

/// The frame in which everything comes.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    auth: Option<&'a RawValue>,
    #[serde(default)]
    lease_duration: Option<u64>,
}

/// Returns whether a body is in the frame in which Vault and OpenBao say everything, refusals too.
pub(crate) fn is_vaults(body: &[u8]) -> bool {
    let read: Result<BTreeMap<Cow<'_, str>, IgnoredAny>, _> = serde_json::from_slice(body);
    read.is_ok_and(|members| FRAME.iter().any(|name| members.contains_key(*name)))
}

const FRAME: &[&str] = &["errors", "data", "warnings", "auth"];

fn frame(body: &[u8]) -> Option<Frame<'_>> {
    read(serde_json::from_slice(body).ok()?)
}

/// Reads what is in an object; a list, which would do as well, is none.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(object(raw)?).ok()
}

/// Returns the JSON text of an object; of anything else, nothing.
fn object(raw: &RawValue) -> Option<&str> {
    Some(raw.get()).filter(|text| text.starts_with('{'))
}

/// A secret of KV 1.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) object: Secret,
    pub(crate) ttl_hint: Option<Duration>,
}

/// Reads a secret of KV 1.
pub(crate) fn plain(body: &[u8]) -> Option<Plain> {
    let frame = frame(body)?;
    let object = Secret::from(object(frame.data?)?);
    // The server's own default says nothing about this secret: with it, nobody would notice a
    // rotation for a month.
    let hint = frame
        .lease_duration
        .filter(|seconds| !matches!(*seconds, 0 | DEFAULT_LEASE));
    Some(Plain {
        object,
        ttl_hint: hint.map(Duration::from_secs),
    })
}

/// 768 hours, the lease of a secret for which nobody set one.
const DEFAULT_LEASE: u64 = 768 * 3600;

/// What KV 2 says of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) number: u64,
    pub(crate) created_at: Option<UnixTime>,
    pub(crate) deleted_at: Option<UnixTime>,
    pub(crate) destroyed: bool,
}

impl Facts {
    pub(crate) fn version(&self) -> Version {
        let version = Version::new(self.number.to_string());
        match self.created_at {
            Some(at) => version.with_created_at(at),
            None => version,
        }
    }
}

#[derive(Deserialize)]
struct RawFacts<'a> {
    #[serde(default)]
    version: Option<u64>,
    #[serde(borrow, default)]
    created_time: Cow<'a, str>,
    #[serde(borrow, default)]
    deletion_time: Cow<'a, str>,
    #[serde(default)]
    destroyed: bool,
}

impl RawFacts<'_> {
    fn facts(&self, number: u64) -> Facts {
        Facts {
            number,
            created_at: dates::parse(&self.created_time),
            deleted_at: dates::parse(&self.deletion_time),
            destroyed: self.destroyed,
        }
    }
}

/// A version of KV 2, with its value unless it was deleted or destroyed.
#[derive(Debug)]
pub(crate) struct Versioned {
    pub(crate) object: Option<Secret>,
    pub(crate) facts: Facts,
}

/// Reads a version of KV 2, deleted and destroyed ones too.
pub(crate) fn versioned(body: &[u8]) -> Option<Versioned> {
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(borrow)]
        metadata: RawFacts<'a>,
    }
    let inner: Inner<'_> = read(frame(body)?.data?)?;
    let number = inner.metadata.version?;
    let object = match inner.data {
        Some(raw) => Some(Secret::from(object(raw)?)),
        None => None,
    };
    Some(Versioned {
        object,
        facts: inner.metadata.facts(number),
    })
}

/// Reads what came of writing a version.
pub(crate) fn written(body: &[u8]) -> Option<Facts> {
    let raw: RawFacts<'_> = read(frame(body)?.data?)?;
    Some(raw.facts(raw.version?))
}

/// Reads the versions of a secret, newest first, and the state of each.
pub(crate) fn versions(body: &[u8], now: UnixTime) -> Option<Vec<(Facts, VersionState)>> {
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(default)]
        current_version: u64,
        #[serde(borrow, default)]
        versions: BTreeMap<Cow<'a, str>, RawFacts<'a>>,
    }
    let inner: Inner<'_> = read(frame(body)?.data?)?;
    let mut facts = Vec::with_capacity(inner.versions.len());
    for (number, raw) in &inner.versions {
        facts.push(raw.facts(number.parse().ok()?));
    }
    facts.sort_unstable_by_key(|facts| std::cmp::Reverse(facts.number));
    let mut previous = VersionState::Previous;
    let states = facts.into_iter().map(|facts| {
        let deleted = facts.deleted_at.is_some_and(|at| at <= now);
        let state = if facts.destroyed {
            VersionState::Destroyed
        } else if deleted {
            VersionState::Disabled
        } else if facts.number == inner.current_version {
            VersionState::Current
        } else {
            std::mem::replace(&mut previous, VersionState::Other)
        };
        (facts, state)
    });
    Some(states.collect())
}

/// What is mounted somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mounted {
    /// The mount's own path, without slashes at its ends.
    pub(crate) path: Option<String>,
    /// The KV version; of another engine its type, if that may be shown.
    pub(crate) engine: Result<Engine, Option<String>>,
}

/// Reads what is mounted somewhere.
pub(crate) fn mounted(body: &[u8]) -> Option<Mounted> {
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, default)]
        path: Option<Cow<'a, str>>,
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow, default)]
        options: Option<Options<'a>>,
    }
    #[derive(Default, Deserialize)]
    struct Options<'a> {
        #[serde(borrow, default)]
        version: Option<Cow<'a, str>>,
    }
    let inner: Inner<'_> = read(frame(body)?.data?)?;
    let version = inner.options.unwrap_or_default().version;
    let engine = match (&*inner.kind, version.as_deref()) {
        ("kv" | "generic", Some("2")) => Ok(Engine::V2),
        ("kv" | "generic" | "cubbyhole", _) => Ok(Engine::V1),
        (other, _) => {
            let plain = |text: &&str| {
                text.len() <= 40
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            };
            Err(Some(other).filter(plain).map(str::to_owned))
        }
    };
    let path = inner.path.map(|path| path.trim_matches('/').to_owned());
    Some(Mounted { path, engine })
}

/// What a login or a renewal brought.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) token: Secret,
    pub(crate) lease: Option<Duration>,
    pub(crate) renewable: bool,
}

#[derive(Deserialize)]
struct RawGrant {
    client_token: Secret,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

/// Reads what a login or a renewal brought.
pub(crate) fn granted(body: &[u8]) -> Option<Granted> {
    let raw: RawGrant = read(frame(body)?.auth?)?;
    Some(Granted {
        token: raw.client_token,
        lease: lease(raw.lease_duration),
        renewable: raw.renewable,
    })
}

/// What the server says of the token with which it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) lease: Option<Duration>,
    pub(crate) renewable: bool,
}

/// Reads what the server says of a token.
pub(crate) fn known(body: &[u8]) -> Option<Known> {
    #[derive(Deserialize)]
    struct Inner {
        ttl: u64,
        #[serde(default)]
        renewable: bool,
    }
    let inner: Inner = read(frame(body)?.data?)?;
    Some(Known {
        lease: lease(inner.ttl),
        renewable: inner.renewable,
    })
}

/// A lease of nothing is that of a token that never ends.
fn lease(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Reads the secret id that came out of a wrapping token.
pub(crate) fn unwrapped(body: &[u8]) -> Option<Secret> {
    #[derive(Deserialize)]
    struct Inner {
        secret_id: Secret,
    }
    let inner: Inner = read(frame(body)?.data?)?;
    Some(inner.secret_id)
}

#[cfg(test)]
mod tests;
