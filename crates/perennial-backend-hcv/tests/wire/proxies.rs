//! Proxies of the environment: tests run once more, in a process that has some.

use std::process::Command;
use std::time::Duration;

use perennial_backend::{ErrorKind, Request, Secret};
use perennial_backend_hcv::{Auth, Config, Engine, Source};
use perennial_testkit::http::{Answer, HttpServer, Identity};
use serde_json::json;

use crate::stand_in::{StandIn, both};
use crate::support::{kv, read};

/// Runs a test of this file in a process with proxies, and returns what the proxy was asked.
fn asked_by(test: &str) -> Vec<String> {
    let proxy = HttpServer::start(|_| Answer::json(200, r#"{"data":{"data":{"a":"stolen"}}}"#));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("proxies::{test}"), "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, proxy.url());
        child.env(name.to_lowercase(), proxy.url());
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    let requests = proxy.requests();
    let lines = requests.iter();
    lines
        .map(|request| format!("{} {}", request.method, request.target))
        .collect()
}

fn config(address: String) -> Config {
    let auth = Auth::token(Secret::from("s.canary"));
    let config = Config::default().with_address(address).with_auth(auth);
    config.with_engine(Engine::V2)
}

fn request() -> Request {
    Request::new("app/db")
}

#[tokio::test]
async fn a_server_on_this_machine_is_read() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"a": "b"}));
    let by_name = stand_in.server.url().replacen("127.0.0.1", "localhost", 1);
    for config in [stand_in.config(), stand_in.config().with_address(by_name)] {
        let value = read(&kv(config), &request()).await.unwrap();
        assert_eq!(value, r#"{"a":"b"}"#);
    }
    let identity = Identity::new("ours");
    let server = HttpServer::start_tls(&identity, |_| both());
    let config = config(server.url())
        .with_ca(Source::given(identity.ca_pem()))
        .with_server_name("localhost");
    read(&kv(config), &request()).await.unwrap();
}

/// These lead nowhere, whether a proxy stands before them or not.
async fn leads_nowhere(config: Config) {
    let limit = Duration::from_secs(10);
    let kv = kv(config);
    let outcome = tokio::time::timeout(limit, read(&kv, &request())).await;
    let error = outcome.unwrap().unwrap_err();
    let expected = [ErrorKind::Unavailable, ErrorKind::Timeout];
    assert!(expected.contains(&error.kind()), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_leads_nowhere() {
    leads_nowhere(config("http://vault.invalid:8200".to_owned())).await;
}

#[tokio::test]
async fn a_server_of_another_name_leads_nowhere() {
    let config = config("https://other.invalid:8200".to_owned());
    leads_nowhere(config.with_server_name("vault.invalid")).await;
}

#[tokio::test]
async fn a_server_with_tls_leads_nowhere() {
    leads_nowhere(config("https://vault.invalid:8200".to_owned())).await;
}

#[test]
fn a_proxy_hears_nothing_that_is_meant_for_this_machine() {
    let asked = asked_by("a_server_on_this_machine_is_read");
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn a_proxy_carries_tls_and_nothing_that_it_could_read() {
    let asked = asked_by("a_server_without_tls_leads_nowhere");
    assert!(asked.is_empty(), "{asked:?}");
    let asked = asked_by("a_server_of_another_name_leads_nowhere");
    assert!(asked.is_empty(), "{asked:?}");
    let asked = asked_by("a_server_with_tls_leads_nowhere");
    assert!(!asked.is_empty());
    for line in asked {
        assert_eq!(line, "CONNECT vault.invalid:8200");
    }
}
