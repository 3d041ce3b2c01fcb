//! Which calls a read or a write makes, line by line.

use std::task::Poll;
use std::time::Duration;

use perennial_backend::{
    Backend, ErrorKind, Expected, Put, Request, Secret, Selector, Version, VersionedWriter,
};
use perennial_backend_hcv::{Engine, Kv};
use perennial_testkit::http::Answer;
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::json;

use crate::stand_in::{StandIn, TOKEN, data};
use crate::support::{context, kv, read, read_with};

const ASKED: &str = "GET /v1/auth/token/lookup-self";
const MOUNT: &str = "GET /v1/sys/internal/ui/mounts/secret";
const DATA: &str = "GET /v1/secret/data/app/db";

fn request() -> Request {
    Request::new("app/db")
}

fn with_option(name: &str, value: &str) -> Request {
    let options: [(Box<str>, Box<str>); 1] = [(name.into(), value.into())];
    request().with_options(options)
}

#[tokio::test]
async fn the_token_and_the_mount_are_asked_about_once_and_a_read_is_one_call() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"password": "canary"}));
    let kv = kv(stand_in.config());
    assert_eq!(
        stand_in.lines().len(),
        0,
        "nothing is sent before the first read"
    );
    assert_eq!(
        read(&kv, &request()).await.unwrap(),
        r#"{"password":"canary"}"#
    );
    assert_eq!(stand_in.lines(), [ASKED, MOUNT, DATA]);
    read(&kv, &request()).await.unwrap();
    let received = stand_in.server.requests();
    assert_eq!(stand_in.lines(), [DATA]);
    let header = |name: &str| received[0].header(name).map(str::to_owned);
    assert_eq!(header("x-vault-token").as_deref(), Some(TOKEN));
    assert_eq!(header("x-vault-request").as_deref(), Some("true"));
    assert_eq!(header("x-vault-namespace"), None);
    assert!(header("user-agent").unwrap().starts_with("perennial/"));
    assert!(received[0].body.is_empty());
}

#[tokio::test]
async fn versions_are_asked_for_by_number_and_the_previous_one_by_counting_down() {
    let stand_in = StandIn::start();
    for number in 1..=4 {
        stand_in.write("app/db", json!({"n": number}));
    }
    let kv = kv(stand_in.config().with_engine(Engine::V2));
    let of = |selector| request().with_selector(selector);
    let check = async |selector, expected: Result<&str, ErrorKind>, lines: &[&str]| {
        let found = read(&kv, &of(selector)).await;
        let found = found.as_deref().map_err(|error| error.kind());
        assert_eq!(found, expected);
        let seen: Vec<_> = stand_in
            .lines()
            .into_iter()
            .filter(|line| line != ASKED && line != MOUNT)
            .collect();
        let expected: Vec<_> = lines
            .iter()
            .map(|version| format!("{DATA}{version}"))
            .collect();
        assert_eq!(seen, expected);
    };
    check(Selector::Current, Ok(r#"{"n":4}"#), &[""]).await;
    check(Selector::Number(2), Ok(r#"{"n":2}"#), &["?version=2"]).await;
    check(Selector::Id("3".into()), Ok(r#"{"n":3}"#), &["?version=3"]).await;
    check(Selector::Previous, Ok(r#"{"n":3}"#), &["", "?version=3"]).await;
    stand_in.delete("app/db", Some(3));
    check(
        Selector::Previous,
        Ok(r#"{"n":2}"#),
        &["", "?version=3", "?version=2"],
    )
    .await;
    // The server would give the newest one for 0.
    check(Selector::Number(0), Err(ErrorKind::NotFound), &[]).await;
    check(Selector::Id("three".into()), Err(ErrorKind::NotFound), &[]).await;
    check(
        Selector::Number(9),
        Err(ErrorKind::NotFound),
        &["?version=9"],
    )
    .await;
    check(Selector::Pending, Err(ErrorKind::Unsupported), &[]).await;
    check(
        Selector::Stage("x".into()),
        Err(ErrorKind::Unsupported),
        &[],
    )
    .await;
}

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
async fn up_to_ten_versions_are_passed_over_in_search_of_the_previous_one() {
    let stand_in = StandIn::start();
    let previous = request().with_selector(Selector::Previous);
    let kv = kv(stand_in.config().with_engine(Engine::V2));
    let add = |number: u64| stand_in.write("app/db", json!({"n": number}));
    (1..=11).for_each(add);
    (2..=11).for_each(|number| stand_in.delete("app/db", Some(number)));
    add(12);
    assert_eq!(read(&kv, &previous).await.unwrap(), r#"{"n":1}"#);
    stand_in.delete("app/db", Some(12));
    add(13);
    let error = read(&kv, &previous).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
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
async fn namespace_mount_and_path_of_a_proxy_go_where_they_belong() {
    let stand_in = StandIn::start();
    let kv = kv(stand_in
        .config()
        .with_address(format!("{}/proxy/vault/", stand_in.server.url()))
        .with_namespace("team/a"));
    // The stand-in does not live below that path; what it was asked is what counts.
    let _ = read(&kv, &request()).await;
    let _ = read(&kv, &with_option("namespace", "team/b")).await;
    let received = stand_in.server.requests();
    assert!(
        received
            .iter()
            .all(|request| request.target.starts_with("/proxy/vault/v1/"))
    );
    let namespaces: Vec<_> = received
        .iter()
        .filter(|request| request.target.contains("internal") || request.target.contains("data"))
        .filter_map(|request| request.header("x-vault-namespace"))
        .collect();
    assert!(
        namespaces.contains(&"team/a") && namespaces.contains(&"team/b"),
        "{namespaces:?}"
    );
    // The login is always that of the vault.
    let logins = received
        .iter()
        .filter(|request| request.target.contains("lookup-self"));
    assert!(logins.clone().count() > 0);
    assert!(
        logins
            .into_iter()
            .all(|login| login.header("x-vault-namespace") == Some("team/a"))
    );
}

#[tokio::test]
async fn a_reference_may_choose_a_mount_where_it_is_let() {
    let stand_in = StandIn::start();
    stand_in.write("app/db", json!({"n": 2}));
    stand_in.write_first("app/db", json!({"n": 1}));
    let kv = kv(stand_in.config());
    assert_eq!(read(&kv, &request()).await.unwrap(), r#"{"n":2}"#);
    let old = with_option("mount", "old");
    assert_eq!(read(&kv, &old).await.unwrap(), r#"{"n":1}"#);
    // Credentials and addresses are no options, whatever a request says.
    for name in ["token", "address", "auth_method"] {
        let read = read(&kv, &with_option(name, "canary")).await;
        assert_eq!(read.unwrap(), r#"{"n":2}"#);
    }
}

#[tokio::test]
async fn a_lease_of_kv_1_becomes_a_hint_and_there_is_no_version() {
    let stand_in = StandIn::start();
    stand_in.write_first("app/db", json!({"n": 1}));
    let kv = kv(stand_in.config().with_mount("old").with_engine(Engine::V1));
    let fetched = kv.fetch(&context(), &request()).await.unwrap();
    assert_eq!((fetched.version(), fetched.ttl_hint()), (None, None));
    // A lease that somebody set, unlike the server's own default.
    stand_in.edit(|state| state.first_lease = Some(90));
    let fetched = kv.fetch(&context(), &request()).await.unwrap();
    assert_eq!(fetched.version(), None);
    assert_eq!(fetched.ttl_hint(), Some(Duration::from_secs(90)));
    stand_in.edit(|state| state.first_lease = Some(0));
    let fetched = kv.fetch(&context(), &request()).await.unwrap();
    assert_eq!(fetched.ttl_hint(), None);
    assert!(kv.facets().writer().is_none());
    assert!(kv.facets().upkeep().is_some());
}

#[tokio::test]
async fn a_value_is_written_byte_for_byte_and_only_over_what_is_expected() {
    let stand_in = StandIn::start();
    let kv = kv(stand_in.config());
    let writer = kv.facets().writer().unwrap();
    let cx = context();
    let value = "{ \"n\": 1.50, \"s\": \"canary\" }";
    let put = |expected| Put::new("app/db", Secret::from(value)).with_expected(expected);
    let version = writer.put(&cx, &put(Expected::Nothing)).await.unwrap();
    assert_eq!(version.id(), "1");
    let bodies = || {
        let requests = stand_in.server.requests();
        let posts = requests.iter().filter(|request| request.method == "POST");
        posts.map(|request| request.text()).collect::<Vec<_>>()
    };
    let cas = |number: u64| format!(r#"{{"data":{value},"options":{{"cas":{number}}}}}"#);
    assert_eq!(bodies(), [cas(0)]);
    writer.put(&cx, &put(Expected::Anything)).await.unwrap();
    assert_eq!(bodies()[1], format!(r#"{{"data":{value}}}"#));
    let error = writer
        .put(&cx, &put(Expected::Version(version)))
        .await
        .unwrap_err();
    assert_eq!(bodies()[2], cas(1));
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    assert!(!format!("{error:?}").contains("canary"));
    let strange = put(Expected::Version(Version::new("x")));
    let error = writer.put(&cx, &strange).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    // What would break out of the frame in which it is sent, or is no object, is not sent.
    for wrong in [
        "",
        "canary",
        "[]",
        "\"canary\"",
        "{}}",
        r#"{},"options":{"cas":0}"#,
        r#"{"a":1} {"b":2}"#,
        r#"{"a":}"#,
    ] {
        let put = Put::new("app/db", Secret::from(wrong));
        let error = writer.put(&cx, &put).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference, "{wrong}");
        assert!(!format!("{error:?}").contains("canary"));
    }
    assert_eq!(bodies().len(), 3);
}

#[tokio::test]
async fn a_version_that_will_be_deleted_ends_then_for_good() {
    let stand_in = StandIn::start();
    let kv = kv(stand_in.config().with_engine(Engine::V2));
    stand_in.write("app/db", json!({"a": "b"}));
    read(&kv, &request()).await.unwrap();
    let ends = async |deletion_time: &str| {
        let metadata = json!({"version": 1, "deletion_time": deletion_time});
        let answer = data(&json!({"data": {"a": "b"}, "metadata": metadata}));
        stand_in.edit(|state| state.instead = Some(answer));
        let fetched = kv.fetch(&context(), &request()).await.unwrap();
        fetched.hard_end()
    };
    assert_eq!(ends("").await, None);
    // In the last year that such a date can name.
    assert!(ends("9999-01-01T00:00:00Z").await.unwrap().as_secs() > 250_000_000_000);
    // The clocks differ: the server gave the value, so it is one.
    assert_eq!(ends("2001-01-01T00:00:00Z").await, None);
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
