//! How long it takes to set a deadline, move it and find it due, against buckets of one second that
//! do no more than this, and against the ordered structures of the standard library.
//!
//! The deadlines lie between a minute and an hour ahead, at random. Each is moved later once, by as
//! much again, in the order of the keys; then all come due, second by second.

#![expect(
    clippy::indexing_slicing,
    reason = "every index is a key or a second that was made here"
)]

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use perennial_clock::Moment;
use perennial_rotation::{Key, Schedule};

const NANOS: u64 = 1_000_000_000;
const SECONDS: u64 = 2 * 3600 + 1;

/// The first deadline of each key, and how much later it is moved.
fn deadlines(count: u32) -> Vec<(u64, u64)> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        60 * NANOS + random % (3540 * NANOS)
    };
    (0..count).map(|_| (draw(), draw())).collect()
}

/// The floor: a table of deadlines, a vector of keys for every second there is, and no order within
/// a second.
fn floor(deadlines: &[(u64, u64)]) -> u64 {
    let mut table = vec![0_u64; deadlines.len()];
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); SECONDS as usize];
    for (key, (first, _)) in deadlines.iter().enumerate() {
        table[key] = *first;
        buckets[(*first / NANOS) as usize].push(key as u32);
    }
    for (key, (_, more)) in deadlines.iter().enumerate() {
        table[key] += *more;
    }
    let mut sum = 0;
    for second in 0..buckets.len() {
        for key in std::mem::take(&mut buckets[second]) {
            let due = (table[key as usize] / NANOS) as usize;
            if due > second {
                buckets[due].push(key);
            } else {
                sum += u64::from(key);
            }
        }
    }
    sum
}

fn schedule(deadlines: &[(u64, u64)]) -> u64 {
    let mut schedule = Schedule::new(Moment::ORIGIN);
    for (key, (first, _)) in (0..).zip(deadlines) {
        schedule.set(key, Moment::from_nanos(*first));
    }
    for (key, (first, more)) in (0..).zip(deadlines) {
        schedule.set(key, Moment::from_nanos(first + more));
    }
    let mut sum = 0;
    for second in 0..SECONDS {
        let now = Moment::ORIGIN + Duration::from_secs(second + 1);
        while let Some(key) = schedule.poll(now) {
            sum += u64::from(key);
        }
    }
    sum
}

/// A heap that skips what was moved when it comes up.
fn heap(deadlines: &[(u64, u64)]) -> u64 {
    let mut table = vec![0_u64; deadlines.len()];
    let mut heap: BinaryHeap<Reverse<(u64, Key)>> = BinaryHeap::new();
    for (key, (first, _)) in (0_u32..).zip(deadlines) {
        table[key as usize] = *first;
        heap.push(Reverse((*first, key)));
    }
    for (key, (_, more)) in deadlines.iter().enumerate() {
        table[key] += *more;
    }
    let mut sum = 0;
    while let Some(Reverse((at, key))) = heap.pop() {
        let due = table[key as usize];
        if due > at {
            heap.push(Reverse((due, key)));
        } else {
            sum += u64::from(key);
        }
    }
    sum
}

fn tree(deadlines: &[(u64, u64)]) -> u64 {
    let mut tree = BTreeSet::new();
    for (key, (first, _)) in (0_u32..).zip(deadlines) {
        tree.insert((*first, key));
    }
    for (key, (first, more)) in (0_u32..).zip(deadlines) {
        tree.remove(&(*first, key));
        tree.insert((first + more, key));
    }
    let mut sum = 0;
    while let Some((_, key)) = tree.pop_first() {
        sum += u64::from(key);
    }
    sum
}

/// Lets all deadlines come due once, and returns the sum of the keys.
type Row = (&'static str, fn(&[(u64, u64)]) -> u64);

fn whole_life(c: &mut Criterion) {
    for count in [100_000_u32, 1_000_000] {
        let deadlines = deadlines(count);
        let mut group = c.benchmark_group(format!("schedule/{count}"));
        group.throughput(Throughput::Elements(u64::from(count)));
        group.sample_size(10);
        group.warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        let expected = (0..u64::from(count)).sum::<u64>();
        let rows: [Row; 4] = [
            ("floor", floor),
            ("schedule", schedule),
            ("heap", heap),
            ("tree", tree),
        ];
        for (name, work) in rows {
            group.bench_function(name, |b| {
                b.iter_batched(
                    || (),
                    |()| assert_eq!(work(black_box(&deadlines)), expected),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, whole_life);
criterion_main!(benches);
