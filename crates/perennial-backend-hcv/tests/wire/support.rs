//! Reading, and looking for canaries in everything that is shown.

use std::time::Duration;

use perennial_backend::{Backend, Context, Error, Fetched, Payload, Request};
use perennial_backend_hcv::{Config, Kv};
use perennial_testkit::LiveRuntime;

pub(crate) fn context() -> Context {
    LiveRuntime::new().context(Duration::from_secs(20))
}

pub(crate) fn kv(config: Config) -> Kv {
    Kv::new(config).unwrap()
}

/// Reads a secret as text. Whatever comes, nothing that is shown holds a canary.
pub(crate) async fn read(kv: &Kv, request: &Request) -> Result<String, Error> {
    read_with(kv, &context(), request).await
}

pub(crate) async fn read_with(kv: &Kv, cx: &Context, request: &Request) -> Result<String, Error> {
    let outcome = kv.fetch(cx, request).await;
    let mut shown = format!("{outcome:?} {outcome:#?} {kv:?} {kv:#?}");
    if let Err(error) = &outcome {
        shown += &format!("{error} {:?} {:?}", error.help(), error.cause());
        shown += &error.context().map(|(_, value)| value).collect::<String>();
    }
    assert!(!shown.contains("canary"), "{shown}");
    outcome.map(|fetched| text(&fetched))
}

pub(crate) fn text(fetched: &Fetched) -> String {
    match fetched.payload() {
        Payload::Secret(secret) => secret.expose_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}
