//! The store itself: the one file with I/O. Name it and its type for the product.

use perennial_backend::{
    Backend, Capabilities, Context, Error, Fetched, Request, Selector, async_trait,
};

use crate::auth::Credentials;
use crate::config::Config;
use crate::error;
use crate::wire::{self, Call};

/// Reads the secrets of Gcp.
#[derive(Debug)]
pub struct Store {
    address: String,
    credentials: Credentials,
}

impl Store {
    /// Makes the backend; nothing is sent before the first read.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let credentials = Credentials::new(&config);
        Self {
            address: config.address,
            credentials,
        }
    }

    /// Sends a call and returns status and body: the place for the vendor's client.
    fn send(&self, call: &Call) -> Result<(u16, Vec<u8>), Error> {
        let signed = if call.token.is_some() {
            "with"
        } else {
            "without"
        };
        Err(error::not_written(format!(
            "nothing is sent to {} yet: neither {} nor anything else, {signed} a token",
            self.address, call.path,
        )))
    }
}

#[async_trait]
impl Backend for Store {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
    }

    async fn fetch(&self, _cx: &Context, request: &Request) -> Result<Fetched, Error> {
        if *request.selector() != Selector::Current {
            return Err(self.capabilities().unsupported(request.selector()));
        }
        let call = self.credentials.sign(wire::read(request)?);
        let (status, body) = self.send(&call)?;
        wire::decode(status, body)
    }
}
