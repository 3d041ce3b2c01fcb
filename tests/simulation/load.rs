//! Many readers, secrets that rotate under them, and less room than there are secrets.

use std::time::Duration;

use perennial_resolver::Resolver;
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{Ongoing, World, at_once, text};

const USER: &str = "{vault://scripted/db/user?ttl=60}";
const PASSWORD: &str = "{vault://scripted/db/password?ttl=60}";

fn reference(index: usize) -> String {
    format!("{{vault://scripted/s{index}}}")
}

fn pair(number: usize) -> String {
    format!(r#"{{"user":"user {number}","password":"password {number}"}}"#)
}

#[tokio::test]
async fn a_thousand_readers_of_ten_cold_secrets_make_ten_calls() {
    let store = ScriptedBackend::new().quiet();
    for index in 0..10 {
        store.put(&format!("s{index}"), format!("value {index}"));
    }
    store.fault(Fault::Latency(Duration::from_secs(2)));
    let world = World::new(&store);
    let mut readers = Vec::new();
    for index in 0..1000 {
        readers.push(Ongoing::begin(world.secrets.get(reference(index % 10))).await);
    }
    // Eight of a vault's calls run at the same time.
    world.advance_secs(4).await;
    for (index, reader) in readers.iter_mut().enumerate() {
        let value = reader.look().await.expect("served").unwrap();
        assert_eq!(text(&value), format!("value {}", index % 10));
    }
    assert_eq!(store.calls(), 10);
    assert!(store.most_running() <= 8);
}

#[tokio::test]
async fn nobody_waits_for_a_refresh_of_what_is_fresh() {
    let store = ScriptedBackend::new().quiet();
    store.put("s0", "old");
    let world = World::new(&store);
    world.get(&reference(0)).await.unwrap();
    store.put("s0", "new");
    store.fault(Fault::Latency(Duration::from_secs(5)));
    while store.calls() < 2 {
        world.advance_secs(1).await;
    }
    for _ in 0..100 {
        let value = at_once(world.secrets.get(reference(0))).await.unwrap();
        assert_eq!(text(&value), "old");
        assert!(value.freshness().is_fresh());
        let loaded = world.secrets.cached(reference(0)).unwrap();
        assert_eq!(loaded.secret().expose(), b"old");
    }
    world.advance_secs(5).await;
    assert_eq!(world.get(&reference(0)).await.unwrap(), "new");
    assert_eq!(store.calls(), 2);
}

#[tokio::test]
async fn no_reader_is_left_behind_once_a_refresh_has_returned() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", pair(0));
    let world = World::new(&store);
    let user = world.secrets.watch(USER).await.unwrap();
    let password = world.secrets.watch(PASSWORD).await.unwrap();
    store.fault(Fault::Latency(Duration::from_millis(700)));
    for number in 1..=50 {
        let (new, old) = (
            format!("password {number}"),
            format!("password {}", number - 1),
        );
        store.put("db", pair(number));
        let mut refresh = Ongoing::begin(world.secrets.refresh([PASSWORD])).await;
        let mut refreshed = None;
        while refreshed.is_none() {
            let seen = at_once(world.secrets.get(PASSWORD)).await.unwrap();
            assert!([&old, &new].contains(&&text(&seen)), "{}", text(&seen));
            assert_eq!(
                password.secret().unwrap().expose(),
                seen.secret().expose(),
                "two readers at one moment see one version"
            );
            let both = world.secrets.snapshot([("u", USER), ("p", PASSWORD)]);
            let both = both.await.unwrap();
            let named = |name| both.get(name).unwrap().expose_str().unwrap().to_owned();
            assert_eq!(named("u").replace("user", "password"), named("p"));
            world.advance(Duration::from_millis(100)).await;
            refreshed = refresh.look().await;
        }
        assert_eq!(text(refreshed.unwrap()[0].as_ref().unwrap()), new);
        assert_eq!(text(&world.value(PASSWORD).await.unwrap()), new);
        assert_eq!(password.secret().unwrap().expose(), new.as_bytes());
        assert_eq!(
            user.secret().unwrap().expose(),
            format!("user {number}").as_bytes()
        );
    }
}

#[tokio::test]
async fn who_waits_is_served_however_little_room_there_is() {
    let store = ScriptedBackend::new().quiet();
    for index in 0..50 {
        store.put(&format!("s{index}"), format!("value {index}"));
    }
    store.fault(Fault::Latency(Duration::from_secs(1)));
    let world = World::with(Resolver::builder().backends(store.backends()).capacity(3));
    let references: Vec<_> = (0..50).map(reference).collect();
    let mut reading = Ongoing::begin(world.secrets.get_many(&references)).await;
    let mut pairs = Ongoing::begin(
        world
            .secrets
            .snapshot(references.iter().map(|reference| (reference, reference))),
    )
    .await;
    world.advance_secs(20).await;
    let values = reading.look().await.expect("nobody waits for ever");
    for (index, value) in values.into_iter().enumerate() {
        assert_eq!(text(&value.unwrap()), format!("value {index}"));
    }
    assert!(pairs.look().await.is_none(), "it asks once more");
    world.settle().await;
    let snapshot = pairs.look().await.expect("nobody waits for ever").unwrap();
    assert_eq!(snapshot.get(&references[7]).unwrap().expose(), b"value 7");
    // What is asked for next makes room.
    store.recover();
    world.get(&reference(0)).await.unwrap();
    world.advance_secs(1).await;
    assert!(
        world.secrets.status().len() <= 4,
        "{}",
        world.secrets.status().len()
    );
}

#[tokio::test]
async fn a_forced_refresh_ends_however_little_room_there_is() {
    let store = ScriptedBackend::new().quiet();
    store.put("s0", "one");
    let world = World::with(Resolver::builder().backends(store.backends()).capacity(1));
    store.fault(Fault::Latency(Duration::from_secs(1)));
    let mut refresh = Ongoing::begin(world.secrets.refresh([reference(0)])).await;
    world.settle().await;
    for index in 1..10 {
        store.put(&format!("s{index}"), "x");
        let _ = world.secrets.cached(reference(index));
        world.settle().await;
    }
    world.advance_secs(3).await;
    let refreshed = refresh.look().await.expect("nobody waits for ever");
    assert_eq!(text(refreshed[0].as_ref().unwrap()), "one");
}

#[tokio::test]
async fn what_a_handle_keeps_stays_however_little_room_there_is() {
    let store = ScriptedBackend::new().quiet();
    for index in 0..60 {
        store.put(&format!("s{index}"), "x");
    }
    let world = World::with(Resolver::builder().backends(store.backends()).capacity(5));
    let mut handles = Vec::new();
    for index in 0..20 {
        handles.push(world.secrets.watch(reference(index)).await.unwrap());
    }
    for index in 20..60 {
        world.get(&reference(index)).await.unwrap();
        world.advance_secs(2).await;
    }
    assert!(handles.iter().all(|handle| handle.load().is_ok()));
    let held = world.secrets.status().len();
    assert!((20..=25).contains(&held), "{held}");
    drop(handles);
    world.advance_secs(120).await;
    for index in 40..60 {
        world.get(&reference(index)).await.unwrap();
    }
    world.settle().await;
    let held = world.secrets.status().len();
    assert!(held <= 6, "{held}");
}

#[tokio::test]
async fn a_pause_of_a_vault_whose_secrets_were_forgotten_keeps_nobody_busy() {
    let store = ScriptedBackend::new().quiet();
    store.script([Fault::throttle(Duration::from_secs(100))]);
    let world = World::with(Resolver::builder().backends(store.backends()).capacity(1));
    world.get(&reference(0)).await.unwrap_err();
    world.get(&reference(1)).await.unwrap_err();
    world.advance_secs(61).await;
    world.get(&reference(2)).await.unwrap_err();
    store.put("s3", "x");
    // Past the pause, with a queue of which nothing may be left.
    world.advance_secs(60).await;
    assert!(
        world
            .secrets
            .remove_vault("scripted", perennial_resolver::Removal::Purge)
    );
    world.advance_secs(600).await;
}
