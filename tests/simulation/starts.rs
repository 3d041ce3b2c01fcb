//! Programs that start: with everything they need, or with a list of what is missing.

use perennial_resolver::ErrorKind;
use perennial_testkit::ScriptedBackend;

use crate::world::World;

#[tokio::test]
async fn a_start_says_everything_that_is_missing_at_once() {
    let store = ScriptedBackend::new().quiet();
    store.put("here", r#"{"port": 5432}"#);
    store.put("secret", "x");
    store.deny("secret", true);
    let world = World::new(&store);
    let required = [
        "{vault://scripted/here}",
        "{vault://scripted/absent}",
        "{vault://scripted/secret}",
        "{vault://scripted/here/port}",
        "{vault://nowhere/db}",
        "no reference",
    ];
    let before = world.now();
    let failed = world
        .secrets
        .warm(required, ["{vault://scripted/optional}"])
        .await
        .unwrap_err();
    assert_eq!(world.now(), before);
    let kinds: Vec<_> = failed.problems().iter().map(|p| p.error().kind()).collect();
    assert_eq!(
        kinds,
        [
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::InvalidReference,
            ErrorKind::UnknownVault,
            ErrorKind::InvalidReference,
        ],
        "{failed}"
    );
}

#[tokio::test]
async fn a_start_goes_on_without_what_is_optional_and_says_so() {
    let store = ScriptedBackend::new().quiet();
    store.put("here", "x");
    let world = World::new(&store);
    let optional = ["{vault://scripted/absent}", "{vault://scripted/here}"];
    let warmed = world
        .secrets
        .warm(["{vault://scripted/here}"], optional)
        .await
        .unwrap();
    let [missing] = warmed.missing() else {
        panic!("{warmed:?}")
    };
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(
        missing
            .reference()
            .is_some_and(|text| text.contains("absent"))
    );
    assert_eq!(store.calls(), 2);
}
