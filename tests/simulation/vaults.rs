//! Vaults that come, go, hang, and are in nobody's way.

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{BackendType, Settings, VaultSpec};
use perennial_resolver::{Builder, ErrorKind, Removal, Resolver};
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{Ongoing, World, at_once, text};

fn two_stores(sick: &ScriptedBackend, sound: &ScriptedBackend) -> Builder {
    const SOUND: Settings = Settings::new("sound", "a store in memory", &[]);
    let row = sound.clone();
    let sound = BackendType::new(&SOUND, move |_| Ok(Arc::new(row.clone())));
    Resolver::builder().backends(sick.backends().with(sound))
}

#[tokio::test]
async fn a_vault_that_hangs_delays_no_other() {
    let (sick, sound) = (
        ScriptedBackend::new().quiet(),
        ScriptedBackend::new().quiet(),
    );
    for index in 0..100 {
        sick.put(&format!("s{index}"), "x");
    }
    sound.put("db", "at once");
    sick.fault(Fault::Hang);
    let world = World::with(two_stores(&sick, &sound));
    let _handles: Vec<_> = (0..100)
        .map(|index| {
            world
                .secrets
                .watch_later(format!("{{vault://scripted/s{index}}}"))
                .unwrap()
        })
        .collect();
    world.settle().await;
    let before = world.now();
    assert_eq!(world.get("{vault://sound/db}").await.unwrap(), "at once");
    assert_eq!(world.now(), before, "not a nanosecond later");
}

#[tokio::test]
async fn a_vault_that_is_replaced_serves_its_old_values_until_the_new_ones_come() {
    let (first, second) = (
        ScriptedBackend::new().quiet(),
        ScriptedBackend::new().quiet(),
    );
    first.put("db", "from the first");
    second.put("db", "from the second");
    let mut builder = two_stores(&first, &second);
    builder = builder.vault(VaultSpec::named("mine", "scripted").unwrap());
    let world = World::with(builder);
    let handle = world.secrets.watch("{vault://mine/db}").await.unwrap();
    let other = world.secrets.watch("{vault://scripted/db}").await.unwrap();
    let calls = first.calls();
    second.fault(Fault::Latency(Duration::from_secs(3)));
    world
        .secrets
        .put_vault(VaultSpec::named("mine", "sound").unwrap())
        .unwrap();
    world.settle().await;
    assert_eq!(handle.secret().unwrap().expose(), b"from the first");
    world.advance_secs(4).await;
    assert_eq!(handle.secret().unwrap().expose(), b"from the second");
    assert_eq!(other.secret().unwrap().expose(), b"from the first");
    assert_eq!(first.calls(), calls, "other vaults keep what they hold");
}

#[tokio::test]
async fn a_late_answer_of_a_vault_that_was_replaced_is_discarded() {
    let (first, second) = (
        ScriptedBackend::new().quiet(),
        ScriptedBackend::new().quiet(),
    );
    first.put("db", "old");
    second.put("db", "new");
    let builder = two_stores(&first, &second).vault(VaultSpec::named("mine", "scripted").unwrap());
    let world = World::with(builder);
    first.fault(Fault::Latency(Duration::from_secs(5)));
    let handle = world.secrets.watch_later("{vault://mine/db}").unwrap();
    world.settle().await;
    world
        .secrets
        .put_vault(VaultSpec::named("mine", "sound").unwrap())
        .unwrap();
    world.settle().await;
    assert_eq!(handle.secret().unwrap().expose(), b"new");
    world.advance_secs(6).await;
    assert_eq!(handle.secret().unwrap().expose(), b"new");
}

#[tokio::test]
async fn handles_of_a_vault_that_was_removed_say_so() {
    for (removal, keeps) in [(Removal::Keep, true), (Removal::Purge, false)] {
        let store = ScriptedBackend::new().quiet();
        store.put("db", "x");
        let named = VaultSpec::named("mine", "scripted").unwrap();
        let world = World::with(Resolver::builder().backends(store.backends()).vault(named));
        let handle = world.secrets.watch("{vault://mine/db}").await.unwrap();
        let mut changes = handle.changes();
        assert!(world.secrets.remove_vault("mine", removal));
        world.settle().await;
        assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(handle.last().is_some(), keeps);
        assert!(changes.next().await.is_none());
        let error = world.get("{vault://mine/db}").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownVault);
        assert!(!world.secrets.remove_vault("mine", removal));
        world
            .secrets
            .put_vault(VaultSpec::named("mine", "scripted").unwrap())
            .unwrap();
        assert_eq!(world.get("{vault://mine/db}").await.unwrap(), "x");
    }
}

#[tokio::test]
async fn due_secrets_of_one_vault_are_fetched_together_where_the_store_allows_it() {
    use perennial_backend::{Capabilities, Numbering};

    let capabilities = Capabilities::new()
        .with_numbering(Numbering::Provider)
        .with_max_batch(20);
    let store = ScriptedBackend::with_capabilities(capabilities).quiet();
    for index in 0..40 {
        store.put(&format!("s{index}"), "x");
    }
    let world = World::new(&store);
    let references: Vec<_> = (0..40)
        .map(|index| format!("{{vault://scripted/s{index}}}"))
        .collect();
    let values = world.secrets.get_many(&references).await;
    assert!(
        values
            .iter()
            .all(|value| text(value.as_ref().unwrap()) == "x")
    );
    assert_eq!(store.calls(), 2);
}

/// A store that is replaced by another one, as the vault `mine`.
fn replaceable() -> (ScriptedBackend, ScriptedBackend, World) {
    let (first, second) = (
        ScriptedBackend::new().quiet(),
        ScriptedBackend::new().quiet(),
    );
    first.put("db", r#"{"user":"old","password":"old"}"#);
    second.put("db", r#"{"user":"new","password":"new"}"#);
    let builder = two_stores(&first, &second).vault(VaultSpec::named("mine", "scripted").unwrap());
    (first, second, World::with(builder))
}

fn replace(world: &World) {
    let spec = VaultSpec::named("mine", "sound").unwrap();
    world.secrets.put_vault(spec).unwrap();
}

const MINE: &str = "{vault://mine/db/user}";

#[tokio::test]
async fn who_waits_for_a_vault_that_is_replaced_is_served_by_the_new_one() {
    let (first, second, world) = replaceable();
    first.fault(Fault::Hang);
    let mut reading = Ongoing::begin(world.secrets.get(MINE)).await;
    let mut refreshing = Ongoing::begin(world.secrets.refresh([MINE])).await;
    world.settle().await;
    second.fault(Fault::Latency(Duration::from_secs(1)));
    replace(&world);
    world.settle().await;
    assert!(reading.look().await.is_none());
    world.advance_secs(2).await;
    let value = reading.look().await.expect("nobody waits for ever");
    assert_eq!(text(&value.unwrap()), "new");
    let refreshed = refreshing.look().await.expect("nobody waits for ever");
    assert_eq!(text(refreshed[0].as_ref().unwrap()), "new");
    assert!((1..=2).contains(&second.calls()));
}

#[tokio::test]
async fn what_the_old_vault_failed_to_give_is_asked_of_the_new_one_at_once() {
    let (first, _second, world) = replaceable();
    first.deny("db", true);
    let error = world.get(MINE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    replace(&world);
    world.settle().await;
    assert_eq!(world.get(MINE).await.unwrap(), "new");
}

#[tokio::test]
async fn a_snapshot_of_a_vault_that_is_being_replaced_is_all_old_or_all_new() {
    let (_first, second, world) = replaceable();
    let pair = [("u", MINE), ("p", "{vault://mine/db/password}")];
    let _ = world.secrets.snapshot(pair).await.unwrap();
    second.fault(Fault::Latency(Duration::from_secs(3)));
    replace(&world);
    for expected in ["old", "new"] {
        let mut taking = Ongoing::begin(world.secrets.snapshot(pair)).await;
        world.settle().await;
        let both = taking.look().await.expect("nobody waits").unwrap();
        for name in ["u", "p"] {
            assert_eq!(both.get(name).unwrap().expose(), expected.as_bytes());
        }
        world.advance_secs(4).await;
    }
}

#[tokio::test]
async fn who_waits_for_a_vault_that_is_removed_is_told_so() {
    let (first, _second, world) = replaceable();
    first.fault(Fault::Hang);
    let mut reading = Ongoing::begin(world.secrets.get(MINE)).await;
    let mut refreshing = Ongoing::begin(world.secrets.refresh([MINE])).await;
    world.settle().await;
    assert!(world.secrets.remove_vault("mine", Removal::Purge));
    world.settle().await;
    let error = reading.look().await.expect("nobody waits for ever");
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Closed);
    let refreshed = refreshing.look().await.expect("nobody waits for ever");
    assert_eq!(refreshed[0].as_ref().unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_sick_vault_changes_nothing_about_a_sound_one() {
    let sicknesses = [
        None,
        Some(Fault::Hang),
        Some(Fault::Panic),
        Some(Fault::throttle(Duration::from_secs(3000))),
        Some(Fault::outage()),
        Some(Fault::logged_out()),
    ];
    let mut stories = Vec::new();
    for sickness in sicknesses {
        let (sick, sound) = (
            ScriptedBackend::new().quiet(),
            ScriptedBackend::new().quiet(),
        );
        sound.put("db", "x");
        if let Some(fault) = sickness {
            sick.fault(fault);
        }
        let world = World::with(two_stores(&sick, &sound));
        let _sick: Vec<_> = (0..50)
            .map(|index| format!("{{vault://scripted/s{index}?ttl=30}}"))
            .map(|reference| world.secrets.watch_later(reference).unwrap())
            .collect();
        let _sound = world
            .secrets
            .watch_later("{vault://sound/db?ttl=30&refresh_ahead=15}")
            .unwrap();
        let mut story = Vec::new();
        for _ in 0..120 {
            world.advance_secs(1).await;
            let cached = world
                .secrets
                .cached("{vault://sound/db?ttl=30&refresh_ahead=15}");
            story.push((sound.calls(), cached.unwrap().freshness().is_fresh()));
        }
        let value = at_once(
            world
                .secrets
                .get("{vault://sound/db?ttl=30&refresh_ahead=15}"),
        );
        assert!(value.await.unwrap().freshness().is_fresh());
        stories.push(story);
    }
    // Jitter is drawn by all together, so calls may be a second or two apart; how many there are,
    // and what readers see, is the same.
    let last: Vec<_> = stories.iter().filter_map(|story| story.last()).collect();
    assert!(
        last.iter()
            .all(|(calls, fresh)| *fresh && (7..=9).contains(calls)),
        "{last:?}"
    );
    assert!(stories.iter().flatten().all(|(_, fresh)| *fresh));
}

#[tokio::test]
async fn the_call_of_a_sound_vault_starts_at_the_moment_at_which_it_is_asked() {
    let mut starts = Vec::new();
    for sickness in [None, Some(Fault::Hang), Some(Fault::Panic)] {
        let (sick, sound) = (
            ScriptedBackend::new().quiet(),
            ScriptedBackend::new().quiet(),
        );
        sound.put("db", "x");
        if let Some(fault) = sickness {
            sick.fault(fault);
        }
        let world = World::with(two_stores(&sick, &sound));
        let start = world.now();
        let references: Vec<_> = (0..500)
            .map(|index| format!("{{vault://scripted/s{index}}}"))
            .collect();
        let _sick = Ongoing::begin(world.secrets.get_many(&references)).await;
        world.advance(Duration::from_millis(1234)).await;
        sound.fault(Fault::Latency(Duration::from_millis(10)));
        let mut reading = Ongoing::begin(world.secrets.get("{vault://sound/db}")).await;
        world.settle().await;
        assert_eq!(sound.calls(), 1);
        world.advance(Duration::from_millis(10)).await;
        let value = reading.look().await.expect("as soon as the store answers");
        assert_eq!(text(&value.unwrap()), "x");
        starts.push(world.now().since(start));
    }
    assert!(starts.iter().all(|span| *span == starts[0]), "{starts:?}");
}
