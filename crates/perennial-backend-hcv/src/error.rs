//! How failures become ours: one table for what the server answers, one for what the client says.
//!
//! No error value of the client is kept, and of what the server says only phrases that are listed
//! here are repeated: nobody knows what else a body holds.

mod broken;
mod phrases;

use std::borrow::Cow;
use std::time::Duration;

use perennial_backend::{Cause, ContextKey, Error, ErrorKind, Operation};

use crate::answer;
use crate::transport::Answer;

pub(crate) use broken::{Broken, broken, is_about_certificates, no_client, too_large};
use phrases::{
    CAS_MISMATCH, CAS_REQUIRED, NO_ACTIVE_NODE, NO_HANDLER, NO_NAMESPACE, NO_TOKEN, SEALED,
    UNINITIALISED, UNSUPPORTED, UPGRADING,
};
pub(crate) use phrases::{INVALID_TOKEN, WRAPPING_GONE, WRONG_ENGINE, said};

/// What a call was about, for the messages of its failure.
#[derive(Clone, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) operation: Operation,
    /// The name of the secret, where the call is about one.
    pub(crate) resource: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
    /// The path as policies have it.
    pub(crate) path: Cow<'a, str>,
    /// What a policy has to allow there.
    pub(crate) capability: &'static str,
}

impl Site<'_> {
    /// Makes an error about this call.
    pub(crate) fn error(&self, kind: ErrorKind, message: String) -> Error {
        self.about(Error::new(kind, message))
    }

    /// Adds what the call was about.
    pub(crate) fn about(&self, error: Error) -> Error {
        let error = error.with_operation(self.operation);
        let error = match self.resource {
            Some(resource) => error.with_context(ContextKey::Resource, resource),
            None => error,
        };
        match self.namespace {
            Some(namespace) => error.with_context(ContextKey::Namespace, namespace),
            None => error,
        }
    }

    /// Takes a refusal for what it says only if Vault or OpenBao gave it. What stands before a
    /// server (an ingress, a filter of requests) knows no secrets and no policies.
    pub(crate) fn vaults(&self, answer: Answer) -> Result<Answer, Error> {
        let says_no = matches!(answer.status, 400 | 401 | 403 | 404 | 405);
        if !says_no || answer::is_vaults(&answer.body) {
            return Ok(answer);
        }
        let help = if wants_tls(&answer.body) {
            "it speaks TLS: set `protocol` to `https`, or let `address` begin with it"
        } else {
            "something in between answers in its place: is the address right?"
        };
        let error = self.error(
            ErrorKind::Unavailable,
            "what answers is not Vault or OpenBao".to_owned(),
        );
        let error = match answer.retry_after {
            Some(span) => error.with_retry_after(span),
            None => error,
        };
        Err(error.with_help(help).with_cause(cause(&answer, None)))
    }

    /// Makes the error for an answer that is no success.
    pub(crate) fn failed(&self, answer: &Answer) -> Error {
        let said = said(answer);
        let path = &self.path;
        if let Some(error) = self.by_phrase(answer, said) {
            return error;
        }
        let row = ROWS.iter().find(|row| row.status == answer.status);
        let (kind, what, advice, help) = match row {
            Some(row) => (row.kind, row.what, row.advice, row.help),
            None if answer.elsewhere => (
                ErrorKind::Unavailable,
                "sends us elsewhere, where the token is not carried",
                Some(30),
                "another host, or https in the place of http: set the address to the active node, \
                 to what stands before all of them, or to what begins with https",
            ),
            None if answer.status >= 500 => (
                ErrorKind::Unavailable,
                "has failed",
                None,
                "the log of the server says why",
            ),
            None => (
                ErrorKind::Unexpected,
                "gave an answer that nobody knows",
                None,
                "is the address that of a Vault or OpenBao server?",
            ),
        };
        let error = match kind {
            ErrorKind::PermissionDenied => {
                let capability = self.capability;
                let message = format!("the token may not {capability} `{path}`");
                self.error(kind, message)
                    .with_context(ContextKey::Capability, capability)
                    .with_help(format!(
                        "its policy has to have: path \"{path}\" {{ capabilities = \
                         [\"{capability}\"] }}"
                    ))
            }
            ErrorKind::NotFound => self.error(kind, format!("there is nothing at `{path}`")),
            _ => self
                .error(kind, format!("the server {what}"))
                .with_help(help),
        };
        let error = match answer.retry_after.or(advice.map(Duration::from_secs)) {
            Some(span) if kind != ErrorKind::NotFound => error.with_retry_after(span),
            _ => error,
        };
        error.with_cause(cause(answer, said))
    }

    /// Makes the error for an answer whose words say more than its status.
    fn by_phrase(&self, answer: &Answer, said: Option<&'static str>) -> Option<Error> {
        let said = said?;
        let path = &self.path;
        let error = match (answer.status, said) {
            (400.., SEALED) => self
                .error(ErrorKind::Unavailable, "the server is sealed".to_owned())
                .with_help("somebody has to unseal it")
                .with_retry_after(answer.retry_after.unwrap_or(Duration::from_secs(5))),
            (400.., UNINITIALISED) => self
                .error(
                    ErrorKind::Unavailable,
                    "the server is not initialised".to_owned(),
                )
                .with_help("somebody has to initialise and unseal it")
                .with_retry_after(answer.retry_after.unwrap_or(Duration::from_secs(30))),
            (400.., NO_ACTIVE_NODE) => self
                .error(
                    ErrorKind::Unavailable,
                    "the server is a standby, and there is no active node".to_owned(),
                )
                .with_help("a new active node is being elected, or the address is a wrong one")
                .with_retry_after(answer.retry_after.unwrap_or(Duration::from_secs(2))),
            (400.., UPGRADING) => self
                .error(
                    ErrorKind::Unavailable,
                    "the server upgrades the mount to KV 2".to_owned(),
                )
                .with_help("that takes a moment; it is tried again")
                .with_retry_after(answer.retry_after.unwrap_or(Duration::from_secs(2))),
            (400 | 403, NO_TOKEN) => self
                .error(ErrorKind::Unauthenticated, "no token came".to_owned())
                .with_help(
                    "`auth_method` `none` is for an agent or a proxy that adds a token: does it \
                     log in, and may its token be used?",
                ),
            (404, NO_HANDLER) => self
                .error(
                    ErrorKind::InvalidConfig,
                    format!("nothing is mounted that serves `{path}`"),
                )
                .with_help("compare `mount`, `namespace` and the paths of auth methods"),
            (404 | 400, NO_NAMESPACE) => self
                .error(
                    ErrorKind::InvalidConfig,
                    "there is no such namespace".to_owned(),
                )
                .with_help("compare the setting `namespace`"),
            (400, CAS_MISMATCH) => self
                .error(
                    ErrorKind::InvalidReference,
                    format!("another version of `{path}` is in force than was expected"),
                )
                .with_help("read it again, and decide anew"),
            (400, CAS_REQUIRED) => self
                .error(
                    ErrorKind::InvalidReference,
                    format!("`{path}` is only written by those who say what is in force"),
                )
                .with_help("give the expected version"),
            (405, _) | (_, UNSUPPORTED) => self
                .error(
                    ErrorKind::Unsupported,
                    format!("the server has no such operation at `{path}`"),
                )
                .with_help("is the mount a KV engine?"),
            _ => return None,
        };
        Some(error.with_cause(cause(answer, Some(said))))
    }

    /// Makes the error for a success that does not hold what it should.
    pub(crate) fn not_understood(&self, answer: &Answer, what: &'static str) -> Error {
        self.error(
            ErrorKind::Unexpected,
            format!("the answer for `{}` was not understood: {what}", self.path),
        )
        .with_help("is the address that of a Vault or OpenBao server?")
        .with_cause(Cause::new().with_status(answer.status))
    }
}

/// Returns whether a body is the complaint of a server that speaks TLS about a call without it.
fn wants_tls(body: &[u8]) -> bool {
    let start = body.get(..body.len().min(4096)).unwrap_or_default();
    let text = String::from_utf8_lossy(start).to_lowercase();
    WANTS_TLS.iter().any(|words| text.contains(words))
}

/// What Go says, and what nginx says.
const WANTS_TLS: &[&str] = &[
    "http request to an https server",
    "http request was sent to https port",
];

struct Row {
    status: u16,
    kind: ErrorKind,
    what: &'static str,
    /// Seconds after which to try again, where the server gives no advice itself.
    advice: Option<u64>,
    help: &'static str,
}

/// Status → what that means to whoever asked.
const ROWS: &[Row] = &[
    Row {
        status: 400,
        kind: ErrorKind::Unexpected,
        what: "took the call for malformed",
        advice: None,
        help: "the log of the server says why",
    },
    Row {
        status: 401,
        kind: ErrorKind::Unauthenticated,
        what: "or what stands before it does not know who asks",
        advice: None,
        help: "neither Vault nor OpenBao answers so: look at the proxy before it",
    },
    Row {
        status: 403,
        kind: ErrorKind::PermissionDenied,
        what: "",
        advice: None,
        help: "",
    },
    Row {
        status: 404,
        kind: ErrorKind::NotFound,
        what: "",
        advice: None,
        help: "",
    },
    Row {
        status: 405,
        kind: ErrorKind::Unsupported,
        what: "has no such operation there",
        advice: None,
        help: "is the mount a KV engine?",
    },
    Row {
        status: 408,
        kind: ErrorKind::Timeout,
        what: "or what stands before it took too long",
        advice: None,
        help: "it is tried again",
    },
    Row {
        status: 412,
        kind: ErrorKind::Unavailable,
        what: "has not yet heard of what was written elsewhere",
        advice: Some(1),
        help: "the node catches up with the others; it is tried again",
    },
    Row {
        status: 429,
        kind: ErrorKind::RateLimited,
        what: "asks for fewer calls",
        advice: Some(1),
        help: "a longer `ttl` makes fewer calls; the quotas of the server say how many it takes",
    },
    Row {
        status: 472,
        kind: ErrorKind::Unavailable,
        what: "is a standby for disaster recovery, which answers nothing",
        advice: Some(30),
        help: "set the address to the primary",
    },
    Row {
        status: 473,
        kind: ErrorKind::Unavailable,
        what: "is a performance standby, which does not answer this",
        advice: Some(5),
        help: "set the address to the active node, or to what stands before all of them",
    },
    Row {
        status: 503,
        kind: ErrorKind::Unavailable,
        what: "is sealed, in maintenance, or a standby without an active node",
        advice: Some(2),
        help: "`vault status` says which",
    },
];

pub(crate) fn cause(answer: &Answer, said: Option<&'static str>) -> Cause {
    let cause = Cause::new().with_status(answer.status);
    match said {
        Some(said) => cause.with_message(said),
        None => cause,
    }
}

/// Returns whether words say that a call is refused for what passes, whoever asks.
pub(crate) fn passes(said: Option<&'static str>) -> bool {
    matches!(said, Some(NO_NAMESPACE | SEALED | UPGRADING))
}

/// Makes the error for a login that the server refused; other failures stay what they are.
pub(crate) fn refused(site: &Site<'_>, answer: &Answer, method: &str) -> Error {
    let said = said(answer);
    match answer.status {
        400 | 401 | 403 if !passes(said) => site
            .error(
                ErrorKind::Unauthenticated,
                format!("the login by `{method}` was refused"),
            )
            .with_help(format!(
                "is what was given for `{method}` right and still valid, and is the method mounted \
                 at `{}`?",
                site.path.trim_end_matches("/login")
            ))
            .with_cause(cause(answer, said)),
        404 => site
            .error(
                ErrorKind::InvalidConfig,
                format!("no auth method is mounted that serves `{}`", site.path),
            )
            .with_help("compare the path of the auth method, and the namespace")
            .with_cause(cause(answer, said)),
        _ => site.failed(answer),
    }
}

#[cfg(test)]
mod tests;
