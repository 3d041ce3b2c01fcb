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
use perennial_testkit::{SimClock, SimRuntime};
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
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let cx = runtime.context(secs(1000));
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
    // Nor does anybody else, for a while.
    for _ in 0..10 {
        let error = read_with(&kv, &cx, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let cause = error.cause().and_then(|cause| cause.message());
        assert_eq!(cause, Some("wrong name or password"));
        clock.advance(Duration::from_millis(5900));
    }
    assert_eq!(tries.load(Ordering::Relaxed), 1);
    clock.advance(secs(1));
    assert!(read_with(&kv, &cx, &request).await.is_err());
    assert_eq!(tries.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_was_refused_is_not_sent_again_but_another_credential_is() {
    let server = HttpServer::start(|received| match received.path() {
        "/v1/auth/userpass/login/app" if received.text().contains("canary-good") => {
            granted("s.canary", 3600, true)
        }
        "/v1/auth/userpass/login/app" => refused(&["permission denied"]),
        _ => data(&json!({"data": {"a": "b"}, "metadata": {"version": 1}})),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "canary-bad").unwrap();
    let auth = Auth::userpass("app", Source::file(&file));
    let config = Config::default().with_address(server.url()).with_auth(auth);
    let kv = kv(config.with_engine(Engine::V2));
    let runtime = SimRuntime::new(SimClock::new());
    let cx = runtime.context(secs(10));
    let request = Request::new("app/db");
    for password in ["canary-bad", "canary-bad", "canary-worse", "canary-worse"] {
        std::fs::write(&file, password).unwrap();
        let error = read_with(&kv, &cx, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(server.requests().len(), 2);
    std::fs::write(&file, "canary-good").unwrap();
    read_with(&kv, &cx, &request).await.unwrap();
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
async fn a_login_outlives_calls_that_have_little_time() {
    for (limit, passed) in [
        (secs(1), Duration::ZERO),
        (secs(10), Duration::from_millis(9990)),
    ] {
        let server = wrapping_server();
        let auth = Auth::approle_wrapped(Secret::from("r"), Source::given("s.canary"));
        let config = Config::default().with_address(server.url()).with_auth(auth);
        let kv = kv(config.with_engine(Engine::V2));
        let clock = SimClock::new();
        let runtime = SimRuntime::new(clock.clone());
        let request = Request::new("app/db");
        let cx = runtime.context(limit);
        clock.advance(passed);
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
        // The next try comes late, as after a back-off.
        clock.advance(secs(15));
        let cx = runtime.context(limit);
        assert_eq!(read_with(&kv, &cx, &request).await.unwrap(), r#"{"a":"b"}"#);
    }
}

#[tokio::test]
async fn a_wrapping_token_is_only_given_up_when_the_server_says_that_it_is_gone() {
    let scene = Scene::with(Auth::approle_wrapped("r", Source::given("s.canary")));
    let unwrap = "wrapping/unwrap";
    let failed = async || {
        let error = scene.read().await.unwrap_err();
        (error.kind(), error.help().unwrap().to_owned())
    };
    for (answer, expected) in [
        (refused(&["permission denied"]), ErrorKind::Unauthenticated),
        (
            Answer::json(400, r#"{"errors":["canary"]}"#),
            ErrorKind::Unauthenticated,
        ),
        (
            Answer::json(400, r#"{"errors":["Vault is sealed"]}"#),
            ErrorKind::Unavailable,
        ),
        (Answer::new(403), ErrorKind::Unavailable),
        (Answer::new(500), ErrorKind::Unavailable),
    ] {
        let instead = Some((unwrap, answer.clone()));
        scene.stand_in.edit(|state| state.instead_at = instead);
        let (kind, help) = failed().await;
        assert_eq!(kind, expected, "{answer:?}");
        assert!(!help.contains("theft"), "{help}");
    }
    // The answer to that one is lost, and it is told as what may have happened.
    scene.stand_in.edit(|state| {
        state.unwrapped = 1;
        state.instead_at = None;
    });
    let (kind, help) = failed().await;
    assert_eq!(kind, ErrorKind::Unauthenticated);
    assert!(
        help.contains("an earlier attempt from here lost the answer"),
        "{help}"
    );
    scene.stand_in.lines();
    assert_eq!(failed().await, (kind, help));
    assert_eq!(scene.stand_in.lines().len(), 0, "it is known to be gone");
    // Another one is good at once.
    let scene = Scene::with(Auth::approle_wrapped("r", Source::given("s.canary")));
    let instead = Some((unwrap, refused(&["permission denied"])));
    scene.stand_in.edit(|state| state.instead_at = instead);
    failed_once(&scene).await;
    scene.stand_in.edit(|state| state.instead_at = None);
    scene.read().await.unwrap();
}

async fn failed_once(scene: &Scene) {
    assert!(scene.read().await.is_err());
}

#[tokio::test]
async fn a_node_that_has_not_heard_of_a_token_is_behind_and_says_nothing_of_the_credentials() {
    let count = AtomicUsize::new(0);
    let server = HttpServer::start(move |received| match received.path() {
        "/v1/auth/userpass/login/app" => {
            let number = count.fetch_add(1, Ordering::Relaxed);
            granted(&format!("s.canary-{number}"), 3600, true)
        }
        _ => refused(&["permission denied", "invalid token"]),
    });
    let auth = Auth::userpass("app", Source::given("canary"));
    let config = Config::default().with_address(server.url()).with_auth(auth);
    let kv = kv(config.with_engine(Engine::V2));
    let runtime = SimRuntime::new(SimClock::new());
    let cx = runtime.context(secs(10));
    let error = read_with(&kv, &cx, &Request::new("app/db")).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry_after(), Some(secs(1)));
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
    let denied = async || {
        let error = scene.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    };
    scene.stand_in.lines();
    denied().await;
    assert_eq!(scene.stand_in.lines(), [READ, LOOK, LOGIN, READ, LOOK]);
    for _ in 0..100 {
        scene.clock.advance(secs(31));
        denied().await;
        assert_eq!(scene.stand_in.lines(), [READ]);
    }
    // It is not believed for ever: the policy may be another one by now.
    scene.clock.advance(secs(600));
    denied().await;
    assert_eq!(scene.stand_in.edit(|state| state.logins), 3);
    // What the server says of the token itself goes before that.
    scene.stand_in.edit(|state| {
        state.denied.clear();
        state.tokens.clear();
    });
    scene.read().await.unwrap();
    assert_eq!(scene.stand_in.edit(|state| state.logins), 4);
}
