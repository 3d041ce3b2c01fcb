//! How failures of the service become ours: one table.
//!
//! The library's own error is never kept: it holds answers, and prints them.

use std::time::Duration;

use google_cloud_gax::error::rpc::{Code, StatusDetails};
use google_cloud_gax::error::{CredentialsError, Error as GaxError};
use perennial_backend::{Cause, ContextKey, Error, ErrorKind, Operation};

use crate::auth::Source;

/// What a call was about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) operation: Operation,
    /// The resource as the reference names it.
    pub(crate) resource: &'a str,
    pub(crate) version: Option<&'a str>,
    /// What whoever asks must be permitted.
    pub(crate) permission: &'static str,
}

impl Subject<'_> {
    /// Adds to an error what the call was about.
    pub(crate) fn about(&self, error: Error) -> Error {
        let error = error
            .with_operation(self.operation)
            .with_context(ContextKey::Resource, self.resource);
        match self.version {
            Some(version) => error.with_context(ContextKey::Version, version),
            None => error,
        }
    }
}

/// Status of the service → what that means to whoever asked.
///
/// Source: the API's published error codes, `google.rpc.Code`.
const TABLE: &[(Code, ErrorKind, &str)] = &[
    (
        Code::Aborted,
        ErrorKind::Unavailable,
        "the call was aborted",
    ),
    (
        Code::AlreadyExists,
        ErrorKind::InvalidReference,
        "it exists already",
    ),
    (
        Code::Cancelled,
        ErrorKind::Unavailable,
        "the service cancelled the call",
    ),
    (
        Code::DeadlineExceeded,
        ErrorKind::Timeout,
        "the service took too long",
    ),
    (
        Code::FailedPrecondition,
        ErrorKind::PermissionDenied,
        "the state that it is in forbids it",
    ),
    (
        Code::Internal,
        ErrorKind::Unavailable,
        "the service has failed",
    ),
    (
        Code::InvalidArgument,
        ErrorKind::InvalidReference,
        "the service does not take this name",
    ),
    (
        Code::NotFound,
        ErrorKind::NotFound,
        "there is no such secret or version",
    ),
    (
        Code::PermissionDenied,
        ErrorKind::PermissionDenied,
        "whoever asks is not permitted to",
    ),
    (
        Code::ResourceExhausted,
        ErrorKind::RateLimited,
        "the quota of the project is used up",
    ),
    (
        Code::Unauthenticated,
        ErrorKind::Unauthenticated,
        "the service does not know who asks",
    ),
    (
        Code::Unavailable,
        ErrorKind::Unavailable,
        "the service cannot answer now",
    ),
    (
        Code::Unimplemented,
        ErrorKind::Unsupported,
        "the service has no such call",
    ),
    (
        Code::Unknown,
        ErrorKind::Unavailable,
        "the service has failed",
    ),
];

/// Reason of a denial that is no missing permission → what it means, and what to do.
///
/// Source: the published list of error reasons, `google.api.ErrorReason`.
const DENIALS: &[(&str, &str, &str)] = &[
    (
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "the token has not the scope `cloud-platform`",
        "give the machine or node pool the access scope `cloud-platform`: roles do not help",
    ),
    (
        "BILLING_DISABLED",
        "billing is disabled in the project that asks",
        "link the project to a billing account",
    ),
    (
        "CONSUMER_INVALID",
        "the project that asks does not exist, or may not be used",
        "look at `project_id`, and at the quota project of the credentials",
    ),
    (
        "SECURITY_POLICY_VIOLATED",
        "a perimeter of VPC Service Controls forbids it",
        "add an ingress or egress rule to the perimeter",
    ),
    (
        "SERVICE_DISABLED",
        "the Secret Manager API is not enabled in the project that asks",
        "`gcloud services enable secretmanager.googleapis.com`",
    ),
];

/// The messages of versions that are there and cannot be read.
const DESTROYED: &str = "the version is destroyed";
const DISABLED: &str = "the version is disabled";

/// Whether a version is there and cannot be read.
pub(crate) fn is_withdrawn(error: &Error) -> bool {
    [DESTROYED, DISABLED].contains(&error.message())
}

/// Makes the error for an answer that is none of what was asked for.
pub(crate) fn from_answer(why: &GaxError, subject: &Subject<'_>, source: Source) -> Error {
    let error = if why.is_authentication() {
        no_token(why, source)
    } else if let Some(status) = why.status() {
        from_status(status.code, why, subject)
    } else {
        from_transport(why)
    };
    subject.about(error)
}

fn from_status(code: Code, why: &GaxError, subject: &Subject<'_>) -> Error {
    let message = why.status().map_or("", |status| status.message.as_str());
    let row = TABLE.iter().find(|(known, _, _)| *known == code);
    let (kind, text) = row.map_or(
        (
            ErrorKind::Unexpected,
            "the service gave an answer that nobody knows",
        ),
        |(_, kind, text)| (*kind, *text),
    );
    let info = info(why);
    let reason = info.map_or("", |info| info.reason.as_str());
    let denial = DENIALS.iter().find(|(known, _, _)| *known == reason);
    let mut error = match code {
        Code::FailedPrecondition if is_version_in(message, "DESTROYED") => {
            Error::new(ErrorKind::NotFound, DESTROYED)
                .with_help("its payload is gone for good: add a new version")
        }
        Code::FailedPrecondition if is_version_in(message, "DISABLED") => {
            Error::new(ErrorKind::PermissionDenied, DISABLED)
                .with_help("`gcloud secrets versions enable` brings it back")
        }
        Code::PermissionDenied => match denial {
            Some((_, text, help)) => Error::new(kind, *text).with_help(*help),
            None if ["", "IAM_PERMISSION_DENIED"].contains(&reason) => {
                let named = info.and_then(|info| info.metadata.get("permission"));
                let named = named.map(String::as_str).filter(|name| !name.is_empty());
                let missing = named.unwrap_or(subject.permission);
                Error::new(kind, format!("{text}: {missing} is missing"))
                    .with_context(ContextKey::Capability, missing)
                    .with_help(
                        "grant a role that has it, such as roles/secretmanager.secretAccessor",
                    )
            }
            None => Error::new(kind, text),
        },
        Code::NotFound => Error::new(kind, text).with_help(
            "look at the project, the name and the version: `gcloud secrets versions list`",
        ),
        _ => Error::new(kind, text),
    };
    if let Some(span) = retry_after(why) {
        error = error.with_retry_after(span);
    }
    let mut cause = Cause::new().with_code(if reason.is_empty() {
        code.name()
    } else {
        reason
    });
    if let Some(status) = why.http_status_code() {
        cause = cause.with_status(status);
    }
    if let Some(id) = request_id(why) {
        cause = cause.with_request_id(id);
    }
    error.with_cause(cause)
}

/// Whether the service says that a version is in this state; keys of encryption have states too.
fn is_version_in(message: &str, state: &str) -> bool {
    message.starts_with("Secret Version") && message.contains(&format!("in {state} state"))
}

/// No token could be had: the library says only whether trying again may help.
fn no_token(why: &GaxError, source: Source) -> Error {
    let transient = std::error::Error::source(why)
        .and_then(|inner| inner.downcast_ref::<CredentialsError>())
        .is_some_and(CredentialsError::is_transient);
    if transient {
        Error::new(
            ErrorKind::Unavailable,
            format!("no token can be had now with {source}"),
        )
    } else {
        Error::new(
            ErrorKind::Unauthenticated,
            format!("no token can be had with {source}"),
        )
        .with_help("they may be revoked, expired or mistyped; the next call tries them anew")
    }
}

/// The answer is none of the service's, or there is none.
fn from_transport(why: &GaxError) -> Error {
    let status = why.http_status_code();
    let (kind, text) = match status {
        _ if why.is_timeout() => (ErrorKind::Timeout, "the service took too long"),
        _ if why.is_connect() => (ErrorKind::Unavailable, "the service cannot be reached"),
        _ if why.is_deserialization() => (
            ErrorKind::Unexpected,
            "the answer is not of the form that the API has",
        ),
        _ if why.is_binding() => (
            ErrorKind::InvalidReference,
            "the name is none that the API knows",
        ),
        Some(401) => (
            ErrorKind::Unauthenticated,
            "the service does not know who asks",
        ),
        Some(403) => (
            ErrorKind::PermissionDenied,
            "something before the service refused the call",
        ),
        Some(404) => (
            ErrorKind::Unexpected,
            "there is no such API at this address: look at `endpoint_url` and `location`",
        ),
        Some(408 | 504) => (ErrorKind::Timeout, "the service took too long"),
        Some(429) => (ErrorKind::RateLimited, "the service asks for fewer calls"),
        Some(500..) => (ErrorKind::Unavailable, "the service has failed"),
        Some(300..) => (
            ErrorKind::Unexpected,
            "the service gave an answer that nobody knows",
        ),
        _ => (
            ErrorKind::Unavailable,
            "the connection to the service was lost",
        ),
    };
    let mut error = Error::new(kind, text);
    if let Some(span) = retry_after(why) {
        error = error.with_retry_after(span);
    }
    match status {
        Some(status) => error.with_cause(Cause::new().with_status(status)),
        None => error,
    }
}

/// How long the service asks to be left alone: in its answer, or in a header, in seconds.
fn retry_after(why: &GaxError) -> Option<Duration> {
    let details = why.status().into_iter().flat_map(|status| &status.details);
    let told = details.into_iter().find_map(|detail| match detail {
        StatusDetails::RetryInfo(info) => info.retry_delay.as_ref(),
        _ => None,
    });
    let told = told.and_then(|delay| Duration::try_from(*delay).ok());
    told.or_else(|| {
        let header = why.http_headers()?.get("retry-after")?;
        Some(Duration::from_secs(header.to_str().ok()?.parse().ok()?))
    })
}

fn info(why: &GaxError) -> Option<&google_cloud_rpc::model::ErrorInfo> {
    let details = &why.status()?.details;
    details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => Some(info),
        _ => None,
    })
}

/// The id by which the provider finds the request, where a header gives one.
fn request_id(why: &GaxError) -> Option<&str> {
    let headers = why.http_headers()?;
    let id = ["x-goog-request-id", "x-cloud-trace-context"]
        .iter()
        .find_map(|name| headers.get(*name))?;
    let plain = |text: &&str| {
        text.len() <= 128
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_/;=.".contains(&byte))
    };
    id.to_str().ok().filter(plain)
}
