//! Each request, as it is sent.

use std::time::Duration;

use perennial_backend::{Backend, ErrorKind, Request, Selector, UnixTime};
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::{Value, json};

use crate::scene::{Scene, text};
use crate::store;

async fn body(request: Request) -> Value {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    let _ = scene.fetch(&request).await;
    let sent = scene.server.requests();
    assert_eq!(sent.len(), 1);
    serde_json::from_slice(&sent[0].body).unwrap()
}

#[tokio::test]
async fn a_read_is_one_signed_post_that_names_secret_and_stage() {
    let scene = Scene::start();
    let id = scene.store.put("prod/db", b"canary-value");
    let fetched = scene.fetch(&Request::new("prod/db")).await.unwrap();
    assert_eq!(text(&fetched), "canary-value");
    let version = fetched.version().unwrap();
    assert_eq!(
        (version.id(), version.stage()),
        (id.as_str(), Some("AWSCURRENT"))
    );
    assert_eq!(version.created_at().unwrap().as_secs(), 1_700_000_000);
    assert_eq!(
        fetched.aliases().collect::<Vec<_>>(),
        [store::arn("prod/db")]
    );

    let sent = scene.server.requests();
    let [request] = sent.as_slice() else {
        panic!("{} requests", sent.len())
    };
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/")
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-amz-json-1.1")
    );
    assert_eq!(
        request.header("x-amz-target"),
        Some("secretsmanager.GetSecretValue")
    );
    let authorization = request.header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"));
    assert!(authorization.contains("/eu-central-1/secretsmanager/aws4_request"));
    assert!(!format!("{request:?}").contains("canary-key"));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        body,
        json!({"SecretId": "prod/db", "VersionStage": "AWSCURRENT"})
    );
}

#[tokio::test]
async fn each_version_is_asked_for_by_its_own_means() {
    let ask = |selector: Selector| body(Request::new("db").with_selector(selector));
    let staged = |label: &str| json!({"SecretId": "db", "VersionStage": label});
    assert_eq!(ask(Selector::Current).await, staged("AWSCURRENT"));
    assert_eq!(ask(Selector::Previous).await, staged("AWSPREVIOUS"));
    assert_eq!(ask(Selector::Pending).await, staged("AWSPENDING"));
    assert_eq!(ask(Selector::Stage("BLUE".into())).await, staged("BLUE"));
    let id = "00000000-0000-4000-8000-000000000001";
    assert_eq!(
        ask(Selector::Id(id.into())).await,
        json!({"SecretId": "db", "VersionId": id})
    );
}

#[tokio::test]
async fn an_arn_whole_or_without_its_end_reads_the_secret_and_never_stands_for_its_name() {
    let scene = Scene::start();
    scene.store.put("prod/db", b"one");
    let whole = store::arn("prod/db");
    for arn in [whole.as_str(), whole.strip_suffix("-a1B2c3").unwrap()] {
        let fetched = scene.fetch(&Request::new(arn)).await.unwrap();
        assert_eq!(text(&fetched), "one");
        let aliases: Vec<_> = fetched.aliases().collect();
        let expected: &[&str] = if arn == whole { &[] } else { &[&whole] };
        assert_eq!(aliases, expected);
    }
}

#[tokio::test]
async fn a_secret_that_a_service_of_aws_manages_is_read_by_name_and_arn() {
    let scene = Scene::start();
    let name = "rds!db-0badc0de-0000-4000-8000-000000000000";
    scene.store.put(name, b"one");
    assert_eq!(scene.read(name).await.unwrap(), "one");
    assert_eq!(scene.read(&store::arn(name)).await.unwrap(), "one");
}

#[tokio::test]
async fn a_name_or_version_that_cannot_be_is_not_sent() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    for name in ["../db", "a//b", "db?x", "arn:aws:s3:::db"] {
        let error = scene.read(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference, "{name}");
    }
    let short = Request::new("db").with_selector(Selector::Id("short".into()));
    assert_eq!(
        scene.fetch(&short).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let numbered = Request::new("db").with_selector(Selector::Number(3));
    assert_eq!(
        scene.fetch(&numbered).await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert!(scene.server.requests().is_empty());
}

#[tokio::test]
async fn a_pending_label_without_a_value_or_left_behind_is_no_pending_version() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    let pending = Request::new("db").with_selector(Selector::Pending);
    let missing = async || {
        let error = scene.fetch(&pending).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.message(), "secret `db` has no pending version");
    };
    missing().await;
    scene.store.prepare("db", None);
    missing().await;
    let id = scene.store.prepare("db", Some(b"two"));
    assert_eq!(text(&scene.fetch(&pending).await.unwrap()), "two");
    scene
        .store
        .state()
        .secrets
        .get_mut("db")
        .unwrap()
        .promote(&id);
    missing().await;
    assert_eq!(scene.read("db").await.unwrap(), "two");
}

#[tokio::test]
async fn requests_are_signed_by_the_clock_of_the_driver() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    let clock = SimClock::new();
    clock.set_unix_time(UnixTime::from_secs(946_684_800));
    let cx = SimRuntime::new(clock).context(Duration::from_secs(10));
    let fetched = scene.backend.fetch(&cx, &Request::new("db")).await.unwrap();
    assert_eq!(text(&fetched), "one");
    let sent = scene.server.requests();
    assert_eq!(sent[0].header("x-amz-date"), Some("20000101T000000Z"));
}
