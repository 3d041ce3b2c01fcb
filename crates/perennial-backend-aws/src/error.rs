//! How failures of the store become ours: one table.
//!
//! The vendor's own error is never kept: code, status and request id are copied into a `Cause`.

use perennial_backend::{Cause, Error, ErrorKind, Operation};

/// Status → what that means to whoever asked.
const TABLE: &[(u16, ErrorKind, &str)] = &[
    (
        401,
        ErrorKind::Unauthenticated,
        "the store does not know us",
    ),
    (
        403,
        ErrorKind::PermissionDenied,
        "the store does not let us read this",
    ),
    (404, ErrorKind::NotFound, "the store has no such secret"),
    (408, ErrorKind::Timeout, "the store took too long"),
    (
        429,
        ErrorKind::RateLimited,
        "the store asks for fewer calls",
    ),
];

/// Makes the error for an answer that is not a value.
pub(crate) fn from_status(status: u16) -> Error {
    let known = TABLE.iter().find(|(known, _, _)| *known == status);
    let (kind, message) = match known {
        Some((_, kind, message)) => (*kind, *message),
        None if status >= 500 => (ErrorKind::Unavailable, "the store has failed"),
        None => (
            ErrorKind::Unexpected,
            "the store gave an answer that nobody knows",
        ),
    };
    Error::new(kind, message)
        .with_operation(Operation::Fetch)
        .with_cause(Cause::new().with_status(status))
}

/// Makes the error for what is still to be written.
pub(crate) fn not_written(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, what).with_operation(Operation::Fetch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_kind() {
        let check = |status, kind| assert_eq!(from_status(status).kind(), kind, "{status}");
        check(401, ErrorKind::Unauthenticated);
        check(403, ErrorKind::PermissionDenied);
        check(404, ErrorKind::NotFound);
        check(429, ErrorKind::RateLimited);
        check(503, ErrorKind::Unavailable);
        check(302, ErrorKind::Unexpected);
    }
}
