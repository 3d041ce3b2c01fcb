//! What mounts are asked, what they show by themselves, and what becomes of them.

use std::task::Poll;
use std::time::Duration;

use perennial_backend::{ErrorKind, Put, Request, Secret, Selector, VersionedWriter};
use perennial_backend_hcv::{Engine, Kv};
use perennial_testkit::http::Answer;
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::json;

use super::{DATA, MOUNT, request};
use crate::stand_in::StandIn;
use crate::support::{context, kv, read, read_with};

#[tokio::test]
async fn many_who_begin_at_once_ask_the_mount_once() {
    let stand_in = StandIn::start();
    for number in 0..8 {
        stand_in.write(&format!("app/{number}"), json!({"a": "b"}));
    }
    let kv = kv(stand_in.config());
    let requests: Vec<_> = (0..8).map(|n| Request::new(format!("app/{n}"))).collect();
    let reads = requests.iter().map(|request| Box::pin(read(&kv, request)));
    let mut reads: Vec<_> = reads.collect();
    std::future::poll_fn(|task| {
        reads.retain_mut(|read| match read.as_mut().poll(task) {
            Poll::Ready(outcome) => {
                outcome.unwrap();
                false
            }
            Poll::Pending => true,
        });
        match reads.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    let lines = stand_in.lines();
    let asked = lines.iter().filter(|line| *line == MOUNT).count();
    assert_eq!((asked, lines.len()), (1, 10), "{lines:?}");
}

#[tokio::test]
async fn a_question_about_a_mount_that_is_given_up_holds_up_nobody() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"a": "b"}));
    let slow = Answer::new(500).slow_headers(Duration::from_secs(60));
    stand_in.edit(|state| state.instead_at = Some(("ui/mounts", slow)));
    let kv = kv(stand_in.config());
    let hung = tokio::time::timeout(Duration::from_millis(100), read(&kv, &request())).await;
    assert!(hung.is_err());
    stand_in.edit(|state| state.instead_at = None);
    read(&kv, &request()).await.unwrap();
}

#[tokio::test]
async fn a_mount_that_may_not_be_asked_is_asked_now_and_then() {
    let stand_in = StandIn::start();
    let closed = [
        "sys/internal/ui/mounts/secret",
        "secret/data/app/db",
        "secret/app/db",
    ];
    stand_in.edit(|state| state.denied.extend(closed.map(str::to_owned)));
    let kv = kv(stand_in.config());
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let asked = async || {
        let cx = runtime.context(Duration::from_secs(10));
        let _ = read_with(&kv, &cx, &request()).await;
        let lines = stand_in.lines();
        lines.iter().filter(|line| *line == MOUNT).count()
    };
    // Nothing is there that would show the engine.
    assert_eq!(asked().await, 1);
    for _ in 0..5 {
        clock.advance(Duration::from_secs(60));
        assert_eq!(asked().await, 0);
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(asked().await, 1);
    // Once it may be asked, it is believed.
    stand_in.edit(|state| state.denied.clear());
    clock.advance(Duration::from_secs(301));
    assert_eq!(asked().await, 1);
    stand_in.write("app/db", json!({"a": "b"}));
    assert_eq!(asked().await, 0);
}

#[tokio::test]
async fn a_mount_of_kv_1_in_the_place_of_one_of_kv_2_is_read_plainly() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"n": 2}));
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let found = async |kv: &Kv, name: &str| {
        let cx = runtime.context(Duration::from_secs(10));
        read_with(kv, &cx, &Request::new(name)).await
    };
    let asks = kv(stand_in.config());
    let (asks_too, told) = (
        kv(stand_in.config()),
        kv(stand_in.config().with_engine(Engine::V2)),
    );
    for kv in [&asks, &asks_too, &told] {
        assert_eq!(found(kv, "app/db").await.unwrap(), r#"{"n":2}"#);
    }
    clock.advance(Duration::from_secs(301));
    for kv in [&asks, &asks_too, &told] {
        assert_eq!(found(kv, "app/db").await.unwrap(), r#"{"n":2}"#);
    }
    stand_in.edit(|state| state.plain = true);
    stand_in.write_first("app/db", json!({"n": 1}));
    stand_in.write_first("data/deep", json!({"n": 1}));
    // It was read a moment ago, and is asked all the same.
    assert_eq!(found(&asks, "app/db").await.unwrap(), r#"{"n":1}"#);
    assert_eq!(found(&asks, "app/db").await.unwrap(), r#"{"n":1}"#);
    // Its answer looks like one, and is none.
    let error = found(&asks_too, "deep").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(found(&asks_too, "data/deep").await.unwrap(), r#"{"n":1}"#);
    let error = found(&told, "app/db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn a_mount_that_may_not_be_asked_shows_its_engine_by_its_answers() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"n": 2}));
    stand_in.write_first("app/db", json!({"n": 1}));
    stand_in.edit(|state| {
        state
            .denied
            .insert("sys/internal/ui/mounts/secret".to_owned());
        state.denied.insert("sys/internal/ui/mounts/old".to_owned());
    });
    let second = kv(stand_in.config());
    assert_eq!(read(&second, &request()).await.unwrap(), r#"{"n":2}"#);
    assert_eq!(stand_in.lines().len(), 4);
    assert_eq!(read(&second, &request()).await.unwrap(), r#"{"n":2}"#);
    assert_eq!(stand_in.lines(), [DATA]);

    let first = kv(stand_in.config().with_mount("old"));
    assert_eq!(read(&first, &request()).await.unwrap(), r#"{"n":1}"#);
    stand_in.lines();
    assert_eq!(read(&first, &request()).await.unwrap(), r#"{"n":1}"#);
    assert_eq!(stand_in.lines(), ["GET /v1/old/app/db"]);
    let previous = request().with_selector(Selector::Previous);
    let error = read(&first, &previous).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let absent = Request::new("app/none");
    for kv in [&second, &first] {
        assert_eq!(
            read(kv, &absent).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
}

#[tokio::test]
async fn an_engine_that_is_not_what_was_configured_is_named() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"n": 2}));
    stand_in.write_first("app/db", json!({"n": 1}));
    stand_in.write_first("data/app/db", json!({"n": 1}));
    let check = async |mount: &str, engine, request: Request, expected: &str| {
        let kv = kv(stand_in.config().with_mount(mount).with_engine(engine));
        for _ in 0..2 {
            let error = read(&kv, &request).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert_eq!(error.to_string(), expected);
        }
    };
    let is = |mount: &str, engine: &str| {
        format!("the mount `{mount}` is KV {engine}, which `kv` does not say")
    };
    check("secret", Engine::V1, request(), &is("secret", "v2")).await;
    // The answer shows it, and where there is no answer the mount is asked.
    check("old", Engine::V2, request(), &is("old", "v1")).await;
    check(
        "old",
        Engine::V2,
        Request::new("app/none"),
        &is("old", "v1"),
    )
    .await;

    let kv = kv(stand_in.config().with_mount("transit"));
    let error = read(&kv, &request()).await.unwrap_err();
    let expected = "the mount `transit` is no KV engine but `transit`";
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::InvalidConfig, expected)
    );
}

#[tokio::test]
async fn nothing_is_written_where_it_may_be_another_engine() {
    let stand_in = StandIn::start();
    let check = async |mount: &str, engine: Option<Engine>, expected: &str| {
        let mut config = stand_in.config().with_mount(mount);
        config.engine = engine;
        let kv = kv(config);
        let put = Put::new("app/db", Secret::from("{}"));
        let writer: &dyn VersionedWriter = &kv;
        let found = match writer.put(&context(), &put).await {
            Ok(version) => format!("version {version}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{mount} {engine:?}");
        let posts = stand_in.lines();
        posts.iter().filter(|line| line.starts_with("POST")).count()
    };
    let none = "the mount is KV 1, which keeps no versions";
    assert_eq!(check("old", None, none).await, 0);
    assert_eq!(check("secret", Some(Engine::V1), "version 1").await, 1);
    let wrong = "the mount `old` is KV v1, which `kv` does not say";
    assert_eq!(check("old", Some(Engine::V2), wrong).await, 0);
    for mount in ["old", "secret"] {
        let path = format!("sys/internal/ui/mounts/{mount}");
        stand_in.edit(|state| state.denied.insert(path));
    }
    let silent = "the mount `old` does not say which KV it is";
    assert_eq!(check("old", None, silent).await, 0);
    assert_eq!(check("old", Some(Engine::V1), none).await, 0);
    // Whoever says so and may not ask is believed.
    assert_eq!(check("secret", Some(Engine::V2), "version 2").await, 1);
}
