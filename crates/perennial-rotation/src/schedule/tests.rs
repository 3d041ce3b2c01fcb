//! What the schedule keeps, and where: what can only be seen from inside.

use core::time::Duration;

use super::buckets::RING;
use super::*;

fn at(millis: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(100) + Duration::from_millis(millis)
}

fn drain(schedule: &mut Schedule, now: Moment) -> Vec<Key> {
    core::iter::from_fn(|| schedule.poll(now)).collect()
}

#[test]
fn an_entry_takes_twelve_bytes() {
    assert_eq!(size_of::<table::Entry>(), 12);
}

#[test]
fn the_table_grows_by_no_more_than_a_quarter() {
    let mut table = Table::default();
    for key in 0..100_000 {
        if table.entry(key).is_none() {
            table.grow(key);
        }
        assert!(table.entry(key + key / 4 + 1).is_none());
    }
}

#[test]
fn moving_a_deadline_later_leaves_its_key_where_it_is() {
    let mut schedule = Schedule::new(at(0));
    schedule.set(3, at(5000));
    for later in [6000, 5000, 90_000, 5999, 1_000_000_000, 7000] {
        schedule.set(3, at(later));
        assert_eq!(schedule.buckets.len(), 1);
    }
    assert_eq!(drain(&mut schedule, at(6999)), []);
    assert_eq!(schedule.buckets.len(), 1);
    assert_eq!(drain(&mut schedule, at(7000)), [3]);
    assert_eq!((schedule.buckets.len(), schedule.len()), (0, 0));
}

#[test]
fn a_key_that_was_taken_away_and_comes_back_lies_in_one_bucket() {
    let mut schedule = Schedule::new(at(0));
    for _ in 0..100 {
        schedule.set(3, at(5000));
        schedule.remove(3);
    }
    assert_eq!((schedule.buckets.len(), schedule.len()), (1, 0));
    assert_eq!(drain(&mut schedule, at(5000)), []);
    assert_eq!((schedule.buckets.len(), schedule.poll_timeout()), (0, None));
}

/// A refresh that is forced again and again, of a secret with a long ttl.
#[test]
fn what_is_due_at_once_many_times_does_not_pile_up_where_it_is_due_next() {
    for ttl in [3_600_000, 30 * 86_400_000] {
        let mut schedule = Schedule::new(at(0));
        schedule.set(3, at(ttl));
        for now in (0..900).step_by(10) {
            schedule.set(3, at(now));
            assert_eq!(drain(&mut schedule, at(now)), [3]);
            schedule.set(3, at(now + ttl));
        }
        assert_eq!(schedule.buckets.len(), 1);
        assert!(schedule.late.is_empty() && schedule.begun.is_empty());
    }
}

#[test]
fn what_was_set_for_the_second_that_has_begun_comes_in_its_turn() {
    let mut schedule = Schedule::new(at(0));
    for (key, due) in [(1, 1200), (2, 1400), (3, 1600)] {
        schedule.set(key, at(due));
    }
    assert_eq!(drain(&mut schedule, at(1200)), [1]);
    schedule.set(4, at(1500));
    schedule.set(5, at(1100));
    schedule.set(2, at(1700));
    assert_eq!(schedule.poll_timeout(), Some(at(1100)));
    assert_eq!(drain(&mut schedule, at(1300)), [5]);
    assert_eq!(drain(&mut schedule, at(1999)), [4, 3, 2]);
    assert!(schedule.is_empty());
}

#[test]
fn a_far_bucket_that_begins_with_the_second_itself_is_spread_in_time() {
    let mut schedule = Schedule::new(Moment::ORIGIN);
    let block = Moment::ORIGIN + Duration::from_secs(2 * u64::from(RING));
    schedule.set(1, block);
    schedule.set(2, block + Duration::from_secs(1));
    schedule.set(3, block - Duration::from_nanos(1));
    let before = block - Duration::from_nanos(1);
    assert_eq!(drain(&mut schedule, before), [3]);
    assert_eq!(schedule.poll_timeout(), Some(block));
    assert_eq!(drain(&mut schedule, block), [1]);
    assert_eq!(
        schedule.poll_timeout(),
        Some(block + Duration::from_secs(1))
    );
}

#[test]
fn a_key_that_lies_twice_in_a_far_bucket_comes_once() {
    let mut schedule = Schedule::new(Moment::ORIGIN);
    let block = Moment::ORIGIN + Duration::from_secs(2 * u64::from(RING));
    schedule.set(1, block);
    schedule.set(1, Moment::ORIGIN + Duration::from_secs(5));
    assert_eq!(
        drain(&mut schedule, Moment::ORIGIN + Duration::from_secs(5)),
        [1]
    );
    schedule.set(1, block);
    assert_eq!(schedule.buckets.len(), 2);
    assert_eq!(drain(&mut schedule, block), [1]);
    assert_eq!((schedule.buckets.len(), schedule.len()), (0, 0));
}

#[test]
fn the_ends_of_the_scale_are_served_as_well() {
    let mut schedule = Schedule::new(at(0));
    let last = Moment::from_nanos(u64::MAX - 1);
    schedule.set(1, last);
    schedule.set(2, Moment::ORIGIN);
    schedule.set(3, Moment::MAX);
    schedule.remove(4);
    assert_eq!((schedule.len(), schedule.deadline(1)), (2, Some(last)));
    assert_eq!(schedule.poll_timeout(), Some(Moment::ORIGIN));
    assert_eq!(drain(&mut schedule, at(0)), [2]);
    assert!(schedule.poll_timeout().is_some_and(|wake| wake <= last));
    assert_eq!(drain(&mut schedule, last - Duration::from_nanos(1)), []);
    schedule.set(5, last - Duration::from_nanos(1));
    assert_eq!(drain(&mut schedule, last), [5, 1]);

    let mut schedule = Schedule::new(last);
    schedule.set(1, last);
    assert_eq!(drain(&mut schedule, last), [1]);
    assert_eq!(schedule.poll_timeout(), None);
}
