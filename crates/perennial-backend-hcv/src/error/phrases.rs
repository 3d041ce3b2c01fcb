//! What the server says, in our words: phrases that are known to hold nothing secret.
//!
//! Some of the server's messages repeat what they were given, a secret id among them, so what
//! stands in no row is not repeated.

use std::borrow::Cow;

use serde::Deserialize;

use crate::transport::Answer;

pub(crate) const SEALED: &str = "sealed";
pub(crate) const UNINITIALISED: &str = "not initialised";
pub(crate) const NO_ACTIVE_NODE: &str = "no active node";
pub(crate) const UPGRADING: &str = "the mount is being upgraded";
pub(crate) const NO_HANDLER: &str = "no handler for this path";
pub(crate) const NO_NAMESPACE: &str = "no such namespace";
pub(crate) const CAS_MISMATCH: &str = "check-and-set did not match";
pub(crate) const CAS_REQUIRED: &str = "check-and-set is required";
pub(crate) const UNSUPPORTED: &str = "unsupported operation";
pub(crate) const INVALID_TOKEN: &str = "invalid token";
pub(crate) const NO_TOKEN: &str = "no token came";
pub(crate) const WRAPPING_GONE: &str = "the wrapping token was used or has expired";
pub(crate) const WRONG_ENGINE: &str = "the mount is KV 2";

/// What the server's words mean, in our words. What stands in no row is not repeated.
const PHRASES: &[(&str, &str)] = &[
    ("vault is sealed", SEALED),
    ("openbao is sealed", SEALED),
    ("server is not yet initialized", UNINITIALISED),
    ("vault is not initialized", UNINITIALISED),
    ("active cluster node not found", NO_ACTIVE_NODE),
    ("vault is in standby mode", NO_ACTIVE_NODE),
    ("upgrading from non-versioned", UPGRADING),
    ("no handler for route", NO_HANDLER),
    ("route entry not found", NO_HANDLER),
    ("namespace not found", NO_NAMESPACE),
    ("check-and-set parameter did not match", CAS_MISMATCH),
    ("check-and-set parameter required", CAS_REQUIRED),
    ("unsupported operation", UNSUPPORTED),
    ("unsupported path", UNSUPPORTED),
    ("invalid path for a versioned k/v", WRONG_ENGINE),
    ("invalid token", INVALID_TOKEN),
    ("bad token", INVALID_TOKEN),
    (
        "rate limit quota exceeded",
        "a rate limit quota is exceeded",
    ),
    (
        "lease count quota exceeded",
        "a lease count quota is exceeded",
    ),
    ("wrapping token is not valid", WRAPPING_GONE),
    ("missing client token", NO_TOKEN),
    ("missing secret_id", "no secret id came"),
    ("invalid role or secret id", "wrong role id or secret id"),
    ("invalid role id", "wrong role id"),
    ("invalid secret id", "wrong secret id"),
    ("invalid secret_id", "wrong secret id"),
    ("invalid username or password", "wrong name or password"),
    (
        "user is locked",
        "too many failed logins, the user is locked out",
    ),
    ("invalid role name", "no such role"),
    ("could not be found", "no such role"),
    ("entry for role", "no such role"),
    (
        "service account name not authorized",
        "the service account is not bound to the role",
    ),
    (
        "namespace not authorized",
        "the Kubernetes namespace is not bound to the role",
    ),
    ("token is expired", "the JWT has expired"),
    (
        "no known key successfully validated",
        "the JWT is signed by nobody who is known",
    ),
    ("error verifying token", "the JWT was not accepted"),
    ("audience claim", "the JWT is for another audience"),
    ("error validating", "the JWT was not accepted"),
    (
        "failed to match all constraints",
        "the certificate fits no role",
    ),
    (
        "invalid certificate",
        "no certificate came, or one that is not trusted",
    ),
    ("no certificate was matched", "the certificate fits no role"),
    ("no client certificate found", "no client certificate came"),
    ("missing client certificate", "no client certificate came"),
    (
        "client certificate must be supplied",
        "no client certificate came",
    ),
    (
        "does not belong to",
        "the AWS identity is not bound to the role",
    ),
    (
        "error making upstream request",
        "the server could not ask AWS",
    ),
    (
        "preflight capability check returned 403",
        "no policy allows anything there",
    ),
    ("permission denied", "permission denied"),
];

/// Finds out what the server said, in our words.
pub(crate) fn said(answer: &Answer) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Words<'a> {
        #[serde(borrow, default)]
        errors: Vec<Cow<'a, str>>,
        #[serde(borrow, default)]
        warnings: Option<Vec<Cow<'a, str>>>,
    }
    let words: Words<'_> = serde_json::from_slice(&answer.body).ok()?;
    let warnings = words.warnings.unwrap_or_default();
    let texts = words.errors.iter().chain(&warnings);
    let texts: Vec<_> = texts.map(|text| text.to_lowercase()).collect();
    // The first row of all that fit, in whatever order the server says them.
    PHRASES
        .iter()
        .find(|(theirs, _)| texts.iter().any(|text| text.contains(theirs)))
        .map(|(_, ours)| *ours)
}
