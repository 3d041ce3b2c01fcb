//! Which version comes, and how those that cannot come are told apart.

use perennial_backend::{ErrorKind, Request, Selector};
use perennial_backend_gcp::SecretManager;

use crate::store::State;
use crate::{anonymous, bytes, fetch, service};

const NAME: &str = "projects/p/secrets/db";

#[tokio::test]
async fn disabled_destroyed_and_missing_versions_are_told_apart() {
    let (store, server) = service();
    for value in ["one", "two", "three"] {
        store.add(NAME, value.as_bytes());
    }
    store.edit(NAME, |secret| {
        secret.versions[0].1 = State::Destroyed;
        secret.versions[1].1 = State::Disabled;
        secret.aliases.insert("blue".to_owned(), 2);
    });
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let check = async |selector: Selector, expected: Result<&str, (ErrorKind, &str)>| {
        let request = Request::new("db").with_selector(selector.clone());
        match (fetch(&backend, &request).await, expected) {
            (Ok(fetched), Ok(value)) => assert_eq!(bytes(fetched), value.as_bytes()),
            (Err(error), Err((kind, message))) => {
                assert_eq!(error.kind(), kind, "{error}");
                assert!(error.to_string().contains(message), "{error}");
            }
            (found, expected) => panic!("{selector}: {found:?}, not {expected:?}"),
        }
    };
    check(Selector::Current, Ok("three")).await;
    check(Selector::Number(3), Ok("three")).await;
    check(Selector::Id("blue".into()), Ok("three")).await;
    check(
        Selector::Number(2),
        Err((ErrorKind::PermissionDenied, "is disabled")),
    )
    .await;
    check(
        Selector::Number(1),
        Err((ErrorKind::NotFound, "is destroyed")),
    )
    .await;
    check(Selector::Number(4), Err((ErrorKind::NotFound, "no such"))).await;
    check(
        Selector::Id("green".into()),
        Err((ErrorKind::NotFound, "no such")),
    )
    .await;
    // Both before the newest are withdrawn.
    check(
        Selector::Previous,
        Err((ErrorKind::NotFound, "before the newest")),
    )
    .await;
    store.edit(NAME, |secret| secret.versions[0].1 = State::Enabled);
    check(Selector::Previous, Ok("one")).await;
    // As at the service, and unlike some emulators: the newest is the newest, disabled or not.
    store.edit(NAME, |secret| secret.versions[2].1 = State::Disabled);
    check(
        Selector::Current,
        Err((ErrorKind::PermissionDenied, "is disabled")),
    )
    .await;
}

#[tokio::test]
async fn a_secret_tells_its_version_and_its_other_name() {
    let (store, server) = service();
    store.add(NAME, b"one");
    store.add(NAME, b"two");
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let fetched = fetch(&backend, &Request::new("db")).await.unwrap();
    assert_eq!(fetched.version().unwrap().id(), "2");
    assert_eq!(fetched.aliases().collect::<Vec<_>>(), [NAME]);
    let fetched = fetch(&backend, &Request::new(NAME)).await.unwrap();
    assert_eq!(fetched.aliases().collect::<Vec<_>>(), ["db"]);
}

/// An id means the secret of the vault's own project: one of another project must not answer for it.
#[tokio::test]
async fn a_secret_of_another_project_has_no_bare_name() {
    let (store, server) = service();
    store.add("projects/q/secrets/db", b"theirs");
    let other = "projects/q/secrets/db";
    let open = SecretManager::new(anonymous(&server).with_other_projects()).unwrap();
    let fetched = fetch(&open, &Request::new(other)).await.unwrap();
    assert_eq!(fetched.aliases().count(), 0);
    let options = [(Box::from("project_id"), Box::from("q"))];
    let by_option = Request::new(other).with_options(options);
    let fetched = fetch(&open, &by_option).await.unwrap();
    assert_eq!(fetched.aliases().count(), 0);
    let mut config = anonymous(&server);
    config.project_id = None;
    let none = SecretManager::new(config).unwrap();
    let fetched = fetch(&none, &Request::new(other)).await.unwrap();
    assert_eq!(fetched.aliases().count(), 0);
}
