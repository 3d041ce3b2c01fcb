//! How the store knows who asks.
//!
//! Only what the configuration names is used; where tokens expire, renewing them belongs here.

use perennial_backend::Secret;

use crate::config::Config;
use crate::wire::Call;

/// What the store knows us by.
#[derive(Debug)]
pub(crate) struct Credentials {
    token: Option<Secret>,
}

impl Credentials {
    /// Takes the credentials out of a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            token: config.token.clone(),
        }
    }

    /// Adds them to a call.
    pub(crate) fn sign(&self, call: Call) -> Call {
        Call {
            token: self.token.clone(),
            ..call
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_signed_with_the_token() {
        let config = Config::default().with_token(Secret::from("t"));
        let call = Call {
            path: "/a".to_owned(),
            token: None,
        };
        let signed = Credentials::new(&config).sign(call);
        assert_eq!(signed.path, "/a");
        assert_eq!(signed.token.unwrap().expose(), b"t");
    }
}
