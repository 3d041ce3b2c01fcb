//! A view of a backend through one member: the suite writes values, and KV keeps objects.

use std::sync::Arc;

use perennial_backend::{
    Backend, Capabilities, Context, Error, Facets, Fetched, Payload, Request, Secret, async_trait,
};
use perennial_backend_hcv::Kv;

/// The member that holds the value.
pub(crate) const MEMBER: &str = "value";

/// Takes the member `value` out of every secret, as a reference with that key does.
#[derive(Debug)]
pub(crate) struct Member(pub(crate) Arc<Kv>);

#[async_trait]
impl Backend for Member {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let fetched = self.0.fetch(cx, request).await?;
        let Payload::Secret(object) = fetched.payload() else {
            panic!("a secret of KV comes as one object");
        };
        let object: serde_json::Value = serde_json::from_slice(object.expose()).unwrap();
        let text = object[MEMBER].as_str().unwrap();
        let taken = Fetched::secret(Secret::from(text));
        Ok(match fetched.version() {
            Some(version) => taken.with_version(version.clone()),
            None => taken,
        })
    }

    fn facets(&self) -> Facets<'_> {
        self.0.facets()
    }
}
