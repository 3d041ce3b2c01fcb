//! Clocks that jump, machines that sleep, and lives shorter than a minute.

use std::time::Duration;

use perennial_backend::UnixTime;
use perennial_resolver::{ErrorKind, Freshness};
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{Ongoing, World, is_stale, text};

const DB: &str = "{vault://scripted/db?ttl=300&resurrect_ttl=100000}";
const SHORT: &str = "{vault://scripted/db?ttl=300&resurrect_ttl=600}";
const NIGHT: Duration = Duration::from_secs(8 * 3600);

#[tokio::test]
async fn a_wall_clock_that_jumps_changes_nothing() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let mut world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    for to in [0, 4_000_000_000, 1_800_000_000] {
        let calls = store.calls();
        world.clock.set_unix_time(UnixTime::from_secs(to));
        world.settle().await;
        assert!(handle.load().unwrap().freshness().is_fresh());
        assert!(world.value(DB).await.unwrap().freshness().is_fresh());
        assert_eq!(store.calls(), calls, "no call because of the time of day");
        let before = world.now();
        while store.calls() == calls {
            world.advance_secs(1).await;
        }
        let span = world.now().since(before).as_secs();
        assert!((224..=241).contains(&span), "refreshed after {span} s");
    }
    assert!(world.whats().is_empty());
}

#[tokio::test]
async fn who_reads_after_a_night_of_sleep_waits_for_a_new_value() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "evening");
    let world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    store.put("db", "morning");
    store.fault(Fault::Latency(Duration::from_secs(1)));
    world.clock.advance(NIGHT);
    let mut reading = Ongoing::begin(world.secrets.get(DB)).await;
    world.settle().await;
    let loaded = handle.load().unwrap();
    assert_eq!(loaded.secret().expose(), b"evening");
    assert!(
        matches!(loaded.freshness(), Freshness::Stale { age, cause: None, .. } if *age >= NIGHT),
        "{:?}",
        loaded.freshness()
    );
    drop(loaded);
    world.advance_secs(1).await;
    let value = reading.look().await.expect("served").unwrap();
    assert_eq!(text(&value), "morning");
    assert!(value.freshness().is_fresh());
    assert_eq!(store.calls(), 2, "one call for all that came due");
}

#[tokio::test]
async fn who_reads_after_a_night_of_sleep_falls_back_while_the_store_is_down() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "evening");
    let world = World::new(&store);
    let long = world.secrets.watch(DB).await.unwrap();
    let short = world.secrets.watch(SHORT).await.unwrap();
    store.fault(Fault::outage());
    world.clock.advance(NIGHT);
    let value = world.value(DB).await.unwrap();
    assert!(is_stale(&value) && text(&value) == "evening");
    assert!(!long.load().unwrap().freshness().is_fresh());
    let error = world.get(SHORT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert_eq!(short.load().unwrap_err().kind(), ErrorKind::Expired);
    assert!(store.calls() <= 4, "{}", store.calls());
}

#[tokio::test]
async fn a_call_that_slept_with_the_machine_is_too_late_and_made_again() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    store.script([Fault::Hang]);
    let world = World::new(&store);
    let mut reading = Ongoing::begin(world.secrets.get(DB)).await;
    world.settle().await;
    world.clock.advance(NIGHT);
    world.settle().await;
    let error = reading.look().await.expect("served").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    world.advance_secs(2).await;
    assert_eq!(world.get(DB).await.unwrap(), "x");
}

#[tokio::test]
async fn half_a_minute_is_refreshed_before_it_ends_by_a_fifth_and_jitter() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let world = World::new(&store);
    let handle = world
        .secrets
        .watch("{vault://scripted/db?ttl=30}")
        .await
        .unwrap();
    for round in 1..20 {
        assert_eq!(store.calls(), round);
        // Six seconds ahead, and up to a second and a half earlier; never a moment stale.
        world.advance(Duration::from_millis(22_499)).await;
        assert_eq!(store.calls(), round);
        let before = world.now();
        while store.calls() == round {
            world.advance(Duration::from_millis(10)).await;
            assert!(handle.load().unwrap().freshness().is_fresh());
        }
        assert!(world.now().since(before) <= Duration::from_millis(1520));
    }
}

#[tokio::test]
async fn a_life_and_afterlife_of_less_than_a_minute_are_exact() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let world = World::new(&store);
    let reference = "{vault://scripted/db?ttl=10&resurrect_ttl=15}";
    let handle = world.secrets.watch(reference).await.unwrap();
    store.fault(Fault::outage());
    world.advance(Duration::from_millis(9_900)).await;
    assert!(handle.load().unwrap().freshness().is_fresh());
    world.advance(Duration::from_millis(100)).await;
    assert!(!handle.load().unwrap().freshness().is_fresh());
    world.advance(Duration::from_millis(14_900)).await;
    assert_eq!(world.get(reference).await.unwrap(), "x");
    assert!(handle.load().is_ok());
    world.advance(Duration::from_millis(100)).await;
    assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(
        world.get(reference).await.unwrap_err().kind(),
        ErrorKind::Expired
    );
    store.recover();
    world.advance_secs(61).await;
    assert!(handle.load().unwrap().freshness().is_fresh());
}
