//! Nothing secret is said to a log, by us or by any library below, at the finest level.
//!
//! A test of its own, since there is one log for a process.

#![cfg(test)]

#[path = "wire/stand_in.rs"]
#[expect(dead_code, reason = "the tests of the wire use the rest of it")]
mod stand_in;
#[path = "wire/support.rs"]
#[expect(dead_code, reason = "the tests of the wire use the rest of it")]
mod support;

use std::fmt;
use std::sync::{Arc, Mutex};

use perennial_backend::{Backend, ErrorKind, Put, Request, Secret, Selector, Upkeep};
use perennial_backend_hcv::{Auth, Source};
use perennial_testkit::http::Answer;
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::json;
use stand_in::StandIn;
use support::{kv, read_with};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps every word that is said.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<String>>,
}

impl Visit for &Ear {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let words = format!(" {field}={value:?}\n");
        self.heard.lock().unwrap().push_str(&words);
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.heard.lock().unwrap().push_str(span.metadata().name());
        span.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_log_hears_a_token_a_password_or_a_value() {
    let ear = Ear::default();
    tracing::subscriber::set_global_default(ear.clone()).unwrap();
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"a": "canary-value"}));
    let auth = Auth::userpass("app", Source::given("canary-password"));
    let kv = kv(stand_in.config().with_auth(auth));
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let cx = runtime.context(std::time::Duration::from_secs(10));
    let request = Request::new("app/db");
    read_with(&kv, &cx, &request).await.unwrap();
    let first = request.clone().with_selector(Selector::Number(1));
    read_with(&kv, &cx, &first).await.unwrap();
    clock.advance_to(kv.due().unwrap());
    kv.upkeep(&cx).await.unwrap();
    let put = Put::new("app/db", Secret::from(r#"{"a":"canary-put"}"#));
    kv.facets().writer().unwrap().put(&cx, &put).await.unwrap();
    for (answer, kind) in [
        (
            Answer::json(200, r#"{"data":{"data":"canary-broken""#),
            ErrorKind::Unexpected,
        ),
        (
            Answer::json(403, r#"{"errors":["canary-error, invalid token"]}"#),
            ErrorKind::Unauthenticated,
        ),
        (
            Answer::new(502).with_body("canary-page"),
            ErrorKind::Unavailable,
        ),
    ] {
        // What was refused is not tried again before that.
        clock.advance(std::time::Duration::from_secs(60));
        stand_in.edit(|state| state.instead = Some(answer));
        let error = read_with(&kv, &cx, &request).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    let heard = ear.heard.lock().unwrap().clone();
    assert!(
        heard.contains("/v1/secret/data/app/db"),
        "something is said: {heard}"
    );
    assert!(!heard.contains("canary"), "{heard}");
}
