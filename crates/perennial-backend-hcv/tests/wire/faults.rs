//! Answers that no emulator gives: each is an error with a kind, shows nothing, and is over with
//! the next good answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use perennial_backend::{ErrorKind, Request};
use perennial_backend_hcv::{Auth, Config, Kv, Source};
use perennial_testkit::http::{Answer, HttpServer};
use serde_json::json;

use crate::stand_in::{StandIn, both};
use crate::support::{kv, read};

fn request() -> Request {
    Request::new("app/db")
}

/// A stand-in with a secret, and a backend that has read it.
async fn scene() -> (StandIn, Kv) {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"a": "b"}));
    let kv = kv(stand_in.config());
    read(&kv, &request()).await.unwrap();
    (stand_in, kv)
}

/// Gives an answer in the place of every other one, checks what comes of it, and that it is over.
async fn check(scene: &(StandIn, Kv), answer: Answer, kind: ErrorKind, seconds: Option<u64>) {
    let (stand_in, kv) = scene;
    stand_in.edit(|state| state.instead = Some(answer.clone()));
    stand_in.lines();
    let error = read(kv, &request()).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{answer:?} gave {error:?}");
    assert_eq!(
        error.retry_after(),
        seconds.map(Duration::from_secs),
        "{answer:?}"
    );
    assert!(
        error.context().any(|(_, value)| value == "app/db"),
        "{error:?}"
    );
    assert!(
        stand_in.lines().len() <= 2,
        "nothing is tried again: {answer:?}"
    );
    stand_in.edit(|state| state.instead = None);
    assert_eq!(
        read(kv, &request()).await.unwrap(),
        r#"{"a":"b"}"#,
        "after {answer:?}"
    );
}

#[tokio::test]
async fn statuses_and_bodies_of_all_kinds_are_errors_that_pass() {
    let scene = scene().await;
    let check = async |answer, kind, seconds| check(&scene, answer, kind, seconds).await;
    let html = "<html><body>canary</body></html>";
    let errors = |text: &str| json!({"errors": [text, "canary"]}).to_string();
    let throttled = Answer::json(429, errors("rate limit quota exceeded"));
    check(throttled.clone(), ErrorKind::RateLimited, Some(1)).await;
    let advised = throttled.with_header("retry-after", "17");
    check(advised, ErrorKind::RateLimited, Some(17)).await;
    let dated = Answer::new(429).with_header("retry-after", "Fri, 27 Nov 2026 00:00:00 GMT");
    check(dated, ErrorKind::RateLimited, Some(1)).await;
    // Nor is what an ingress or a filter of requests says about secrets and policies.
    for status in [400, 401, 403, 404, 405, 500, 502, 504] {
        check(
            Answer::new(status).with_body(html),
            ErrorKind::Unavailable,
            None,
        )
        .await;
    }
    let sealed = Answer::json(503, errors("Vault is sealed"));
    check(sealed, ErrorKind::Unavailable, Some(5)).await;
    check(Answer::new(412), ErrorKind::Unavailable, Some(1)).await;
    check(Answer::new(472), ErrorKind::Unavailable, Some(30)).await;
    check(Answer::new(473), ErrorKind::Unavailable, Some(5)).await;
    // A proxy's page where an answer should be.
    check(
        Answer::new(200).with_body(html),
        ErrorKind::Unexpected,
        None,
    )
    .await;
    check(Answer::new(200), ErrorKind::Unexpected, None).await;
    check(Answer::json(200, "{\"data\":"), ErrorKind::Unexpected, None).await;
    check(
        Answer::json(200, r#"{"data":"canary"}"#),
        ErrorKind::Unexpected,
        None,
    )
    .await;
    let deep = "[".repeat(200_000);
    check(Answer::json(200, deep), ErrorKind::Unexpected, None).await;
    let large = format!(
        r#"{{"data":{{"data":{{"a":"{}"}}}}}}"#,
        "canary".repeat(2_000_000)
    );
    check(Answer::json(200, large), ErrorKind::Unexpected, None).await;
    let cut = Answer::json(200, r#"{"data":{"data":{"a":"canary"}}}"#).cut_after(20);
    check(cut, ErrorKind::Unavailable, None).await;
}

#[tokio::test]
async fn what_stands_before_a_server_knows_no_secrets_and_no_logins() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"a": "b"}));
    let said = "what answers is not Vault or OpenBao";
    let check = async |status: u16, body: &str, path: &'static str, help: &str| {
        let user = Auth::userpass("app", Source::given("canary"));
        let logs_in = kv(stand_in.config().with_auth(user));
        let wrapping = Auth::approle_wrapped("r", Source::given("s.canary"));
        let unwraps = kv(stand_in.config().with_auth(wrapping));
        let given = kv(stand_in.config());
        stand_in.edit(|state| state.unwrapped = 0);
        let answer = Answer::new(status).with_body(body);
        for kv in [&logs_in, &unwraps, &given] {
            stand_in.edit(|state| state.instead_at = Some((path, answer.clone())));
            if let Err(error) = read(kv, &request()).await {
                assert_eq!(
                    error.kind(),
                    ErrorKind::Unavailable,
                    "{status} {path} {error:?}"
                );
                assert_eq!(error.to_string(), said, "{status} {path}");
                assert!(error.help().unwrap().contains(help), "{error:?}");
            } else {
                // That login does not ask there.
                assert!(!path.is_empty(), "{status}");
            }
        }
        // None of them is the worse for it.
        stand_in.edit(|state| state.instead_at = None);
        for kv in [&logs_in, &unwraps, &given] {
            assert_eq!(read(kv, &request()).await.unwrap(), r#"{"a":"b"}"#);
        }
    };
    let html = "<html>canary</html>";
    for status in [400, 401, 403, 404, 405] {
        for path in [
            "",
            "/login",
            "wrapping/unwrap",
            "lookup-self",
            "ui/mounts",
            "secret/data",
        ] {
            check(status, html, path, "is the address right").await;
        }
        for body in ["", "null", "[]", r#"{"message":"canary","code":404}"#] {
            check(status, body, "", "is the address right").await;
        }
    }
    for body in [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<h1>400</h1>The plain HTTP request was sent to HTTPS port",
    ] {
        check(400, body, "", "`protocol` to `https`").await;
    }
}

#[tokio::test]
async fn a_large_secret_comes_whole_however_slowly_it_is_sent() {
    let (stand_in, kv) = scene().await;
    let value = "v".repeat(3 * 1024 * 1024);
    let body = json!({"data": {"data": {"a": value}, "metadata": {"version": 1}}}).to_string();
    let slow = Answer::json(200, body)
        .slow_headers(Duration::from_millis(50))
        .slow_body(256 * 1024, Duration::from_millis(5));
    stand_in.edit(|state| state.instead = Some(slow));
    let text = read(&kv, &request()).await.unwrap();
    assert_eq!(text.len(), value.len() + r#"{"a":""}"#.len());
}

#[tokio::test]
async fn a_server_that_is_down_or_hangs_is_read_again_once_it_is_back() {
    let (stand_in, kv) = scene().await;
    for _ in 0..2 {
        stand_in.server.down(true);
        let error = read(&kv, &request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        stand_in.server.down(false);
        read(&kv, &request()).await.unwrap();
        stand_in.server.hang(true);
        let hung = tokio::time::timeout(Duration::from_millis(50), read(&kv, &request())).await;
        assert!(hung.is_err(), "it waits until its caller gives up");
        stand_in.server.hang(false);
        read(&kv, &request()).await.unwrap();
    }
    // From the first call on: the server is down when the login is due.
    let fresh = crate::support::kv(stand_in.config());
    stand_in.server.down(true);
    let error = read(&fresh, &request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    stand_in.server.down(false);
    read(&fresh, &request()).await.unwrap();
}

#[tokio::test]
async fn no_redirect_takes_the_token_to_another_host() {
    let thief = HttpServer::start(|_| Answer::json(200, r#"{"data":{"data":{"a":"stolen"}}}"#));
    let scene = scene().await;
    let (stand_in, kv) = &scene;
    let elsewhere = [
        format!("{}/v1/secret/data/app/db", thief.url()),
        format!("{}/", thief.url().replacen("127.0.0.1", "localhost", 1)),
        format!("//127.0.0.1:{}/", thief.port()),
        // The same host and port, but no longer the same protocol.
        format!("https://127.0.0.1:{}/", stand_in.server.port()),
    ];
    for status in [301, 302, 303, 307, 308] {
        for location in &elsewhere {
            let answer = Answer::new(status).with_header("location", location);
            check(&scene, answer, ErrorKind::Unavailable, Some(30)).await;
        }
    }
    assert_eq!(thief.requests().len(), 0);
    // Nor does a login go there.
    let answer = Answer::new(307).with_header("location", &elsewhere[0]);
    stand_in.edit(|state| state.instead = Some(answer));
    let config = Config::default()
        .with_address(stand_in.server.url())
        .with_auth(Auth::userpass("a", Source::given("canary")));
    let error = read(&crate::support::kv(config), &request())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(thief.requests().len(), 0);
    let _ = kv;
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_but_not_for_ever() {
    let rounds = Arc::new(Mutex::new(0_usize));
    let left = Arc::clone(&rounds);
    let server = HttpServer::start(move |received| {
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            let there = format!("{}?again={left}", received.path());
            return Answer::new(307).with_header("location", there);
        }
        assert_eq!(received.header("x-vault-token"), Some("s.canary"));
        both()
    });
    let auth = Auth::token(perennial_backend::Secret::from("s.canary"));
    let config = Config::default().with_address(server.url()).with_auth(auth);
    let kv = kv(config.with_engine(perennial_backend_hcv::Engine::V2));
    let _ = read(&kv, &request()).await;
    *rounds.lock().unwrap() = 2;
    assert_eq!(read(&kv, &request()).await.unwrap(), r#"{"a":"b"}"#);
    *rounds.lock().unwrap() = 1000;
    server.forget();
    assert!(read(&kv, &request()).await.is_err());
    assert!(server.requests().len() < 10);
}
