//! Which calls a read or a write makes, line by line.

mod mounts;

use std::time::Duration;

use perennial_backend::{Backend, ErrorKind, Expected, Put, Request, Secret, Selector, Version};
use perennial_backend_hcv::Engine;
use serde_json::json;

use crate::stand_in::{StandIn, TOKEN, data};
use crate::support::{context, kv, read};

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
