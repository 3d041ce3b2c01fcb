//! When a secret expires and is rotated: asked rarely, and never at the cost of a value.

use std::time::{Duration, UNIX_EPOCH};

use perennial_backend::{Backend as _, Clock as _, Purpose, Request};
use perennial_backend_gcp::SecretManager;
use perennial_testkit::http::{Answer, HttpServer};
use perennial_testkit::{SimClock, SimRuntime};
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

/// What was read has not expired, whatever an older look said: the expiry was put off.
#[tokio::test]
async fn dates_that_have_passed_end_nothing() {
    let (store, server) = service();
    store.add(NAME, b"one");
    let shown = |year: u32| {
        json!({
            "expireTime": format!("{year}-01-01T00:00:00Z"),
            "rotation": { "nextRotationTime": format!("{year}-01-01T00:00:00Z") },
        })
    };
    store.edit(NAME, |secret| secret.shown = Some(shown(2020)));
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let fetched = fetch(&backend, &Request::new("db")).await.unwrap();
    assert_eq!((fetched.hard_end(), fetched.next_rotation()), (None, None));
}

/// The expiry comes near, and was put off meanwhile: that is asked again, and not at each read.
#[tokio::test]
async fn a_date_that_comes_near_is_asked_about_again() {
    let (store, server) = service();
    store.add(NAME, b"one");
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let end = |secs: u64| {
        let at = UNIX_EPOCH + clock.unix_time().since_epoch() + Duration::from_secs(secs);
        let shown = google_cloud_wkt::Timestamp::try_from(at).unwrap();
        store.edit(NAME, |secret| {
            secret.shown = Some(json!({ "expireTime": String::from(shown) }));
        });
    };
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let read = async || {
        let cx = runtime.context(Duration::from_secs(20));
        let fetched = backend.fetch(&cx, &Request::new("db")).await.unwrap();
        fetched.hard_end().map(|span| span.as_secs())
    };
    end(600);
    assert_eq!(read().await, Some(600));
    end(3000);
    clock.advance(Duration::from_secs(500));
    assert_eq!(read().await, Some(100), "it is not near yet");
    clock.advance(Duration::from_secs(60));
    assert_eq!(read().await, Some(2440), "as it was put off");
    assert_eq!(read().await, Some(2440));
    let looks = server.requests();
    let looks = looks
        .iter()
        .filter(|read| read.path() == format!("/v1/{NAME}"));
    assert_eq!(looks.count(), 2);
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
async fn a_look_that_is_refused_takes_no_date_from_another_secret() {
    let (store, server) = service();
    store.add(NAME, b"one");
    store.add("projects/p/secrets/other", b"two");
    store.edit(NAME, |secret| {
        secret.shown = Some(json!({"expireTime": "2100-01-01T00:00:00Z"}));
    });
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    for resource in ["db", "other", "db", "other"] {
        let fetched = fetch(&backend, &Request::new(resource)).await.unwrap();
        assert_eq!(fetched.hard_end().is_some(), resource == "db");
    }
    assert_eq!(server.requests().len(), 4 + 2, "four reads and two looks");
}

#[tokio::test]
async fn a_check_or_a_login_that_failed_asks_for_no_date_and_forgets_none() {
    let (store, server) = service();
    store.add(NAME, b"one");
    store.edit(NAME, |secret| {
        secret.shown = Some(json!({"expireTime": "2100-01-01T00:00:00Z"}));
    });
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let hard_end = async |purpose: Purpose| {
        let request = Request::new("db").with_purpose(purpose);
        fetch(&backend, &request).await.unwrap().hard_end()
    };
    assert_eq!(hard_end(Purpose::Check).await, None);
    assert_eq!(hard_end(Purpose::Ladder).await, None);
    assert_eq!(server.requests().len(), 2);
    assert!(hard_end(Purpose::Read).await.is_some());
    assert!(hard_end(Purpose::Ladder).await.is_some());
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_look_that_failed_is_not_repeated_at_each_read() {
    let server = HttpServer::start(|request| {
        if request.path().ends_with(":access") {
            Answer::json(200, payload(""))
        } else {
            Answer::new(429)
        }
    });
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    for _ in 0..3 {
        fetch(&backend, &Request::new("s")).await.unwrap();
    }
    assert_eq!(server.requests().len(), 3 + 1);
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
