//! What goes over the wire and what comes back: bytes and no I/O.

use perennial_backend::{ContextKey, Error, ErrorKind, Fetched, Operation, Request, Secret};

use crate::error;

/// One call of the store.
#[derive(Debug)]
pub(crate) struct Call {
    /// Where it goes, below the address of the store.
    pub(crate) path: String,
    /// What the store knows us by.
    pub(crate) token: Option<Secret>,
}

/// Makes the call that reads a secret.
///
/// Invariant: a name cannot lead outside of the place that the settings give.
pub(crate) fn read(request: &Request) -> Result<Call, Error> {
    let name = request.resource();
    if !name.split('/').all(is_plain) {
        let message = "a name is made of letters, digits, `-`, `_` and `.`, parted by `/`";
        return Err(Error::new(ErrorKind::InvalidReference, message)
            .with_operation(Operation::Fetch)
            .with_context(ContextKey::Resource, name));
    }
    Ok(Call {
        path: format!("/{name}"),
        token: None,
    })
}

/// Reads the answer to it.
pub(crate) fn decode(status: u16, body: Vec<u8>) -> Result<Fetched, Error> {
    match status {
        200 => Ok(Fetched::secret(Secret::new(body))),
        other => Err(error::from_status(other)),
    }
}

fn is_plain(part: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !part.is_empty() && part != "." && part != ".." && part.chars().all(sign)
}

#[cfg(test)]
mod tests {
    use perennial_backend::Payload;

    use super::*;

    #[test]
    fn a_name_cannot_lead_outside_of_the_place_that_the_settings_give() {
        let check = |name: &str, path: Option<&str>| {
            let call = read(&Request::new(name)).ok();
            assert_eq!(call.map(|call| call.path).as_deref(), path, "{name}");
        };
        check("db/password", Some("/db/password"));
        for name in ["", "..", "a/../b", "/a", "a/", "a?b", "%2e%2e", "a b"] {
            check(name, None);
        }
    }

    #[test]
    fn an_answer_is_a_value_or_a_failure() {
        let fetched = decode(200, b"value".to_vec()).unwrap();
        match fetched.payload() {
            Payload::Secret(secret) => assert_eq!(secret.expose(), b"value"),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            decode(404, Vec::new()).unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
}
