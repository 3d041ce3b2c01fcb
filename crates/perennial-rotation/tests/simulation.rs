//! Whole stories in virtual time: schedule, back-off, budget and breaker as an engine combines them.

#![cfg(test)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use perennial_clock::Moment;
use perennial_rotation::{Backoff, Breaker, Budget, Jitter, Key, Pass, Schedule, Start, Trouble};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn jitter(&mut self) -> Jitter {
        Jitter::new(self.next())
    }
}

/// How a store answers.
#[derive(Clone, Copy)]
enum Store {
    Up,
    /// It says nothing for so long, and then that it is not there.
    Down(Duration),
    /// It refuses at once, and may say for how long.
    Throttles(Option<Duration>),
}

/// One vault: who waits for a call, and what is under way.
#[derive(Default)]
struct Vault {
    budget: Budget,
    breaker: Breaker,
    queue: VecDeque<Key>,
    wake: Option<Moment>,
}

struct World {
    now: Moment,
    random: Random,
    schedule: Schedule,
    /// When each secret was to be asked for, as the schedule was told.
    due: Vec<Moment>,
    vaults: Vec<Vault>,
    store: Store,
    /// The next end first.
    flying: BinaryHeap<Reverse<(Moment, Key)>>,
    ttl: fn(Key) -> Duration,
    failures: Vec<u32>,
    /// Whether a failed secret is asked for again without any back-off of its own.
    impatient: bool,
    /// Whether jitter makes everything as soon as it can be.
    hurried: bool,
    calls: u64,
    lateness: Duration,
}

impl World {
    /// A world in which every secret was fetched at some time within its ttl.
    fn new(secrets: u32, vaults: usize, ttl: fn(Key) -> Duration) -> Self {
        let now = Moment::ORIGIN + HOUR;
        let mut world = Self {
            now,
            random: Random(0x5eed),
            schedule: Schedule::new(now),
            due: vec![Moment::MAX; secrets as usize],
            vaults: (0..vaults).map(|_| Vault::default()).collect(),
            store: Store::Up,
            flying: BinaryHeap::new(),
            ttl,
            failures: vec![0; secrets as usize],
            impatient: false,
            hurried: false,
            calls: 0,
            lateness: Duration::ZERO,
        };
        for key in 0..secrets {
            let after = refresh_after(ttl(key), world.random.jitter());
            let due = now + world.random.jitter().part_of(after);
            world.set(key, due);
        }
        world
    }

    fn set(&mut self, key: Key, due: Moment) {
        self.due[key as usize] = due;
        self.schedule.set(key, due);
    }

    /// Goes on, from one deadline to the next, until `end`.
    fn run_until(&mut self, end: Moment) {
        while self.now < end {
            self.start_calls();
            let wakes = self.vaults.iter().filter_map(|vault| vault.wake);
            let ends = self.flying.peek().map(|Reverse((at, _))| *at);
            let next = wakes.chain(ends).chain(self.schedule.poll_timeout()).min();
            self.now = next.map_or(end, |next| next.clamp(self.now, end));
            while let Some(Reverse((at, key))) = self.flying.peek().copied()
                && at <= self.now
            {
                self.flying.pop();
                self.end_call(key);
            }
            while let Some(key) = self.schedule.poll(self.now) {
                self.enqueue(key);
            }
        }
    }

    fn enqueue(&mut self, key: Key) {
        let vault = key as usize % self.vaults.len();
        self.vaults[vault].queue.push_back(key);
    }

    fn start_calls(&mut self) {
        for vault in &mut self.vaults {
            vault.wake = None;
            while let Some(key) = vault.queue.front().copied() {
                let pass = vault.breaker.pass(self.now);
                if let Pass::NotBefore(_) = pass {
                    vault.wake = vault.breaker.poll_timeout();
                    break;
                }
                let start = vault.budget.start(self.now);
                if start != Start::Now {
                    if pass == Pass::Probe {
                        vault.breaker.handle_abandoned();
                    }
                    if let Start::NotBefore(at) = start {
                        vault.wake = Some(at);
                    }
                    break;
                }
                vault.queue.pop_front();
                self.calls += 1;
                self.lateness = self.lateness.max(self.now.since(self.due[key as usize]));
                let latency = match self.store {
                    Store::Up => {
                        let (least, most) = (SECOND / 50, SECOND / 10);
                        self.random.jitter().between(least, most)
                    }
                    Store::Down(latency) => latency,
                    Store::Throttles(_) => Duration::from_millis(1),
                };
                self.flying.push(Reverse((self.now + latency, key)));
            }
        }
    }

    fn end_call(&mut self, key: Key) {
        let index = key as usize % self.vaults.len();
        let vault = &mut self.vaults[index];
        vault.budget.finish();
        let (trouble, asked) = match self.store {
            Store::Up => {
                vault.breaker.handle_success();
                self.failures[key as usize] = 0;
                let due = self.now + refresh_after((self.ttl)(key), self.random.jitter());
                return self.set(key, due);
            }
            Store::Down(_) => (Trouble::Unavailable, None),
            Store::Throttles(asked) => (Trouble::Throttled, asked),
        };
        let mut jitter = || match self.hurried {
            true => Jitter::NONE,
            false => self.random.jitter(),
        };
        vault.breaker.handle_failure(self.now, asked, jitter());
        let failures = &mut self.failures[key as usize];
        *failures += 1;
        let delay = Backoff::new().delay(trouble, *failures, asked, jitter());
        match self.impatient {
            true => self.enqueue(key),
            false => self.set(key, self.now + delay),
        }
    }
}

/// How long after a fetch the next one is due: a minute or a fifth before the ttl ends, and earlier
/// by up to a twentieth of it or half a minute.
fn refresh_after(ttl: Duration, jitter: Jitter) -> Duration {
    let ahead = (ttl / 5).min(60 * SECOND);
    ttl - ahead - jitter.part_of((ttl / 20).min(30 * SECOND))
}

/// Five minutes for 12 in a hundred, an hour for 76, and six hours or a day for the rest.
fn mixed(key: Key) -> Duration {
    match key / 10 % 50 {
        0..=5 => 300 * SECOND,
        6..=43 => HOUR,
        44..=46 => 6 * HOUR,
        _ => 24 * HOUR,
    }
}

/// Ten vaults with 100,000 secrets each, at three quarters of the calls that their budgets allow.
#[test]
fn a_million_secrets_are_refreshed_within_a_second_of_when_they_are_due() {
    let mut world = World::new(1_000_000, 10, mixed);
    world.run_until(world.now + HOUR);
    assert!(world.lateness < SECOND, "{:?}", world.lateness);
    assert!(world.calls > 1_000_000, "{}", world.calls);
    let waiting: usize = world.vaults.iter().map(|vault| vault.queue.len()).sum();
    assert_eq!(
        world.schedule.len() + world.flying.len() + waiting,
        1_000_000
    );
}

#[test]
fn what_was_loaded_together_is_not_refreshed_together() {
    for ttl in [300 * SECOND, HOUR, 24 * HOUR] {
        let window = (ttl / 20).min(30 * SECOND);
        let mean = 10_000.0 / window.as_secs_f64();
        for seed in 0..20 {
            let mut random = Random(seed);
            let loaded = Moment::ORIGIN + Duration::from_millis(random.next() % 100_000);
            let mut schedule = Schedule::new(loaded);
            for key in 0..10_000 {
                schedule.set(key, loaded + refresh_after(ttl, random.jitter()));
            }
            let (mut fullest, mut all, mut now) = (0, 0, loaded);
            while all < 10_000 {
                now = now + SECOND;
                let due = std::iter::from_fn(|| schedule.poll(now)).count();
                (fullest, all) = (fullest.max(due), all + due);
            }
            assert!(
                f64::from(fullest as u32) < 3.0 * mean,
                "{fullest} of {mean}"
            );
        }
    }
}

/// Lets the store of one vault be down for a day, and then come back. Returns the calls until then.
fn outage(secrets: u32, store: Store, impatient: bool, hurried: bool) -> u64 {
    let mut world = World::new(secrets, 1, |_| HOUR);
    world.run_until(world.now + 60 * SECOND);
    // All of them at the same time, which is as bad as it can be.
    for key in 0..secrets {
        if world.schedule.deadline(key).is_some() {
            world.set(key, world.now);
        }
    }
    (world.impatient, world.hurried) = (impatient, hurried);
    (world.store, world.calls) = (store, 0);
    world.run_until(world.now + 24 * HOUR);
    let calls = world.calls;

    world.store = Store::Up;
    world.impatient = false;
    // An hour for the longest pause, and what the budget needs for all of them.
    world.run_until(world.now + HOUR + 61 * SECOND + SECOND * (secrets / 100));
    let vault = &world.vaults[0];
    assert!(!vault.breaker.is_open() && world.failures.iter().all(|failures| *failures == 0));
    calls
}

/// What is promised: in an outage of `h` hours no more than `80 h + 18` calls of one vault. `worst`
/// is what came out, whether secrets wait by themselves or are asked for all the time, and with the
/// usual jitter or none.
#[track_caller]
fn check(store: Store, worst: u64) {
    let mut found = Vec::new();
    for secrets in [1, 1000, 100_000] {
        for (impatient, hurried) in [(false, false), (false, true), (true, false), (true, true)] {
            found.push(outage(secrets, store, impatient, hurried));
        }
    }
    assert_eq!(found.iter().max(), Some(&worst), "{found:?}");
    assert!(worst <= 24 * 80 + 18);
}

#[test]
fn a_store_that_refuses_is_asked_a_stated_number_of_times_in_a_day() {
    check(Store::Down(Duration::from_millis(1)), 1932);
}

#[test]
fn a_store_that_hangs_is_asked_a_stated_number_of_times_in_a_day() {
    check(Store::Down(10 * SECOND), 1582);
}

#[test]
fn a_store_that_throttles_is_asked_a_stated_number_of_times_in_a_day() {
    check(Store::Throttles(None), 1932);
    check(Store::Throttles(Some(Duration::ZERO)), 1932);
}

#[test]
fn a_store_that_says_when_to_come_back_is_asked_then() {
    check(Store::Throttles(Some(30 * SECOND)), 1929);
    check(Store::Throttles(Some(HOUR)), 31);
}
