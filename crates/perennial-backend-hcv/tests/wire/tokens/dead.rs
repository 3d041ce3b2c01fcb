//! Tokens that turn out to be dead, and logins that fail, hang, or are given up.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use perennial_backend::{Backend, ErrorKind, Request, Secret};
use perennial_backend_hcv::{Auth, Config, Engine, Source};
use perennial_testkit::http::{Answer, HttpServer};
use serde_json::json;

use super::{LOGIN, LOOK, READ, Scene, secs};
use crate::stand_in::{data, granted, refused};
use crate::support::{kv, read_with};

#[tokio::test]
async fn a_dead_token_costs_one_login_for_all_who_read() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene.stand_in.edit(|state| state.tokens.clear());
    let reads = (0..4).map(|_| scene.read());
    let mut reads: Vec<_> = reads.map(Box::pin).collect();
    let mut done = 0;
    poll_fn(|task| {
        reads.retain_mut(|read| match read.as_mut().poll(task) {
            Poll::Ready(outcome) => {
                assert_eq!(outcome.unwrap(), r#"{"a":"b"}"#);
                done += 1;
                false
            }
            Poll::Pending => true,
        });
        if reads.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    assert_eq!(done, 4);
    assert_eq!(scene.stand_in.edit(|state| state.logins), 2);
}

#[tokio::test]
async fn a_closed_path_asks_about_the_token_now_and_then_and_never_logs_in() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    let path = "secret/data/app/db".to_owned();
    scene.stand_in.edit(|state| state.denied.insert(path));
    let denied = async || {
        let error = scene.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let capability = error
            .context()
            .find(|(key, _)| key.as_str() == "capability");
        assert_eq!(capability.map(|(_, value)| value), Some("read"));
        assert_eq!(
            error.to_string(),
            "the token may not read `secret/data/app/db`"
        );
    };
    // It was just granted, so it is alive.
    denied().await;
    assert_eq!(scene.stand_in.lines(), [READ]);
    scene.clock.advance(secs(31));
    denied().await;
    assert_eq!(scene.stand_in.lines(), [READ, LOOK]);
    for _ in 0..5 {
        denied().await;
        assert_eq!(scene.stand_in.lines(), [READ]);
    }
    scene.clock.advance(secs(31));
    denied().await;
    assert_eq!(scene.stand_in.lines(), [READ, LOOK]);
}

#[tokio::test]
async fn a_refusal_that_cannot_be_explained_is_no_denial() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    // Whoever drops values on a denial must not do so because the server is busy.
    let server = HttpServer::start(|received| match received.path() {
        "/v1/auth/userpass/login/app" => granted("s.canary", 3600, true),
        "/v1/auth/token/lookup-self" => Answer::new(500),
        _ => refused(&["permission denied"]),
    });
    let auth = Auth::userpass("app", Source::given("canary"));
    let config = Config::default().with_address(server.url()).with_auth(auth);
    let kv = kv(config.with_engine(Engine::V2));
    // Long after the login.
    let request = Request::new("app/db");
    assert!(read_with(&kv, &scene.context(), &request).await.is_err());
    scene.clock.advance(secs(31));
    let error = read_with(&kv, &scene.context(), &Request::new("app/db"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn whoever_waits_for_a_login_that_fails_does_not_try_it_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let server = HttpServer::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Answer::json(400, r#"{"errors":["invalid username or password"]}"#)
            .slow_headers(Duration::from_millis(30))
    });
    let auth = Auth::userpass("app", Source::given("canary"));
    let kv = kv(Config::default().with_address(server.url()).with_auth(auth));
    let cx = crate::support::context();
    let request = Request::new("app/db");
    let (a, b, c) = tokio::join!(
        read_with(&kv, &cx, &request),
        read_with(&kv, &cx, &request),
        read_with(&kv, &cx, &request)
    );
    for failed in [a, b, c] {
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(tries.load(Ordering::Relaxed), 1);
    assert!(read_with(&kv, &cx, &request).await.is_err());
    assert_eq!(tries.load(Ordering::Relaxed), 2);
}

/// A server whose wrapping token can be used once, and slowly.
fn wrapping_server() -> HttpServer {
    let used = AtomicUsize::new(0);
    HttpServer::start(move |received| match received.path() {
        "/v1/sys/wrapping/unwrap" => match used.fetch_add(1, Ordering::Relaxed) {
            0 => data(&json!({"secret_id": "canary"})).slow_headers(Duration::from_millis(100)),
            _ => Answer::json(
                400,
                r#"{"errors":["wrapping token is not valid or does not exist"]}"#,
            ),
        },
        "/v1/auth/approle/login" => granted("s.canary", 3600, true),
        _ => data(&json!({"data": {"a": "b"}, "metadata": {"version": 1}})),
    })
}

#[tokio::test]
async fn a_login_goes_on_when_the_call_that_began_it_is_dropped() {
    let server = wrapping_server();
    let auth = Auth::approle_wrapped(Secret::from("r"), Source::given("s.canary"));
    let config = Config::default().with_address(server.url()).with_auth(auth);
    let kv = kv(config.with_engine(Engine::V2));
    let cx = crate::support::context();
    let request = Request::new("app/db");
    {
        let mut call = pin!(kv.fetch(&cx, &request));
        let sent = async {
            while server.requests().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            _ = &mut call => panic!("it cannot have an answer yet"),
            () = sent => {}
        }
    }
    // The secret id is out of its wrapping by now, and nobody could get it a second time.
    assert_eq!(read_with(&kv, &cx, &request).await.unwrap(), r#"{"a":"b"}"#);
    let unwrapped = server.requests();
    let unwrapped = unwrapped
        .iter()
        .filter(|request| request.path().contains("unwrap"));
    assert_eq!(unwrapped.count(), 1);
}

#[tokio::test]
async fn a_wrapped_secret_id_that_somebody_took_is_not_asked_for_again() {
    let server = wrapping_server();
    let auth = || Auth::approle_wrapped(Secret::from("r"), Source::given("s.canary"));
    let config = || {
        let config = Config::default()
            .with_address(server.url())
            .with_auth(auth());
        config.with_engine(Engine::V2)
    };
    let cx = crate::support::context();
    let request = Request::new("app/db");
    read_with(&kv(config()), &cx, &request).await.unwrap();
    server.forget();
    let late = kv(config());
    for _ in 0..3 {
        let error = read_with(&late, &cx, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert_eq!(
            error.to_string(),
            "the wrapped secret id cannot be unwrapped"
        );
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_login_that_hangs_is_given_up_in_time() {
    let scene = Scene::start();
    scene.stand_in.server.hang(true);
    let hung = tokio::time::timeout(Duration::from_millis(50), scene.read()).await;
    assert!(hung.is_err());
    // The connection of that login is lost for good.
    scene.stand_in.server.down(true);
    scene.stand_in.server.hang(false);
    scene.stand_in.server.down(false);
    scene.clock.advance(secs(20));
    scene.read().await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_known_to_be_dead_is_not_tried_again() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene.stand_in.edit(|state| {
        state.tokens.clear();
        state.closed = true;
    });
    let failed = async || scene.read().await.unwrap_err().kind();
    assert_eq!(failed().await, ErrorKind::Unavailable);
    assert_eq!(scene.stand_in.lines(), [READ, LOGIN]);
    assert_eq!(failed().await, ErrorKind::Unavailable);
    assert_eq!(scene.stand_in.lines(), [LOGIN]);
    scene.stand_in.edit(|state| state.closed = false);
    scene.reads(&[LOGIN, READ]).await;
}

#[tokio::test]
async fn a_denial_that_meets_a_renewal_is_a_denial() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    let path = "secret/data/app/db".to_owned();
    scene
        .stand_in
        .edit(|state| state.denied.insert(path.clone()));
    scene.clock.advance_to(scene.due());
    // The answer to the read is under way while the token gets new terms.
    let (read, kept) = tokio::join!(scene.read(), scene.upkeep());
    kept.unwrap();
    assert_eq!(read.unwrap_err().kind(), ErrorKind::PermissionDenied);
    scene.stand_in.edit(|state| state.denied.remove(&path));
    scene.read().await.unwrap();
    assert_eq!(scene.stand_in.edit(|state| state.logins), 1);
}

#[tokio::test]
async fn a_token_that_may_ask_nothing_costs_a_login_now_and_then_at_the_most() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    let closed = ["secret/data/app/db", "auth/token/lookup-self"];
    scene
        .stand_in
        .edit(|state| state.denied.extend(closed.map(str::to_owned)));
    scene.clock.advance(secs(31));
    for _ in 0..10 {
        let error = scene.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(scene.stand_in.edit(|state| state.logins), 2);
}
