//! Whole stories of readers: rotations, outages, deletions, batches.

use std::time::Duration;

use perennial_backend::{Backend, Batch, ErrorKind, Request, Selector};
use perennial_resolver::{Freshness, Handle};
use serde_json::json;
use tokio::time::timeout;

use super::moto::{Moto, cx, read, text};

const LIMIT: Duration = Duration::from_secs(30);

fn shown(handle: &Handle) -> String {
    handle.secret().unwrap().expose_str().unwrap().to_owned()
}

/// Waits until a handle shows this, and is fresh or not.
async fn comes_to(handle: &Handle, value: &str, fresh: bool) {
    let come = async {
        loop {
            let is = handle.load().is_ok_and(|loaded| {
                let same = loaded.secret().expose() == value.as_bytes();
                same && matches!(loaded.freshness(), Freshness::Fresh) == fresh
            });
            if is {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = timeout(LIMIT, come).await;
    assert!(
        waited.is_ok(),
        "{value} does not come: {:?}",
        handle.status()
    );
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_secret_is_rotated_while_it_is_read() {
    let moto = Moto::start().await;
    moto.create("db", r#"{"user":"alice","password":"0"}"#)
        .await;
    let secrets = moto.resolver(&[("ttl", "1s")]);
    let password = secrets.watch("{vault://moto/db/password}").await.unwrap();
    let mut changes = password.changes();
    let mut last = 0;
    for round in 1..=3_u32 {
        let value = format!(r#"{{"user":"alice","password":"{round}"}}"#);
        moto.put("db", &value).await;
        let come = async {
            loop {
                // What is read never goes back and is never empty.
                let seen: u32 = shown(&password).parse().unwrap();
                assert!(seen >= last, "{seen} after {last}");
                last = seen;
                if seen == round {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, come).await.unwrap();
        let told = timeout(LIMIT, changes.next()).await.unwrap().unwrap();
        assert_eq!(told.secret().expose_str().unwrap(), round.to_string());
    }
    let user = secrets.get("{vault://moto/db/user}").await.unwrap();
    assert_eq!(user.secret().expose(), b"alice");
    let previous = secrets.get("{vault://moto/db/password#2}").await.unwrap();
    assert_eq!(previous.secret().expose(), b"2");
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn values_are_served_while_the_server_is_gone_and_are_fresh_once_it_is_back() {
    let mut moto = Moto::start().await;
    moto.create("db", "one").await;
    let secrets = moto.resolver(&[("ttl", "1s"), ("timeout", "2s")]);
    let handle = secrets.watch("{vault://moto/db}").await.unwrap();
    moto.server.stop();
    comes_to(&handle, "one", false).await;
    let absent = secrets.get("{vault://moto/other}").await.unwrap_err();
    assert!(
        absent
            .as_backend()
            .is_some_and(|error| error.kind() == ErrorKind::Unavailable)
    );
    moto.restart().await;
    // It has forgotten all: what comes now is another version.
    moto.create("db", "two").await;
    comes_to(&handle, "two", true).await;
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn values_are_served_while_the_server_is_frozen_for_longer_than_a_call_may_take() {
    let moto = Moto::start().await;
    moto.create("db", "one").await;
    let secrets = moto.resolver(&[("ttl", "1s"), ("timeout", "1s")]);
    let handle = secrets.watch("{vault://moto/db}").await.unwrap();
    moto.server.freeze();
    let other = timeout(LIMIT, secrets.get("{vault://moto/other}"))
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        other
            .as_backend()
            .is_some_and(|error| error.kind() == ErrorKind::Timeout),
        "{other}"
    );
    comes_to(&handle, "one", false).await;
    moto.server.thaw();
    moto.put("db", "two").await;
    comes_to(&handle, "two", true).await;
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_secret_that_was_deleted_is_told_and_comes_back_when_it_is_restored() {
    let moto = Moto::start().await;
    let backend = moto.backend();
    moto.create("db", "one").await;
    moto.call("DeleteSecret", json!({"SecretId": "db"})).await;
    let error = read(&backend, "db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.message(), "secret `db` is marked for deletion");
    moto.call("RestoreSecret", json!({"SecretId": "db"})).await;
    assert_eq!(read(&backend, "db").await.unwrap(), "one");
    let gone = json!({"SecretId": "db", "ForceDeleteWithoutRecovery": true});
    moto.call("DeleteSecret", gone).await;
    let error = read(&backend, "db").await.unwrap_err();
    assert_eq!(
        error.message(),
        "there is no secret `db` in region `eu-central-1`"
    );
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_batch_brings_what_it_can() {
    let moto = Moto::start().await;
    let backend = moto.backend();
    let arn = moto.create("one", "1").await["ARN"]
        .as_str()
        .unwrap()
        .to_owned();
    moto.create("two", "2").await;
    moto.create("doomed", "3").await;
    moto.call("DeleteSecret", json!({"SecretId": "doomed"}))
        .await;
    let requests = ["one", "absent", "two", "doomed", &arn].map(Request::new);
    let mut batch = Batch::new(requests.len());
    backend.fetch_many(&cx(), &requests, &mut batch).await;
    let came: Vec<_> = batch
        .into_answers()
        .into_iter()
        .map(|answer| {
            answer
                .map(|fetched| text(&fetched))
                .map_err(|error| error.kind())
        })
        .collect();
    let missing = || Err(ErrorKind::NotFound);
    let some = |value: &str| Ok(value.to_owned());
    assert_eq!(
        came,
        [some("1"), missing(), some("2"), missing(), some("1")]
    );
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_secret_is_read_by_arn_and_by_every_version() {
    let moto = Moto::start().await;
    let backend = moto.backend();
    let made = moto.create("prod/db", "one").await;
    let (arn, id) = (
        made["ARN"].as_str().unwrap(),
        made["VersionId"].as_str().unwrap(),
    );
    let blue = json!({"SecretId": "prod/db", "SecretString": "blue", "VersionStages": ["BLUE"]});
    moto.call("PutSecretValue", blue).await;
    moto.put("prod/db", "two").await;
    let (partial, _) = arn.rsplit_once('-').unwrap();
    for name in ["prod/db", arn, partial] {
        assert_eq!(read(&backend, name).await.unwrap(), "two", "{name}");
    }
    let secrets = moto.resolver(&[]);
    for name in [
        "prod/db/",
        "prod%2Fdb/",
        &arn.replace("prod/db", "prod%2Fdb"),
    ] {
        let value = secrets
            .get(format!("{{vault://moto/{name}}}"))
            .await
            .unwrap();
        assert_eq!(value.secret().expose(), b"two", "{name}");
    }
    let ask = async |selector: Selector| {
        let request = Request::new("prod/db").with_selector(selector);
        backend
            .fetch(&cx(), &request)
            .await
            .map(|fetched| text(&fetched))
    };
    assert_eq!(ask(Selector::Previous).await.unwrap(), "one");
    assert_eq!(ask(Selector::Id(id.into())).await.unwrap(), "one");
    assert_eq!(ask(Selector::Stage("BLUE".into())).await.unwrap(), "blue");
    assert_eq!(
        ask(Selector::Pending).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_planned_rotation_is_known() {
    let moto = Moto::start().await;
    let backend = moto.backend();
    moto.create("db", "one").await;
    let plan = json!({"SecretId": "db", "RotateImmediately": false,
        "RotationRules": {"AutomaticallyAfterDays": 7}});
    moto.call("RotateSecret", plan).await;
    let fetched = backend.fetch(&cx(), &Request::new("db")).await.unwrap();
    let days = fetched.next_rotation().map(|span| span.as_secs() / 86_400);
    assert!(days.is_some_and(|days| (5..=8).contains(&days)), "{days:?}");
}
