//! The life of a token, on a clock that the tests move.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use perennial_backend::{Backend, Context, ErrorKind, Moment, Request, Secret, Upkeep};
use perennial_backend_hcv::{Auth, Config, Engine, Kv, Source};
use perennial_testkit::http::{Answer, HttpServer};
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::json;

use crate::stand_in::{StandIn, TOKEN, data, granted, refused};
use crate::support::{kv, read_with};

const LOGIN: &str = "POST /v1/auth/userpass/login/app";
const RENEW: &str = "POST /v1/auth/token/renew-self";
const LOOK: &str = "GET /v1/auth/token/lookup-self";
const READ: &str = "GET /v1/secret/data/app/db";

/// A stand-in, a backend that logs in with a password, and a clock.
struct Scene {
    stand_in: StandIn,
    kv: Kv,
    clock: SimClock,
    runtime: SimRuntime,
}

impl Scene {
    fn start() -> Self {
        Self::with(Auth::userpass("app", Source::given("canary")))
    }

    fn with(auth: Auth) -> Self {
        let stand_in = StandIn::start();
        stand_in.write("app/db", json!({"a": "b"}));
        let config = stand_in.config().with_auth(auth).with_engine(Engine::V2);
        let clock = SimClock::new();
        clock.advance(secs(1000));
        let runtime = SimRuntime::new(clock.clone());
        Self {
            stand_in,
            kv: kv(config),
            clock,
            runtime,
        }
    }

    fn context(&self) -> Context {
        self.runtime.context(secs(10))
    }

    async fn read(&self) -> Result<String, perennial_backend::Error> {
        read_with(&self.kv, &self.context(), &Request::new("app/db")).await
    }

    async fn reads(&self, lines: &[&str]) {
        self.read().await.unwrap();
        assert_eq!(self.stand_in.lines(), lines);
    }

    async fn upkeep(&self) -> Result<(), perennial_backend::Error> {
        let outcome = self.kv.upkeep(&self.context()).await;
        let shown = format!("{outcome:?} {:?}", self.kv);
        assert!(!shown.contains("canary"), "{shown}");
        outcome
    }

    fn due(&self) -> Moment {
        self.kv.due().unwrap()
    }

    /// Lets time go on until the upkeep is due, and does it.
    async fn upkeep_when_due(&self) -> Result<(), perennial_backend::Error> {
        self.clock.advance_to(self.due());
        self.upkeep().await
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_token_is_renewed_between_a_half_and_two_thirds_of_its_lease() {
    let scene = Scene::start();
    assert_eq!(
        scene.kv.due(),
        None,
        "nothing is kept alive before the first login"
    );
    scene.upkeep().await.unwrap();
    scene.reads(&[LOGIN, READ]).await;
    for _ in 0..5 {
        let since = scene.runtime.clock().clone();
        let start = scene.context().now();
        let wait = scene.due().since(start);
        assert!(wait >= secs(1800) && wait <= secs(2400), "{wait:?}");
        drop(since);
        // Not before it is due.
        scene.upkeep().await.unwrap();
        assert_eq!(scene.stand_in.lines().len(), 0);
        scene.upkeep_when_due().await.unwrap();
        assert_eq!(scene.stand_in.lines(), [RENEW]);
        scene.reads(&[READ]).await;
    }
    assert_eq!(scene.stand_in.edit(|state| state.logins), 1);
}

#[tokio::test]
async fn a_renewal_that_fails_costs_no_token() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene
        .stand_in
        .edit(|state| state.instead = Some(Answer::new(500)));
    let error = scene.upkeep_when_due().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    scene.stand_in.edit(|state| state.instead = None);
    scene.stand_in.lines();
    assert!(scene.due() <= scene.context().now(), "it is still due");
    scene.reads(&[READ]).await;
    scene.upkeep().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW]);
}

#[tokio::test]
async fn a_lease_that_grows_no_longer_gives_way_to_another_login() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene.stand_in.edit(|state| state.renewal = Some(600));
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW, LOGIN]);
    scene.reads(&[READ]).await;
    // If that login fails, the rest of the lease is still good.
    scene.clock.advance_to(scene.due());
    scene.stand_in.server.forget();
    let server = &scene.stand_in;
    server.edit(|state| state.renewal = Some(600));
    scene.upkeep().await.unwrap();
    assert_eq!(scene.stand_in.edit(|state| state.logins), 3);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_replaced_before_it_ends() {
    let scene = Scene::start();
    scene.stand_in.edit(|state| state.renewable = false);
    scene.reads(&[LOGIN, READ]).await;
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [LOGIN]);
    // One that may not be renewed, too.
    scene.stand_in.edit(|state| {
        state.renewable = true;
        state.renewal = None;
    });
    scene.upkeep_when_due().await.unwrap();
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [LOGIN, RENEW, LOGIN]);
    scene.reads(&[READ]).await;
}

#[tokio::test]
async fn a_login_that_fails_while_the_token_is_good_costs_nothing() {
    let scene = Scene::start();
    scene.stand_in.edit(|state| state.renewable = false);
    scene.reads(&[LOGIN, READ]).await;
    scene
        .stand_in
        .edit(|state| state.instead = Some(Answer::new(503)));
    let error = scene.upkeep_when_due().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    scene.stand_in.edit(|state| state.instead = None);
    scene.stand_in.lines();
    scene.reads(&[READ]).await;
}

#[tokio::test]
async fn an_expired_token_is_not_tried() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene.clock.advance(secs(3600));
    scene.reads(&[LOGIN, READ]).await;
}

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
    scene.stand_in.down(true).await;
    scene.stand_in.server.hang(false);
    scene.stand_in.down(false).await;
    scene.clock.advance(secs(20));
    scene.read().await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_given_is_renewed_and_has_no_other_one_behind_it() {
    let scene = Scene::with(Auth::token(Secret::from(TOKEN)));
    scene
        .stand_in
        .edit(|state| state.tokens.insert(TOKEN.to_owned(), 3600));
    scene.reads(&[LOOK, READ]).await;
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW]);
    // Nobody may renew it: it is good until it ends.
    scene.stand_in.edit(|state| state.renewal = None);
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW]);
    assert_eq!(scene.kv.due(), None);
    scene.reads(&[READ]).await;
    scene.stand_in.edit(|state| state.tokens.clear());
    let error = scene.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.to_string(), "the token was refused");
}

#[tokio::test]
async fn a_root_token_has_nothing_to_be_kept_alive() {
    let scene = Scene::with(Auth::token(Secret::from(TOKEN)));
    scene.reads(&[LOOK, READ]).await;
    assert_eq!(scene.kv.due(), None);
    scene.clock.advance(secs(1_000_000_000));
    scene.reads(&[READ]).await;
}

#[tokio::test]
async fn a_token_that_may_not_look_at_itself_is_used_all_the_same() {
    let scene = Scene::with(Auth::token(Secret::from(TOKEN)));
    let path = "auth/token/lookup-self".to_owned();
    scene.stand_in.edit(|state| state.denied.insert(path));
    scene.reads(&[LOOK, READ]).await;
    scene.reads(&[READ]).await;
    let path = "secret/data/app/db".to_owned();
    scene.stand_in.edit(|state| state.denied.insert(path));
    let error = scene.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let scene = Scene::with(Auth::token_file(&file));
    scene.reads(&[LOOK, READ]).await;
    scene.stand_in.edit(|state| {
        state.tokens.clear();
        state.tokens.insert("s.canary-next".to_owned(), 60);
    });
    let error = scene.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    std::fs::write(&file, "s.canary-next").unwrap();
    scene.read().await.unwrap();
    for broken in ["s.canary\nbroken", "s.canary broken", "s.canary\u{e4}"] {
        std::fs::write(&file, broken).unwrap();
        scene.stand_in.edit(|state| state.tokens.clear());
        let error = scene.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{broken:?}");
    }
}

#[tokio::test]
async fn what_is_asked_about_the_token_is_asked_in_its_namespace() {
    let server = HttpServer::start(|received| {
        assert_eq!(received.header("x-vault-namespace"), Some("team"));
        match received.path() {
            "/v1/auth/token/lookup-self" => data(&json!({"ttl": 60, "renewable": true})),
            "/v1/auth/token/renew-self" => granted("s.canary", 60, true),
            _ => refused(&["permission denied"]),
        }
    });
    let config = Config::default()
        .with_address(server.url())
        .with_namespace("team")
        .with_auth(Auth::token(Secret::from("s.canary")));
    let kv = kv(config.with_engine(Engine::V2));
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let request = Request::new("app/db");
    let cx = runtime.context(secs(10));
    let read = read_with(&kv, &cx, &request).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::PermissionDenied);
    clock.advance_to(kv.due().unwrap());
    kv.upkeep(&cx).await.unwrap();
    let lines: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("/v1/auth/token/renew-self")
    );
}
