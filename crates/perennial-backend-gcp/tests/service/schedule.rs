//! When a secret expires and is rotated: asked rarely, and never at the cost of a value.

use std::time::Duration;

use perennial_backend::{Backend as _, Request};
use perennial_backend_gcp::SecretManager;
use perennial_testkit::http::{Answer, HttpServer};
use serde_json::json;

use crate::{anonymous, context, fetch, payload, service};

const NAME: &str = "projects/p/secrets/db";

#[tokio::test]
async fn an_expiry_is_a_hard_end_and_a_rotation_is_planned_for() {
    let (store, server) = service();
    store.add(NAME, b"one");
    store.edit(NAME, |secret| {
        secret.shown = Some(json!({
            "expireTime": "2100-01-01T00:00:00Z",
            "rotation": { "nextRotationTime": "2099-01-01T00:00:00Z" },
        }));
    });
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    for _ in 0..3 {
        let fetched = fetch(&backend, &Request::new("db")).await.unwrap();
        let now = context().unix_time().as_secs();
        let near = |span: Option<Duration>, end: u64| {
            let left = end - now;
            assert!((left - 1..left + 5).contains(&span.unwrap().as_secs()));
        };
        near(fetched.hard_end(), 4_102_444_800);
        near(fetched.next_rotation(), 4_070_908_800);
    }
    let looks = server.requests();
    let looks = looks
        .iter()
        .filter(|read| read.path() == format!("/v1/{NAME}"));
    assert_eq!(looks.count(), 1, "asked once an hour");
}

#[tokio::test]
async fn dates_that_have_passed_are_no_plans() {
    let (store, server) = service();
    store.add(NAME, b"one");
    store.edit(NAME, |secret| {
        secret.shown = Some(json!({
            "expireTime": "2020-01-01T00:00:00Z",
            "rotation": { "nextRotationTime": "2020-01-01T00:00:00Z" },
        }));
    });
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let fetched = fetch(&backend, &Request::new("db")).await.unwrap();
    assert_eq!(fetched.hard_end(), Some(Duration::ZERO));
    assert_eq!(fetched.next_rotation(), None);
}

#[tokio::test]
async fn where_looking_is_not_permitted_nobody_looks_again() {
    let (store, server) = service();
    store.add(NAME, b"one");
    store.add("projects/p/secrets/other", b"two");
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    for resource in ["db", "other", "db"] {
        let fetched = fetch(&backend, &Request::new(resource)).await.unwrap();
        assert_eq!((fetched.hard_end(), fetched.next_rotation()), (None, None));
    }
    let reads = server.requests();
    assert_eq!(reads.len(), 4, "three reads and one look: {reads:?}");
}

#[tokio::test]
async fn a_look_that_hangs_or_fails_costs_no_value() {
    for look in [Answer::hang(), Answer::new(500), Answer::json(200, "[")] {
        let server = HttpServer::start(move |request| {
            if request.path().ends_with(":access") {
                Answer::json(200, payload(""))
            } else {
                look.clone()
            }
        });
        let backend = SecretManager::new(anonymous(&server)).unwrap();
        let soon = perennial_testkit::LiveRuntime::new().context(Duration::from_millis(400));
        backend.fetch(&soon, &Request::new("s")).await.unwrap();
    }
}
