//! How values age, are refreshed, and are read meanwhile.

use std::time::Duration;

use perennial_backend::{Hint, VaultSpec};
use perennial_resolver::{ErrorKind, Resolver, What};
use perennial_testkit::{Facts, Fault, ScriptedBackend};

use crate::world::{World, is_stale, text};

#[tokio::test]
async fn a_value_is_fetched_once_and_refreshed_before_its_ttl_ends() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "first");
    let world = World::new(&store);
    for _ in 0..5 {
        assert_eq!(
            world.get("{vault://scripted/db?ttl=300}").await.unwrap(),
            "first"
        );
    }
    assert_eq!(store.calls(), 1);
    store.put("db", "second");
    // Refreshed a minute before ttl ends, and by jitter up to a twentieth of ttl earlier.
    world.advance_secs(224).await;
    assert_eq!(
        (
            world.get("{vault://scripted/db?ttl=300}").await.unwrap(),
            store.calls()
        ),
        ("first".into(), 1)
    );
    world.advance_secs(16).await;
    assert_eq!(
        (
            world.get("{vault://scripted/db?ttl=300}").await.unwrap(),
            store.calls()
        ),
        ("second".into(), 2)
    );
}

#[tokio::test]
async fn six_hours_are_refreshed_a_minute_before_they_end() {
    let store = ScriptedBackend::new().quiet();
    store.put("cert", "one");
    let certs = VaultSpec::named("certs", "scripted")
        .unwrap()
        .with("ttl", "21600");
    let world = World::with(
        Resolver::builder()
            .backends(store.backends())
            .vault(certs)
            .tick(Duration::from_secs(60)),
    );
    let _handle = world.secrets.watch("{vault://certs/cert}").await.unwrap();
    world.advance_secs(21_600 - 60 - 31).await;
    assert_eq!(store.calls(), 1);
    world.advance_secs(31).await;
    assert_eq!(store.calls(), 2);
}

#[tokio::test]
async fn a_ttl_below_a_minute_is_exact() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let world = World::new(&store);
    let _handle = world
        .secrets
        .watch("{vault://scripted/db?ttl=30&refresh_ahead=0}")
        .await
        .unwrap();
    world.advance(Duration::from_millis(28_400)).await;
    assert_eq!(store.calls(), 1);
    world.advance(Duration::from_millis(1_600)).await;
    assert_eq!(store.calls(), 2);
    let small = world
        .secrets
        .watch("{vault://scripted/db?ttl=5&resurrect_ttl=20}")
        .await
        .unwrap();
    store.fault(Fault::outage());
    world.advance_secs(24).await;
    assert!(small.load().is_ok());
    world.advance_secs(3).await;
    assert_eq!(small.load().unwrap_err().kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn a_ttl_of_zero_is_never_refreshed_by_age() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "first");
    let world = World::with(
        Resolver::builder()
            .backends(store.backends())
            .tick(Duration::from_secs(86_400)),
    );
    let handle = world
        .secrets
        .watch("{vault://scripted/db?ttl=0}")
        .await
        .unwrap();
    store.put("db", "second");
    world.advance_secs(30 * 86_400).await;
    assert_eq!(store.calls(), 1);
    assert!(handle.load().is_ok());
}

#[tokio::test]
async fn views_of_one_secret_share_a_call_and_each_keeps_its_own_policy() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", r#"{"user":"alice","password":"one"}"#);
    let world = World::new(&store);
    let short = world
        .secrets
        .watch("{vault://scripted/db/password?ttl=60}")
        .await
        .unwrap();
    let long = world
        .secrets
        .watch("{vault://scripted/db/user?ttl=6000&resurrect_ttl=0}")
        .await
        .unwrap();
    assert_eq!(store.calls(), 1);
    world.advance_secs(60).await;
    assert_eq!(
        store.calls(),
        2,
        "the secret is refreshed for the view that wants it first"
    );
    store.fault(Fault::outage());
    world.advance_secs(300).await;
    assert!(is_stale(
        &world
            .value("{vault://scripted/db/password?ttl=60}")
            .await
            .unwrap()
    ));
    assert!(short.load().is_ok());
    assert!(long.load().unwrap().freshness().is_fresh());
}

#[tokio::test]
async fn cached_says_not_yet_and_then_has_it() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "value");
    let world = World::new(&store);
    let error = world.secrets.cached("{vault://scripted/db}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotYet);
    world.settle().await;
    assert_eq!(
        world
            .secrets
            .cached("{vault://scripted/db}")
            .unwrap()
            .secret()
            .expose(),
        b"value"
    );
    assert_eq!(store.calls(), 1);
}

#[tokio::test]
async fn changes_are_the_latest_wins_and_end_with_the_resolver() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "one");
    let mut world = World::new(&store);
    let handle = world
        .secrets
        .watch("{vault://scripted/db?ttl=10}")
        .await
        .unwrap();
    let mut changes = handle.changes();
    store.put("db", "two");
    world.advance_secs(10).await;
    store.put("db", "three");
    world.advance_secs(10).await;
    assert_eq!(text(&changes.next().await.unwrap()), "three");
    assert_eq!(
        world
            .whats()
            .iter()
            .filter(|what| **what == What::Rotated)
            .count(),
        2
    );
    let waiting = changes.next();
    assert!(world.secrets.shutdown(Duration::from_secs(5)).await);
    assert!(waiting.await.is_none());
    assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(text(&handle.last().unwrap()), "three");
    let error = world.get("{vault://scripted/db?ttl=10}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_key_that_disappears_fails_its_view_alone_and_never_a_snapshot_by_half() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", r#"{"user":"alice","password":"one"}"#);
    let mut world = World::new(&store);
    let user = world
        .secrets
        .watch("{vault://scripted/db/user?ttl=60}")
        .await
        .unwrap();
    let password = world
        .secrets
        .watch("{vault://scripted/db/password?ttl=60}")
        .await
        .unwrap();
    let pair = [
        ("user", "{vault://scripted/db/user?ttl=60}"),
        ("password", "{vault://scripted/db/password?ttl=60}"),
    ];
    let snapshot = world.secrets.snapshot(pair).await.unwrap();
    assert_eq!(snapshot.get("password").unwrap().expose(), b"one");
    assert!(snapshot.get("other").is_err());
    store.put("db", r#"{"user":"bob"}"#);
    world.advance_secs(60).await;
    assert_eq!(user.secret().unwrap().expose(), b"bob");
    assert_eq!(
        password.secret().unwrap().expose(),
        b"one",
        "kept under its own policy"
    );
    let error = world.secrets.snapshot(pair).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.reference().unwrap().contains("password"));
    let what: Vec<_> = world
        .happened()
        .iter()
        .map(|h| (h.what(), h.reference().unwrap().contains("password")))
        .collect();
    assert!(what.contains(&(What::Rotated, false)), "{what:?}");
    assert!(
        what.iter()
            .any(|(what, password)| *password && *what != What::Rotated),
        "{what:?}"
    );
}

#[tokio::test]
async fn hints_ttl_hints_and_planned_rotations_are_followed() {
    let store = ScriptedBackend::new();
    store.put("db", "one");
    let world = World::new(&store);
    let handle = world
        .secrets
        .watch("{vault://scripted/db?ttl=6000}")
        .await
        .unwrap();
    world.settle().await;
    store.put("db", "two"); // which the scripted store tells of
    world.settle().await;
    assert_eq!(handle.secret().unwrap().expose(), b"two");
    store.hint(&Hint::Everything);
    world.settle().await;
    let calls = store.calls();
    let mut facts = Facts::default();
    facts.next_rotation = Some(Duration::from_secs(100));
    store.set_facts("planned", facts);
    store.put("planned", "before");
    let planned = world
        .secrets
        .watch("{vault://scripted/planned?ttl=6000}")
        .await
        .unwrap();
    world.advance_secs(99).await;
    let before = store.calls_for("planned");
    world.advance_secs(8).await;
    assert!(
        store.calls_for("planned") > before,
        "asked again just after the planned rotation"
    );
    assert!(planned.load().is_ok());
    assert!(store.calls() > calls);
}

#[tokio::test]
async fn an_alias_serves_reads_by_the_other_name() {
    let store = ScriptedBackend::new().quiet();
    let mut facts = Facts::default();
    facts.alias = Some("arn:db".into());
    store.set_facts("db", facts);
    store.put("db", "value");
    let world = World::new(&store);
    world.get("{vault://scripted/db}").await.unwrap();
    assert_eq!(
        world.get("{vault://scripted/arn:db}").await.unwrap(),
        "value"
    );
    assert_eq!(store.calls(), 1);
}

#[tokio::test]
async fn a_hint_may_name_a_secret_by_its_alias() {
    for hint in [Hint::Resource("arn:db".into()), Hint::Prefix("arn:".into())] {
        let store = ScriptedBackend::new();
        let mut facts = Facts::default();
        facts.alias = Some("arn:db".into());
        store.set_facts("db", facts);
        store.put("db", "value");
        let world = World::new(&store);
        let _handle = world.secrets.watch("{vault://scripted/db}").await.unwrap();
        world.settle().await;
        let calls = store.calls();
        store.hint(&Hint::Resource("arn:other".into()));
        world.settle().await;
        assert_eq!(store.calls(), calls);
        store.hint(&hint);
        world.settle().await;
        assert_eq!(store.calls(), calls + 1, "{hint:?}");
    }
}

#[tokio::test]
async fn a_hard_end_is_final() {
    let store = ScriptedBackend::new().quiet();
    let mut facts = Facts::default();
    facts.hard_end = Some(Duration::from_secs(100));
    store.set_facts("lent", facts);
    store.put("lent", "value");
    let world = World::new(&store);
    let handle = world
        .secrets
        .watch("{vault://scripted/lent?ttl=0}")
        .await
        .unwrap();
    store.fault(Fault::outage());
    world.advance_secs(99).await;
    handle.load().unwrap();
    world.advance_secs(1).await;
    assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Expired);
    store.recover();
    world.advance_secs(61).await;
    handle.load().unwrap();
}

#[tokio::test]
async fn an_idle_secret_is_left_alone_and_a_kept_one_is_not() {
    let store = ScriptedBackend::new().quiet();
    store.put("idle", "x");
    store.put("kept", "x");
    let world = World::with(
        Resolver::builder()
            .backends(store.backends())
            .tick(Duration::from_secs(3600)),
    );
    world.get("{vault://scripted/idle?ttl=600}").await.unwrap();
    let _kept = world
        .secrets
        .watch("{vault://scripted/kept?ttl=86400}")
        .await
        .unwrap();
    world.advance_secs(10 * 600 + 600).await;
    let calls = store.calls_for("idle");
    world.advance_secs(30 * 86_400).await;
    assert_eq!(
        store.calls_for("idle"),
        calls,
        "no call in thirty days after its last reader"
    );
    assert!(store.calls_for("kept") >= 30);
    assert_eq!(
        world.get("{vault://scripted/idle?ttl=600}").await.unwrap(),
        "x"
    );
    assert_eq!(store.calls_for("idle"), calls + 1);
}

#[tokio::test]
async fn what_nobody_reads_makes_room_and_what_is_kept_does_not() {
    let store = ScriptedBackend::new().quiet();
    for index in 0..50 {
        store.put(&format!("s{index}"), "x");
    }
    let world = World::with(Resolver::builder().backends(store.backends()).capacity(10));
    let kept = world.secrets.watch("{vault://scripted/s0}").await.unwrap();
    for index in 0..50 {
        let reference = format!("{{vault://scripted/s{index}}}");
        assert_eq!(
            world.get(&reference).await.unwrap(),
            "x",
            "a value that came is never lost"
        );
        world.advance_secs(61).await;
    }
    assert!(
        world.secrets.status().len() <= 11,
        "{}",
        world.secrets.status().len()
    );
    assert!(kept.load().is_ok());
}
