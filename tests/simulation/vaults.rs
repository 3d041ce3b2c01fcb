//! Vaults that come, go, hang, and are in nobody's way.

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{BackendType, Settings, VaultSpec};
use perennial_resolver::{ErrorKind, Removal, Resolver};
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{World, text};

fn two_stores(sick: &ScriptedBackend, sound: &ScriptedBackend) -> Resolver2 {
    const SOUND: Settings = Settings::new("sound", "a store in memory", &[]);
    let row = sound.clone();
    let sound = BackendType::new(&SOUND, move |_| Ok(Arc::new(row.clone())));
    Resolver::builder().backends(sick.backends().with(sound))
}

type Resolver2 = perennial_resolver::Builder;

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
