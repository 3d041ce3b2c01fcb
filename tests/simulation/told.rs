//! What programs and operators are told: of each change once, of each refusal why, of age always.

use perennial_resolver::{ErrorKind, What};
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{Ongoing, World, is_stale, text};

const DB: &str = "{vault://scripted/db?ttl=60&resurrect_ttl=600}";

#[tokio::test]
async fn a_forced_refresh_waits_for_the_probe_while_the_breaker_is_open() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "old");
    for index in 0..20 {
        store.put(&format!("s{index}"), "x");
    }
    let mut world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    store.fault(Fault::outage());
    let _others: Vec<_> = (0..20)
        .map(|index| format!("{{vault://scripted/s{index}?ttl=60}}"))
        .map(|reference| world.secrets.watch_later(reference).unwrap())
        .collect();
    world.advance_secs(300).await;
    assert!(world.whats().contains(&What::VaultDown));
    let calls = store.calls();
    let mut failing = Ongoing::begin(world.secrets.refresh([DB])).await;
    let mut also = Ongoing::begin(world.secrets.refresh(["{vault://scripted/s7?ttl=60}"])).await;
    world.settle().await;
    assert_eq!(store.calls(), calls, "nothing passes but the probe");
    world.advance_secs(61).await;
    let failed = failing.look().await.expect("the probe has failed by now");
    assert_eq!(
        failed[0].as_ref().unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert!(also.look().await.expect("so has this")[0].is_err());
    assert!(store.calls() <= calls + 3);
    assert!(handle.load().is_ok());
    store.put("db", "new");
    store.recover();
    let mut refreshing = Ongoing::begin(world.secrets.refresh([DB])).await;
    world.advance_secs(61).await;
    let refreshed = refreshing.look().await.expect("the probe has come through");
    assert_eq!(text(refreshed[0].as_ref().unwrap()), "new");
}

#[tokio::test]
async fn each_change_of_state_is_told_of_once_and_no_retry_is() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "one");
    let mut world = World::new(&store);
    let reference = "{vault://scripted/db?ttl=60&resurrect_ttl=600&neg_ttl=10}";
    let _handle = world.secrets.watch(reference).await.unwrap();
    type Step<'a> = (&'a dyn Fn(), u64, &'a [What]);
    let steps: [Step<'_>; 8] = [
        (&|| {}, 600, &[]),
        (
            &|| {
                store.put("db", "two");
            },
            61,
            &[What::Rotated],
        ),
        (
            &|| store.deny("db", true),
            3600,
            &[What::RefreshFailed, What::Stale, What::Expired],
        ),
        (&|| store.deny("db", false), 601, &[What::Recovered]),
        (&|| store.remove("db"), 600, &[What::Missing, What::Stale]),
        (
            &|| {
                store.put("db", "three");
            },
            61,
            &[What::Rotated, What::Recovered],
        ),
        (
            &|| store.fault(Fault::outage()),
            600,
            &[What::RefreshFailed, What::VaultDown, What::Stale],
        ),
        (&|| store.recover(), 120, &[What::VaultUp, What::Recovered]),
    ];
    for (index, (step, secs, expected)) in steps.into_iter().enumerate() {
        step();
        world.advance_secs(secs).await;
        let mut whats = world.whats();
        let mut expected = expected.to_vec();
        whats.sort_by_key(|what| what.as_str());
        expected.sort_by_key(|what| what.as_str());
        assert_eq!(whats, expected, "step {index}");
    }
}

#[tokio::test]
async fn a_stale_value_of_a_snapshot_and_a_last_value_say_that_they_are_stale() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "old");
    let world = World::new(&store);
    let handle = world.secrets.watch(DB).await.unwrap();
    assert!(handle.last().unwrap().freshness().is_fresh());
    store.fault(Fault::outage());
    world.advance_secs(120).await;
    let snapshot = world.secrets.snapshot([("db", DB)]).await.unwrap();
    assert!(is_stale(snapshot.value("db").unwrap()));
    assert!(is_stale(&handle.last().unwrap()));
    world.advance_secs(700).await;
    assert!(is_stale(&handle.last().unwrap()));
    assert!(world.secrets.snapshot([("db", DB)]).await.is_err());
}
