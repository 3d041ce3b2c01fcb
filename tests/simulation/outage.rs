//! What readers see while a store is down, and how often it is asked meanwhile.

use std::time::Duration;

use perennial_backend::{Error, ErrorKind as BackendErrorKind, VaultSpec};
use perennial_resolver::{ErrorKind, Freshness, Resolver, State, What};
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{Ongoing, World, is_stale, text};

const DB: &str = "{vault://scripted/db?ttl=60&resurrect_ttl=600}";

#[tokio::test]
async fn an_outage_is_lived_through_and_told_of_once() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "old");
    let mut world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    store.fault(Fault::outage());
    world.advance_secs(59).await;
    assert!(
        handle.load().unwrap().freshness().is_fresh(),
        "a failed refresh costs nothing inside ttl"
    );
    world.advance_secs(100).await;
    let loaded = handle.load().unwrap();
    let Freshness::Stale { age, cause, .. } = loaded.freshness() else {
        panic!("not stale")
    };
    assert!(*age >= Duration::from_secs(150));
    assert_eq!(
        cause.as_ref().unwrap().kind(),
        BackendErrorKind::Unavailable
    );
    drop(loaded);
    let value = world.value(DB).await.unwrap();
    assert!(is_stale(&value) && text(&value) == "old");
    let status = &world.secrets.status()[0];
    assert_eq!(status.state(), State::Stale);
    assert_eq!(status.last_error().unwrap().0, ErrorKind::Unavailable);

    store.put("db", "new");
    store.recover();
    world.advance_secs(61).await;
    assert_eq!(handle.secret().unwrap().expose(), b"new");
    let whats = world.whats();
    for what in [
        What::RefreshFailed,
        What::Stale,
        What::VaultDown,
        What::VaultUp,
        What::Rotated,
        What::Recovered,
    ] {
        assert_eq!(
            whats.iter().filter(|seen| **seen == what).count(),
            1,
            "{what:?} in {whats:?}"
        );
    }
}

#[tokio::test]
async fn a_value_is_usable_for_the_whole_of_its_resurrection_and_no_longer() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "old");
    let world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    store.fault(Fault::outage());
    world.advance_secs(659).await;
    assert!(handle.load().is_ok());
    assert!(world.get(DB).await.is_ok());
    world.advance_secs(1).await;
    assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Expired);
    let error = world.get(DB).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        "the value is 660 s old and may not be used any more: the scripted store is down"
    );
    assert_eq!(text(&handle.last().unwrap()), "old");
}

#[tokio::test]
async fn a_secret_that_is_deleted_is_resurrected_unless_the_vault_drops_it() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "old");
    let drops = VaultSpec::named("drops", "scripted")
        .unwrap()
        .with("on_missing", "drop");
    let world = World::with(Resolver::builder().backends(store.backends()).vault(drops));
    let kept = world.secrets.watch(DB).await.unwrap();
    let dropped = world
        .secrets
        .watch("{vault://drops/db?ttl=60&neg_ttl=30}")
        .await
        .unwrap();
    store.remove("db");
    world.advance_secs(61).await;
    assert_eq!(kept.secret().unwrap().expose(), b"old");
    assert_eq!(dropped.load().unwrap_err().kind(), ErrorKind::NotFound);
    store.put("db", "new");
    world.advance_secs(61).await;
    assert_eq!(kept.secret().unwrap().expose(), b"new");
    assert_eq!(dropped.secret().unwrap().expose(), b"new");
}

#[tokio::test]
async fn an_absence_is_remembered_for_exactly_as_long_as_was_asked() {
    let store = ScriptedBackend::new().quiet();
    let world = World::new(&store);
    let absent = "{vault://scripted/absent?neg_ttl=30}";
    for _ in 0..10 {
        assert_eq!(
            world.get(absent).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
    assert_eq!(store.calls(), 1);
    world.advance(Duration::from_millis(29_900)).await;
    assert!(world.get(absent).await.is_err());
    assert_eq!(store.calls(), 1);
    world.advance(Duration::from_millis(100)).await;
    assert!(world.get(absent).await.is_err());
    assert_eq!(store.calls(), 2);
    let never = "{vault://scripted/other?neg_ttl=0}";
    for _ in 0..5 {
        assert!(world.get(never).await.is_err());
    }
    assert_eq!(store.calls(), 3, "asked at most once a second");
}

#[tokio::test]
async fn a_day_of_outage_costs_a_bounded_number_of_calls_whatever_the_number_of_secrets() {
    for count in [1, 100, 1000] {
        let store = ScriptedBackend::new().quiet();
        let world = World::with(
            Resolver::builder()
                .backends(store.backends())
                .tick(Duration::from_secs(3600)),
        );
        let mut handles = Vec::new();
        for index in 0..count {
            store.put(&format!("s{index}"), "x");
            handles.push(
                world
                    .secrets
                    .watch_later(format!("{{vault://scripted/s{index}?ttl=60}}"))
                    .unwrap(),
            );
        }
        world.advance_secs(20).await;
        assert!(handles.iter().all(|handle| handle.load().is_ok()));
        let before = store.calls();
        store.fault(Fault::outage());
        world.advance_secs(86_400).await;
        let calls = store.calls() - before;
        assert!(calls <= 24 * 120 + 20, "{calls} calls for {count} secrets");
        assert!(
            handles.iter().all(|handle| handle.load().is_ok()),
            "all are still served"
        );
        store.recover();
        world.advance_secs(300).await;
        assert!(
            handles
                .iter()
                .all(|handle| handle.load().unwrap().freshness().is_fresh())
        );
    }
}

#[tokio::test]
async fn who_waits_during_an_outage_is_told_and_not_kept_waiting() {
    let store = ScriptedBackend::new().quiet();
    store.fault(Fault::outage());
    let world = World::new(&store);
    for index in 0..100 {
        let error = world
            .get(&format!("{{vault://scripted/s{index}}}"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert!(store.calls() <= 20, "{}", store.calls());
    let error = world.get("{vault://scripted/another}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_in().is_some());
}

#[tokio::test]
async fn a_store_that_throttles_is_left_alone_for_as_long_as_it_asks() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    store.script([Fault::throttle(Duration::from_secs(40))]);
    let world = World::new(&store);
    assert_eq!(
        world.get(DB).await.unwrap_err().kind(),
        ErrorKind::RateLimited
    );
    world.advance_secs(39).await;
    assert!(world.get("{vault://scripted/other}").await.is_err());
    assert_eq!(store.calls(), 1);
    world.advance_secs(6).await;
    assert_eq!(world.get(DB).await.unwrap(), "x");
}

#[tokio::test]
async fn what_is_denied_is_asked_for_at_most_once_a_minute() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    store.deny("db", true);
    let world = World::new(&store);
    let handle = world.secrets.watch_later(DB).unwrap();
    world.advance_secs(3600).await;
    assert!(store.calls() <= 12, "{}", store.calls());
    assert_eq!(
        handle.load().unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    store.deny("db", false);
    world.advance_secs(800).await;
    assert!(handle.load().is_ok());
}

#[tokio::test]
async fn a_forced_refresh_begins_after_it_was_asked_for_and_a_failed_one_costs_nothing() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "one");
    let world = World::new(&store);
    world.get(DB).await.unwrap();
    store.put("db", "two");
    let refreshed = world.secrets.refresh([DB, "{vault://scripted/none}"]).await;
    assert_eq!(text(refreshed[0].as_ref().unwrap()), "two");
    assert_eq!(
        refreshed[1].as_ref().unwrap_err().kind(),
        ErrorKind::NotFound
    );
    store.script([Fault::outage()]);
    let failed = world.secrets.refresh([DB]).await;
    assert_eq!(
        failed[0].as_ref().unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(world.get(DB).await.unwrap(), "two");

    // One that is under way when it is asked for does not count.
    store.script([
        Fault::Latency(Duration::from_secs(2)),
        Fault::Latency(Duration::from_secs(2)),
    ]);
    let calls = store.calls();
    let (first, second) = (world.secrets.refresh([DB]), world.secrets.refresh([DB]));
    let both = async {
        let first = Box::pin(first);
        let mut first = first;
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(first.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        world.settle().await;
        let mut second = Box::pin(second);
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(second.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        world.advance_secs(5).await;
        (first.await, second.await)
    };
    let (first, second) = both.await;
    assert!(first[0].is_ok() && second[0].is_ok());
    assert_eq!(store.calls(), calls + 2);
}

#[tokio::test]
async fn an_error_of_a_panic_is_one_like_any_other() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    store.script([Fault::Panic]);
    let world = World::new(&store);
    assert_eq!(
        world.get(DB).await.unwrap_err().kind(),
        ErrorKind::Unexpected
    );
    world.advance_secs(76).await;
    assert_eq!(world.get(DB).await.unwrap(), "x");
}

#[tokio::test]
async fn a_login_that_is_lost_costs_no_value() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    store.fault(Fault::Error(Error::new(
        BackendErrorKind::Unauthenticated,
        "who are you",
    )));
    world.advance_secs(300).await;
    assert!(handle.load().is_ok());
}

#[tokio::test]
async fn a_secret_that_is_denied_is_dropped_at_once_where_the_vault_says_so() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let drops = VaultSpec::named("drops", "scripted")
        .unwrap()
        .with("on_denied", "drop");
    let world = World::with(Resolver::builder().backends(store.backends()).vault(drops));
    let reference = "{vault://drops/db?ttl=6000}";
    let kept = world.secrets.watch(DB).await.unwrap();
    let dropped = world.secrets.watch(reference).await.unwrap();
    store.deny("db", true);
    let refreshed = world.secrets.refresh([reference]).await;
    assert_eq!(
        refreshed[0].as_ref().unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        dropped.load().unwrap_err().kind(),
        ErrorKind::PermissionDenied,
        "inside its ttl"
    );
    world.advance_secs(120).await;
    assert!(kept.load().is_ok());
    // An outage is no definite answer: it neither brings the value back nor costs another.
    store.fault(Fault::outage());
    let _ = Ongoing::begin(world.secrets.refresh([reference])).await;
    world.advance_secs(700).await;
    assert!(dropped.load().is_err());
    store.recover();
    store.deny("db", false);
    world.advance_secs(700).await;
    assert_eq!(dropped.secret().unwrap().expose(), b"x");
}
