//! Writing versions: put as pending, promote, retire, list.

use perennial_backend::{
    Backend, Error, ErrorKind, Expected, Promote, Put, Request, Secret, Selector, Version,
    VersionState, VersionedWriter,
};
use serde_json::{Value, json};

use crate::scene::{Scene, text};

fn writer(scene: &Scene) -> &dyn VersionedWriter {
    scene.backend.facets().writer().unwrap()
}

fn put(value: &str) -> Put {
    Put::new("db", Secret::from(value))
}

async fn states(scene: &Scene) -> Vec<(String, VersionState)> {
    let listed = writer(scene).versions(&scene.cx(), "db").await.unwrap();
    listed
        .into_iter()
        .map(|(version, state)| (version.id().to_owned(), state))
        .collect()
}

#[tokio::test]
async fn a_secret_lives_through_a_whole_rotation() {
    let scene = Scene::start();
    let cx = scene.cx();
    let writer = writer(&scene);
    let made = put("one").with_expected(Expected::Nothing);
    let first = writer.put(&cx, &made).await.unwrap();
    assert_eq!(scene.read("db").await.unwrap(), "one");
    let again = writer.put(&cx, &made).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidReference);

    let next = put("two").with_expected(Expected::Version(first.clone()));
    let second = writer.put(&cx, &next).await.unwrap();
    let pending = Request::new("db").with_selector(Selector::Pending);
    assert_eq!(scene.read("db").await.unwrap(), "one");
    assert_eq!(text(&scene.fetch(&pending).await.unwrap()), "two");

    let promote = Promote::new("db", second.clone());
    let wrong = promote
        .clone()
        .with_expected(Expected::Version(second.clone()));
    let refused = |error: Error| assert_eq!(error.kind(), ErrorKind::InvalidReference, "{error}");
    refused(writer.promote(&cx, &wrong).await.unwrap_err());
    let stranger = Version::new("00000000-0000-4000-8000-999999999999");
    let wrong = promote
        .clone()
        .with_expected(Expected::Version(stranger.clone()));
    refused(writer.promote(&cx, &wrong).await.unwrap_err());
    assert_eq!(scene.read("db").await.unwrap(), "one");

    let right = promote
        .clone()
        .with_expected(Expected::Version(first.clone()));
    writer.promote(&cx, &right).await.unwrap();
    assert_eq!(scene.read("db").await.unwrap(), "two");
    assert_eq!(
        scene.fetch(&pending).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    // It is done already, so doing it once more is nothing.
    writer.promote(&cx, &promote).await.unwrap();
    let previous = Request::new("db").with_selector(Selector::Previous);
    assert_eq!(text(&scene.fetch(&previous).await.unwrap()), "one");

    refused(writer.retire(&cx, "db", &second).await.unwrap_err());
    writer.retire(&cx, "db", &first).await.unwrap();
    assert_eq!(
        scene.fetch(&previous).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    writer.retire(&cx, "db", &first).await.unwrap();
    assert_eq!(
        states(&scene).await,
        [(second.id().to_owned(), VersionState::Current)]
    );
    let stale = put("three").with_expected(Expected::Version(first));
    refused(writer.put(&cx, &stale).await.unwrap_err());
}

#[tokio::test]
async fn a_write_with_a_token_is_written_once() {
    let scene = Scene::start();
    let cx = scene.cx();
    scene.store.put("db", b"one");
    let write = put("two").with_token("rotation-7");
    let version = writer(&scene).put(&cx, &write).await.unwrap();
    assert_eq!(writer(&scene).put(&cx, &write).await.unwrap(), version);
    assert_eq!(states(&scene).await.len(), 2);
    let other = put("three").with_token("rotation-7");
    let error = writer(&scene).put(&cx, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    let uuid = "0badc0de-0000-4000-8000-000000000000";
    let named = put("four").with_token(uuid);
    assert_eq!(writer(&scene).put(&cx, &named).await.unwrap().id(), uuid);
}

#[tokio::test]
async fn all_pages_of_versions_are_read_and_the_newest_comes_first() {
    let scene = Scene::start();
    let old = scene.store.put("db", b"one");
    let new = scene.store.put("db", b"two");
    let pending = scene.store.prepare("db", Some(b"three"));
    let blue = scene.store.prepare("db", Some(b"four"));
    let label = |index: usize, label: &str| {
        let mut state = scene.store.state();
        let kept = state.secrets.get_mut("db").unwrap();
        kept.versions[index].stages = vec![label.to_owned()];
    };
    label(2, "AWSPENDING");
    label(3, "BLUE");
    assert_eq!(
        states(&scene).await,
        [
            (blue, VersionState::Other),
            (pending, VersionState::Pending),
            (new, VersionState::Current),
            (old, VersionState::Previous),
        ]
    );
    assert_eq!(scene.operations(), ["ListSecretVersionIds"; 2]);
}

#[tokio::test]
async fn writes_are_sent_with_their_label_token_and_form() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    let binary = Put::new("db", Secret::from(&[0xff, 0x00][..])).with_token("t".repeat(32));
    writer(&scene).put(&scene.cx(), &binary).await.unwrap();
    let body: Value = serde_json::from_slice(&scene.server.requests()[0].body).unwrap();
    let expected = json!({
        "SecretId": "db", "ClientRequestToken": "t".repeat(32), "SecretBinary": "/wA=",
        "VersionStages": ["AWSPENDING"],
    });
    assert_eq!(body, expected);
    let pending = Request::new("db").with_selector(Selector::Pending);
    let fetched = scene.fetch(&pending).await.unwrap();
    assert_eq!(format!("{:?}", fetched.payload()), "Secret(Secret(..))");
}

#[tokio::test]
async fn a_denied_write_names_its_action() {
    let check = async |action: &'static str, work: fn(&Scene) -> Put| {
        let scene = Scene::start();
        scene.store.put("db", b"one");
        scene.store.state().forbidden.push(action);
        let error = writer(&scene)
            .put(&scene.cx(), &work(&scene))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(
            error
                .message()
                .contains(&format!("`secretsmanager:{action}`")),
            "{error}"
        );
    };
    check("PutSecretValue", |_| put("two")).await;
    check("CreateSecret", |_| {
        put("two").with_expected(Expected::Nothing)
    })
    .await;
    check("ListSecretVersionIds", |_| {
        put("two").with_expected(Expected::Version(Version::new("v")))
    })
    .await;
}
