//! What a schedule takes for each of its entries.

use std::time::Duration;

use allocations::{count, held};
use perennial_clock::Moment;
use perennial_rotation::Schedule;

/// SplitMix64, so that each key has its deadlines.
fn random(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns the bytes per entry after each was set and moved once, within `span` of the start.
fn bytes_per_entry(entries: u32, span: Duration, only_later: bool) -> f64 {
    let nanos = span.as_nanos() as u64;
    let (bytes, _, schedule) = held(|| {
        let mut schedule = Schedule::new(Moment::ORIGIN);
        for key in 0..entries {
            schedule.set(key, Moment::from_nanos(random(key.into()) % nanos));
        }
        for key in 0..entries {
            let moved = random(u64::from(key) << 32) % nanos;
            let before = schedule.deadline(key).unwrap();
            let from = if only_later { before } else { Moment::ORIGIN };
            schedule.set(key, from + Duration::from_nanos(moved));
        }
        schedule
    });
    assert_eq!(schedule.len(), entries as usize);
    bytes as f64 / f64::from(entries)
}

#[test]
fn an_entry_that_was_moved_takes_at_most_24_bytes() {
    let hour = Duration::from_secs(3600);
    for entries in [100_000, 600_000, 1_000_000, 1_100_000] {
        for span in [hour, 30 * 24 * hour] {
            for only_later in [true, false] {
                let bytes = bytes_per_entry(entries, span, only_later);
                println!("{entries} within {span:?}, only later: {only_later}: {bytes:.1} bytes");
                assert!(entries != 1_000_000 || bytes <= 24.0, "{bytes}");
            }
        }
    }
}

#[test]
fn moving_a_deadline_later_allocates_nothing() {
    let mut schedule = Schedule::new(Moment::ORIGIN);
    let at = |seconds| Moment::ORIGIN + Duration::from_secs(seconds);
    (0..1000).for_each(|key| schedule.set(key, at(60)));
    let (allocations, ()) = count(|| {
        (0..1000).for_each(|key| schedule.set(key, at(120)));
        (0..1000).for_each(|key| schedule.remove(key));
        (0..1000).for_each(|key| schedule.set(key, at(1_000_000)));
    });
    assert_eq!(allocations, 0);
}

/// Shows that the bytes are counted.
#[test]
fn what_is_held_is_what_was_allocated_and_not_given_back() {
    let (bytes, most, block) = held(|| {
        drop(vec![0_u8; 5000]);
        Vec::<u8>::with_capacity(1000)
    });
    assert_eq!((bytes, most, block.capacity()), (1000, 5000, 1000));
    assert_eq!(held(|| drop(block)).0, -1000);
}
