//! Logins that are lost, late, refused or shared by many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use perennial_backend::{Backend as _, ErrorKind, Request, Secret};
use perennial_backend_gcp::{AuthMethod, SecretManager};
use perennial_testkit::http::{Answer, HttpServer};
use perennial_testkit::{LiveRuntime, SimClock, SimRuntime};
use serde_json::json;

use crate::logins::{METADATA_TOKEN, cloud, config, service_account, token, user};
use crate::{clean, payload, value};

#[tokio::test]
async fn a_key_that_cannot_sign_is_told_from_a_service_that_is_down() {
    let server = cloud(false);
    let text = service_account();
    let broken = text.expose_str().unwrap().replace("MII", "canary");
    let config = config(&server).with_service_account(Secret::from(broken));
    let backend = SecretManager::new(config).unwrap();
    for _ in 0..2 {
        let error = value(&backend, "s").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        clean(&error);
    }
}

/// The library ends its renewal of tokens for good once the place that gives them said no.
#[tokio::test]
async fn a_login_that_ended_for_good_is_made_anew() {
    let refused = Arc::new(AtomicBool::new(true));
    let no = Arc::clone(&refused);
    let server = HttpServer::start(move |request| match request.path() {
        "/oauth" if no.load(Ordering::Relaxed) => {
            Answer::json(400, r#"{"error":"invalid_grant","canary":"canary"}"#)
        }
        "/oauth" => token("canary-of-user"),
        _ => Answer::json(200, payload("")),
    });
    let config = config(&server).with_service_account(Secret::from(user(&server).to_string()));
    let backend = SecretManager::new(config).unwrap();
    let error = value(&backend, "s").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    clean(&error);
    refused.store(false, Ordering::Relaxed);
    assert_eq!(value(&backend, "s").await.unwrap(), b"canary");
}

#[tokio::test]
async fn a_place_of_tokens_that_is_down_is_asked_again_at_the_next_read() {
    let down = Arc::new(AtomicBool::new(true));
    let off = Arc::clone(&down);
    let server = HttpServer::start(move |request| match request.path() {
        "/oauth" if off.load(Ordering::Relaxed) => Answer::new(503),
        "/oauth" => token("canary-of-user"),
        _ => Answer::json(200, payload("")),
    });
    let config = config(&server).with_service_account(Secret::from(user(&server).to_string()));
    let backend = SecretManager::new(config).unwrap();
    let error = value(&backend, "s").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.operation().is_some());
    down.store(false, Ordering::Relaxed);
    assert_eq!(value(&backend, "s").await.unwrap(), b"canary");
}

/// The library would wait for ever, and everybody with it.
#[tokio::test]
async fn a_place_of_tokens_that_hung_once_is_asked_again() {
    let hung = Arc::new(AtomicBool::new(true));
    let hangs = Arc::clone(&hung);
    let server = HttpServer::start(move |request| match request.path() {
        "/oauth" if hangs.load(Ordering::Relaxed) => Answer::hang(),
        "/oauth" => token("canary-of-user"),
        _ => Answer::json(200, payload("")),
    });
    let config = config(&server).with_service_account(Secret::from(user(&server).to_string()));
    let backend = SecretManager::new(config).unwrap();
    let soon = LiveRuntime::new().context(Duration::from_millis(400));
    let late = backend.fetch(&soon, &Request::new("s")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout, "{late}");
    hung.store(false, Ordering::Relaxed);
    assert_eq!(value(&backend, "s").await.unwrap(), b"canary");
}

#[tokio::test]
async fn a_token_that_the_service_no_longer_knows_is_replaced() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&logins);
    let server = HttpServer::start(move |request| match request.path() {
        METADATA_TOKEN => token(&format!("t{}", count.fetch_add(1, Ordering::Relaxed))),
        _ if request.header("authorization") == Some("Bearer t0") => {
            crate::store::failed(401, "UNAUTHENTICATED", "canary", json!([]))
        }
        _ => Answer::json(200, payload("")),
    });
    let metadata = config(&server).with_auth_method(AuthMethod::Metadata);
    let backend = SecretManager::new(metadata).unwrap();
    let error = value(&backend, "s").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    clean(&error);
    assert_eq!(value(&backend, "s").await.unwrap(), b"canary");
    assert_eq!(logins.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn those_who_wait_for_a_login_share_its_failure() {
    let server = HttpServer::start(|_| Answer::hang());
    let backend = SecretManager::new(config(&server)).unwrap();
    let soon = LiveRuntime::new().context(Duration::from_millis(600));
    let request = Request::new("s");
    let reads = (0..8).map(|_| backend.fetch(&soon, &request));
    for read in futures_of(reads).await {
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(server.requests().len(), 1);
}

/// Whoever asks later is no one of those who waited, even if no time has passed.
#[tokio::test]
async fn a_failure_is_told_to_nobody_who_asks_after_it() {
    let server = cloud(true);
    let backend = SecretManager::new(config(&server)).unwrap();
    let still = SimRuntime::new(SimClock::new()).context(Duration::from_secs(20));
    server.down(true);
    let request = Request::new("s");
    let failed = backend.fetch(&still, &request).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    server.down(false);
    assert!(backend.fetch(&still, &request).await.is_ok());
}

#[tokio::test]
async fn many_readers_log_in_once() {
    let server = cloud(true);
    let backend = SecretManager::new(config(&server)).unwrap();
    let reads = (0..8).map(|_| value(&backend, "s"));
    for read in futures_of(reads).await {
        assert_eq!(read.unwrap(), b"canary");
    }
    let requests = server.requests();
    let logins = requests.iter().filter(|read| read.path() == METADATA_TOKEN);
    assert_eq!(logins.count(), 1);
}

/// Runs all of them at once.
async fn futures_of<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<_> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (work, slot) in running.iter_mut().zip(&mut done) {
            if slot.is_none() {
                match work.as_mut().poll(cx) {
                    std::task::Poll::Ready(output) => *slot = Some(output),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
