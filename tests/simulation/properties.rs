//! What must never happen, whatever happens: random stories, checked after each of their steps.

mod aging;
mod story;
mod views;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use story::Story;
use views::{NAMES, POLICIES, VIEWS};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_must_never_happen_does_not(
        steps in prop::collection::vec(step(), 30..50),
    ) {
        live(&steps)?;
    }
}

fn live(steps: &[Step]) -> TestCaseResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut story = Story::new();
        for step in steps {
            story.take(step).await?;
        }
        story.end().await
    })
}

/// One step of a story. Secrets, views and handles are meant modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    Put(usize),
    /// A version without its password.
    PutHalf(usize),
    Remove(usize),
    Deny(usize, bool),
    Fault(Trouble),
    /// Answers are as old as this when they come.
    Age(Duration),
    Recover,
    Advance(Duration),
    /// The machine sleeps: nobody wakes meanwhile.
    Suspend(Duration),
    Get(usize, usize),
    Cached(usize, usize),
    Refresh(usize, usize),
    /// Asked for again, while the call for the first one is under way and the value changes.
    RefreshTwice(usize, usize),
    Snapshot(usize),
    Watch(usize, usize),
    Drop(usize),
    PutVault(usize),
    RemoveVault(bool),
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    Outage,
    Hang,
    Panic,
    Throttle(u64),
    LoggedOut,
    Latency(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    let view = || 0..VIEWS.len();
    let millis = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    let trouble = prop_oneof![
        Just(Trouble::Outage),
        Just(Trouble::Hang),
        Just(Trouble::Panic),
        (1..200_u64).prop_map(Trouble::Throttle),
        Just(Trouble::LoggedOut),
        (1..12_000_u64).prop_map(Trouble::Latency),
    ];
    prop_oneof![
        6 => name().prop_map(Step::Put),
        1 => name().prop_map(Step::PutHalf),
        1 => name().prop_map(Step::Remove),
        2 => (name(), any::<bool>()).prop_map(|(name, denied)| Step::Deny(name, denied)),
        4 => trouble.prop_map(Step::Fault),
        3 => millis(0..9_000).prop_map(Step::Age),
        3 => Just(Step::Recover),
        10 => prop_oneof![millis(0..3_000), millis(0..40_000), millis(0..400_000)]
            .prop_map(Step::Advance),
        1 => millis(0..30_000_000).prop_map(Step::Suspend),
        8 => (name(), view()).prop_map(|(name, view)| Step::Get(name, view)),
        3 => (name(), view()).prop_map(|(name, view)| Step::Cached(name, view)),
        5 => (name(), view()).prop_map(|(name, view)| Step::Refresh(name, view)),
        2 => (name(), view()).prop_map(|(name, view)| Step::RefreshTwice(name, view)),
        5 => name().prop_map(Step::Snapshot),
        6 => (name(), view()).prop_map(|(name, view)| Step::Watch(name, view)),
        2 => (0..8_usize).prop_map(Step::Drop),
        2 => (0..POLICIES.len()).prop_map(Step::PutVault),
        1 => any::<bool>().prop_map(Step::RemoveVault),
    ]
}
