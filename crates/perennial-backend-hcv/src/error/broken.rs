//! Calls that came to no answer: what the client says, without keeping its error.

use std::error::Error as _;

use perennial_backend::{Cause, ContextKey, Error, ErrorKind};

/// When a call broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Before the first byte of an answer.
    Sending,
    /// In the middle of one.
    Reading,
}

/// Makes the error for a call that came to no answer.
pub(crate) fn broken(failure: &reqwest::Error, when: Broken) -> Error {
    if let Some(code) = client_refused(failure) {
        return Error::new(ErrorKind::Unavailable, NOT_OURS)
            .with_help(
                "the settings `client_cert_file` and `client_key_file` say with which one to come; \
                 their files are read again by the next call",
            )
            .with_cause(Cause::new().with_code(code));
    }
    if let Some(code) = certificate_trouble(failure) {
        return Error::new(ErrorKind::Unavailable, CERTIFICATE)
            .with_help(
                "the settings `ca_file`, `ca_text` and `server_name` say whom to trust; the \
                 certificate of the server may have changed",
            )
            .with_cause(Cause::new().with_code(code));
    }
    let (kind, message, help) = if failure.is_timeout() {
        (
            ErrorKind::Timeout,
            "the server took too long to take a connection",
            "is the address right, and does anything drop packets in between?",
        )
    } else if failure.is_connect() {
        (
            ErrorKind::Unavailable,
            "the server cannot be reached",
            "is it up, and is the address right?",
        )
    } else if when == Broken::Reading || failure.is_body() || failure.is_decode() {
        (
            ErrorKind::Unavailable,
            "the answer of the server broke off",
            "it is tried again",
        )
    } else if failure.is_builder() {
        (
            ErrorKind::Unexpected,
            "the call could not be put together",
            "report this",
        )
    } else {
        (
            ErrorKind::Unavailable,
            "the connection to the server broke off",
            "it is tried again",
        )
    };
    let error = Error::new(kind, message).with_help(help);
    match system_code(failure) {
        Some(code) => error.with_cause(Cause::new().with_code(code)),
        None => error,
    }
}

/// Returns whether an error says that a certificate was not accepted, the server's or ours.
pub(crate) fn is_about_certificates(error: &Error) -> bool {
    [CERTIFICATE, NOT_OURS].contains(&error.message())
}

const CERTIFICATE: &str = "the certificate of the server is not trusted";
const NOT_OURS: &str = "the server does not accept the client certificate";

/// Looks for the alerts with which a server refuses our certificate, or that there is none.
fn client_refused(failure: &reqwest::Error) -> Option<&'static str> {
    const ALERTS: &[&str] = &[
        "CertificateRequired",
        "CertificateExpired",
        "CertificateRevoked",
        "CertificateUnknown",
        "UnsupportedCertificate",
        "BadCertificate",
        "NoCertificate",
        "UnknownCA",
        "AccessDenied",
    ];
    let mut next = failure.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if let Some((_, alert)) = text.split_once("received fatal alert") {
            return ALERTS.iter().find(|name| alert.contains(**name)).copied();
        }
        next = cause.source();
    }
    None
}

/// Looks for what TLS did not accept; the words of the library are matched and not repeated.
fn certificate_trouble(failure: &reqwest::Error) -> Option<&'static str> {
    const KNOWN: &[&str] = &[
        "UnknownIssuer",
        "Expired",
        "NotValidYet",
        "NotValidForName",
        "BadSignature",
        "Revoked",
        "CaUsedAsEndEntity",
    ];
    let mut next = failure.source();
    let mut about = false;
    while let Some(cause) = next {
        let text = cause.to_string();
        if text.contains("certificate") || text.contains("Certificate") {
            about = true;
            let squeezed = text.replace(' ', "").to_lowercase();
            let known = KNOWN
                .iter()
                .find(|word| squeezed.contains(&word.to_lowercase()));
            if let Some(code) = known {
                return Some(code);
            }
        }
        next = cause.source();
    }
    about.then_some("InvalidCertificate")
}

fn system_code(failure: &reqwest::Error) -> Option<String> {
    let mut next = failure.source();
    while let Some(cause) = next {
        if let Some(system) = cause.downcast_ref::<std::io::Error>() {
            return Some(format!("{:?}", system.kind()));
        }
        next = cause.source();
    }
    None
}

/// Makes the error for an answer that nobody wants to hold.
pub(crate) fn too_large(most: usize) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "the answer of the server is too large",
    )
    .with_context(ContextKey::Limit, format!("{most} bytes"))
    .with_help("is the address that of a Vault or OpenBao server?")
}

/// Makes the error for a client that could not be made.
pub(crate) fn no_client() -> Error {
    Error::new(ErrorKind::Unavailable, "the HTTP client could not be made")
        .with_help("are there certificates of the system, or should `ca_file` be set?")
}
