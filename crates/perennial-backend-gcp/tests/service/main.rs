//! The backend against a scripted service: the contract, what goes over the wire, faults that no
//! emulator has, logins, writing.

#![cfg(test)]

mod conformance;
mod faults;
mod logins;
mod losses;
mod requests;
mod schedule;
mod store;
mod versions;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Backend as _, Context, Error, Fetched, Payload, Request};
use perennial_backend_gcp::{AuthMethod, Config, SecretManager};
use perennial_testkit::LiveRuntime;
use perennial_testkit::http::{Answer, HttpServer, Received};
use store::Store;

/// A backend that asks a scripted server as nobody.
fn anonymous(server: &HttpServer) -> Config {
    Config::default()
        .with_project_id("p")
        .with_auth_method(AuthMethod::Anonymous)
        .with_endpoint_url(server.url())
}

/// A scripted service and the store behind it.
fn service() -> (Arc<Store>, HttpServer) {
    let store = Arc::new(Store::default());
    let answers = Arc::clone(&store);
    let server = HttpServer::start(move |request| answers.answer(request));
    (store, server)
}

/// A server that always gives the same answer, and a backend that asks it.
fn answering(
    script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
) -> (HttpServer, SecretManager) {
    let server = HttpServer::start(script);
    let backend = SecretManager::new(anonymous(&server).without_schedule()).unwrap();
    (server, backend)
}

fn context() -> Context {
    LiveRuntime::new().context(Duration::from_secs(20))
}

async fn fetch(backend: &SecretManager, request: &Request) -> Result<Fetched, Error> {
    backend.fetch(&context(), request).await
}

async fn value(backend: &SecretManager, resource: &str) -> Result<Vec<u8>, Error> {
    fetch(backend, &Request::new(resource)).await.map(bytes)
}

fn bytes(fetched: Fetched) -> Vec<u8> {
    match fetched.payload() {
        Payload::Secret(secret) => secret.expose().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// A payload whose bytes are those of `canary` followed by `text`.
fn payload(text: &str) -> String {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(format!("canary{text}"));
    format!(r#"{{"name":"projects/1/secrets/s/versions/1","payload":{{"data":"{data}"}}}}"#)
}

/// No part of a secret is in an error, however it is printed.
#[track_caller]
fn clean(error: &Error) {
    let cause = std::error::Error::source(error).map(|cause| cause.to_string());
    let help = error.help().unwrap_or_default();
    let shown = format!("{error} {error:?} {cause:?} {help}");
    for part in ["canary", "Y2FuYXJ5"] {
        assert!(!shown.contains(part), "{shown}");
    }
}
