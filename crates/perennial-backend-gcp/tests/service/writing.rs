//! Writing versions.

use perennial_backend::{
    Backend as _, Error, ErrorKind, Expected, Promote, Put, Secret, Version, VersionState,
};
use perennial_backend_gcp::{Retirement, SecretManager};

use crate::{anonymous, context, service, value};

fn put(text: &str) -> Put {
    Put::new("db", Secret::from(text))
}

fn states(listed: &[(Version, VersionState)]) -> Vec<(&str, VersionState)> {
    listed
        .iter()
        .map(|(version, state)| (version.id(), *state))
        .collect()
}

#[tokio::test]
async fn a_secret_is_made_rotated_and_its_old_versions_retired() {
    let (_store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    let cx = context();
    let first = put("one").with_expected(Expected::Nothing);
    let first = writer.put(&cx, &first).await.unwrap();
    assert_eq!(first.id(), "1");
    assert_eq!(value(&backend, "db").await.unwrap(), b"one");

    let second = put("two").with_expected(Expected::Version(first.clone()));
    let second = writer.put(&cx, &second).await.unwrap();
    writer
        .promote(&cx, &Promote::new("db", second.clone()))
        .await
        .unwrap();
    writer.put(&cx, &put("three")).await.unwrap();
    let listed = writer.versions(&cx, "db").await.unwrap();
    use VersionState::{Current, Disabled, Other, Previous};
    assert_eq!(
        states(&listed),
        [("3", Current), ("2", Previous), ("1", Other)]
    );

    writer.retire(&cx, "db", &first).await.unwrap();
    let listed = writer.versions(&cx, "db").await.unwrap();
    assert_eq!(
        states(&listed),
        [("3", Current), ("2", Previous), ("1", Disabled)]
    );
    assert_eq!(value(&backend, "db").await.unwrap(), b"three");
}

#[tokio::test]
async fn a_write_that_believes_something_else_is_refused() {
    let (_store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    let cx = context();
    writer
        .put(&cx, &put("one").with_expected(Expected::Nothing))
        .await
        .unwrap();
    let refused = async |request: Put| -> Error { writer.put(&cx, &request).await.unwrap_err() };
    let again = refused(put("canary").with_expected(Expected::Nothing)).await;
    assert_eq!(again.kind(), ErrorKind::InvalidReference);
    crate::clean(&again);
    let other = Expected::Version(Version::new("7"));
    let other = refused(put("canary").with_expected(other)).await;
    assert!(
        other.to_string().contains("another version is in force"),
        "{other}"
    );
    let nowhere = refused(Put::new("absent", Secret::from("canary"))).await;
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    assert_eq!(writer.versions(&cx, "db").await.unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_newest_is_promoted_and_only_others_are_retired() {
    let (_store, server) = service();
    let config = anonymous(&server).with_retire(Retirement::Destroy);
    let backend = SecretManager::new(config).unwrap();
    let writer = backend.facets().writer().unwrap();
    let cx = context();
    let first = put("one").with_expected(Expected::Nothing);
    let first = writer.put(&cx, &first).await.unwrap();
    let second = writer.put(&cx, &put("two")).await.unwrap();
    let refused = writer
        .promote(&cx, &Promote::new("db", first.clone()))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
    let refused = writer.retire(&cx, "db", &second).await.unwrap_err();
    assert!(refused.to_string().contains("in force"), "{refused}");
    writer.retire(&cx, "db", &first).await.unwrap();
    let listed = writer.versions(&cx, "db").await.unwrap();
    use VersionState::{Current, Destroyed};
    assert_eq!(states(&listed), [("2", Current), ("1", Destroyed)]);
}

#[tokio::test]
async fn the_newest_is_enabled_by_its_promotion() {
    let (store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    store.add("projects/p/secrets/db", b"one");
    store.edit("projects/p/secrets/db", |secret| {
        secret.versions[0].1 = crate::store::State::Disabled;
    });
    assert!(value(&backend, "db").await.is_err());
    let promote = Promote::new("db", Version::new("1"));
    writer.promote(&context(), &promote).await.unwrap();
    assert_eq!(value(&backend, "db").await.unwrap(), b"one");
}

#[tokio::test]
async fn a_first_write_that_broke_off_can_be_repeated() {
    let (store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    // The secret was made, and the first version never came.
    store.add("projects/p/secrets/db", b"x");
    store.edit("projects/p/secrets/db", |secret| secret.versions.clear());
    let first = put("one").with_expected(Expected::Nothing);
    assert_eq!(writer.put(&context(), &first).await.unwrap().id(), "1");
    assert!(writer.put(&context(), &first).await.is_err());
}

#[tokio::test]
async fn an_alias_is_no_version_to_retire_or_promote() {
    let (store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    store.add("projects/p/secrets/db", b"one");
    let alias = Version::new("latest");
    let retired = writer.retire(&context(), "db", &alias).await.unwrap_err();
    assert_eq!(retired.kind(), ErrorKind::InvalidReference);
    let promote = Promote::new("db", alias);
    let promoted = writer.promote(&context(), &promote).await.unwrap_err();
    assert_eq!(promoted.kind(), ErrorKind::InvalidReference);
    assert_eq!(value(&backend, "db").await.unwrap(), b"one");
}

/// Readers mean the newest version whatever its state, and so do writers.
#[tokio::test]
async fn while_the_newest_version_is_withdrawn_none_is_in_force() {
    let (store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    let cx = context();
    store.add("projects/p/secrets/db", b"one");
    store.add("projects/p/secrets/db", b"two");
    let newest = |state| {
        store.edit("projects/p/secrets/db", |secret| {
            secret.versions[1].1 = state;
        });
    };
    use VersionState::{Disabled, Previous};
    newest(crate::store::State::Disabled);
    let listed = writer.versions(&cx, "db").await.unwrap();
    assert_eq!(states(&listed), [("2", Disabled), ("1", Previous)]);
    let believing = put("three").with_expected(Expected::Version(Version::new("1")));
    assert!(writer.put(&cx, &believing).await.is_err());
    newest(crate::store::State::Destroyed);
    let gone = Promote::new("db", Version::new("2"));
    let gone = writer.promote(&cx, &gone).await.unwrap_err();
    assert!(gone.to_string().contains("destroyed"), "{gone}");
}

#[tokio::test]
async fn a_value_that_is_too_large_is_refused_before_it_is_sent() {
    let (_store, server) = service();
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let writer = backend.facets().writer().unwrap();
    let large = Put::new("db", Secret::from("x".repeat(65_537)));
    let refused = writer.put(&context(), &large).await.unwrap_err();
    assert!(refused.to_string().contains("65536"), "{refused}");
    assert!(server.requests().is_empty());
}
