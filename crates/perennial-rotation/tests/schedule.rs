//! The schedule against a naive model, over random operations and times.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use perennial_clock::Moment;
use perennial_rotation::{Key, Schedule};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Set(Key, u64),
    Remove(Key),
    Advance(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let millis = prop_oneof![
        0..3000_u64,
        0..100_000_u64,
        0..20_000_000_u64,
        0..4_000_000_000_u64
    ];
    let step = prop_oneof![
        5 => (0..12_u32, millis.clone()).prop_map(|(key, ahead)| Step::Set(key, ahead)),
        1 => (0..12_u32).prop_map(Step::Remove),
        3 => millis.prop_map(Step::Advance),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_due_comes_exactly_then_and_in_order(steps in steps(), start in 0..10_000_000_u64) {
        let mut now = Moment::ORIGIN + Duration::from_millis(start);
        let mut schedule = Schedule::new(now);
        let mut model: BTreeMap<Key, Moment> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Set(key, ahead) => {
                    let deadline = now + Duration::from_millis(ahead);
                    schedule.set(key, deadline);
                    model.insert(key, deadline);
                }
                Step::Remove(key) => {
                    schedule.remove(key);
                    model.remove(&key);
                }
                Step::Advance(by) => {
                    // As a driver does: from one timeout to the next, never past one.
                    let end = now + Duration::from_millis(by);
                    let mut wakeups = 0;
                    while let Some(timeout) = schedule.poll_timeout().filter(|at| *at <= end) {
                        let earliest = model.values().min().copied().unwrap_or(Moment::MAX);
                        prop_assert!(timeout.max(now) <= earliest.max(now));
                        now = now.max(timeout);
                        while let Some(key) = schedule.poll(now) {
                            let deadline = model.remove(&key);
                            prop_assert!(deadline.is_some_and(|at| at <= now));
                            let due = deadline.unwrap();
                            prop_assert!(model.values().all(|at| *at >= due));
                            // Nothing comes late: the driver slept until the schedule said.
                            prop_assert!(due >= timeout || due >= earliest);
                        }
                        prop_assert!(model.values().all(|at| *at > now));
                        wakeups += 1;
                        prop_assert!(wakeups < 1000, "the schedule never sleeps");
                    }
                    now = end;
                    prop_assert_eq!(schedule.poll(now), None);
                }
            }
            prop_assert_eq!(schedule.len(), model.len());
            for key in 0..12 {
                prop_assert_eq!(schedule.deadline(key), model.get(&key).copied());
            }
            let earliest = model.values().min().copied();
            prop_assert!(earliest.is_none() || schedule.poll_timeout().is_some());
        }
    }

    #[test]
    fn a_long_sleep_misses_nothing(
        deadlines in prop::collection::vec(0..100_000_000_u64, 1..40),
        sleep in 0..200_000_000_u64,
    ) {
        let start = Moment::ORIGIN + Duration::from_secs(5);
        let mut schedule = Schedule::new(start);
        for (key, ahead) in (0..).zip(&deadlines) {
            schedule.set(key, start + Duration::from_millis(*ahead));
        }
        let now = start + Duration::from_millis(sleep);
        let mut came: Vec<_> = std::iter::from_fn(|| schedule.poll(now)).collect();
        prop_assert!(came.iter().map(|key| deadlines[*key as usize] / 1000).is_sorted());
        came.sort_unstable();
        let due: Vec<_> =
            (0..).zip(&deadlines).filter(|(_, at)| **at <= sleep).map(|(key, _)| key).collect();
        prop_assert_eq!(came, due);
    }
}
