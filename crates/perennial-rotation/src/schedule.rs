//! What is due, and when next, for very many keys: buckets of one second, exact within them.

use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use perennial_clock::Moment;

/// Names an entry of a schedule: a small number, as an index is one.
pub type Key = u32;

/// Keeps a deadline for each of very many keys.
///
/// The table of deadlines is the truth; buckets of one second only say where to look. Moving a
/// deadline later costs nothing but the table: what lies in a bucket too early is put into the right
/// one when its time comes. Nothing is looked at before its second has begun.
///
/// Order of use: [`poll`](Self::poll) until it returns `None`, then sleep until
/// [`poll_timeout`](Self::poll_timeout). Polling too often is harmless, and so is a moment that was
/// polled before.
#[derive(Clone, Debug)]
pub struct Schedule {
    entries: Vec<Entry>,
    /// The buckets of the seconds from `second` on, in a ring.
    near: Vec<Vec<Key>>,
    /// Which buckets of the ring are not empty, a bit each.
    filled: Vec<u64>,
    /// What lies further ahead, in buckets as long as the ring.
    far: BTreeMap<u64, Vec<Key>>,
    /// What is due in the second that has begun, and before.
    current: BinaryHeap<Reverse<(Moment, Key)>>,
    /// The first second that has not begun.
    second: u64,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: Moment,
    /// The second of the earliest bucket in which the key lies.
    bucket: u64,
}

impl Entry {
    const FREE: Self = Self {
        deadline: Moment::MAX,
        bucket: NOWHERE,
    };
}

impl Schedule {
    /// Makes an empty schedule, in which everything before `now` is past.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self {
            entries: Vec::new(),
            near: vec![Vec::new(); RING],
            filled: vec![0; RING / 64],
            far: BTreeMap::new(),
            current: BinaryHeap::new(),
            second: second_of(now) + 1,
            len: 0,
        }
    }

    /// Returns for how many keys there is a deadline.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there is no deadline at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the deadline of a key.
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<Moment> {
        let deadline = self.entries.get(key as usize)?.deadline;
        (deadline != Moment::MAX).then_some(deadline)
    }

    /// Sets the deadline of a key, in place of the one that it had; [`Moment::MAX`] means never.
    pub fn set(&mut self, key: Key, deadline: Moment) {
        let index = key as usize;
        if index >= self.entries.len() {
            if deadline == Moment::MAX {
                return;
            }
            self.entries.resize(index + 1, Entry::FREE);
        }
        let Some(entry) = self.entries.get_mut(index) else {
            return;
        };
        match (entry.deadline == Moment::MAX, deadline == Moment::MAX) {
            (true, false) => self.len += 1,
            (false, true) => self.len -= 1,
            _ => {}
        }
        entry.deadline = deadline;
        let second = second_of(deadline);
        // A bucket that comes no later than the deadline leads to the right one.
        let leads_there = entry.bucket <= second && entry.bucket >= self.second;
        if deadline != Moment::MAX && !leads_there {
            self.place(key, deadline);
        }
    }

    /// Takes away the deadline of a key.
    pub fn remove(&mut self, key: Key) {
        self.set(key, Moment::MAX);
    }

    /// Returns a key whose deadline has come and takes the deadline away; the earliest first.
    pub fn poll(&mut self, now: Moment) -> Option<Key> {
        loop {
            while let Some(Reverse((at, key))) = self.current.peek().copied() {
                if at > now {
                    break;
                }
                self.current.pop();
                // What was moved or taken away since it came here is not due by this entry.
                if self
                    .entries
                    .get(key as usize)
                    .is_some_and(|entry| entry.deadline == at)
                {
                    self.remove(key);
                    return Some(key);
                }
            }
            if second_of(now) < self.second {
                return None;
            }
            self.begin_next(second_of(now));
        }
    }

    /// Returns when to poll again: no later than the earliest deadline, and no earlier than the
    /// beginning of its second.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        if let Some(Reverse((at, _))) = self.current.peek() {
            return Some(*at);
        }
        // A far bucket may begin before what lies in the ring.
        let near = self.next_filled();
        let far = self.far.keys().next().map(|block| block * RING as u64);
        near.into_iter().chain(far).min().map(beginning_of)
    }

    /// Begins the next second with something in it that is no later than `until`.
    fn begin_next(&mut self, until: u64) {
        let near = self.next_filled();
        let far = self.far.keys().next().map(|block| block * RING as u64);
        let next = [near, far].into_iter().flatten().min().unwrap_or(u64::MAX);
        if next > until {
            self.second = until + 1;
            return;
        }
        self.second = next.max(self.second);
        if far.is_some_and(|first| first <= self.second) {
            self.spread();
        }
        let begun = self.second;
        self.second += 1;
        let index = ring_index(begun);
        let Some(bucket) = self.near.get_mut(index) else {
            return;
        };
        let keys = core::mem::take(bucket);
        self.mark(index, false);
        for key in keys {
            let Some(entry) = self.entries.get_mut(key as usize) else {
                continue;
            };
            if entry.bucket == begun {
                entry.bucket = NOWHERE;
                let deadline = entry.deadline;
                if deadline != Moment::MAX {
                    self.place(key, deadline);
                }
            }
        }
    }

    /// Spreads the first far bucket over the ring.
    fn spread(&mut self) {
        let Some((block, keys)) = self.far.pop_first() else {
            return;
        };
        for key in keys {
            let Some(entry) = self.entries.get_mut(key as usize) else {
                continue;
            };
            if entry.bucket == block * RING as u64 {
                entry.bucket = NOWHERE;
                let deadline = entry.deadline;
                if deadline != Moment::MAX {
                    self.place(key, deadline);
                }
            }
        }
    }

    /// Puts a key where its deadline will find it.
    fn place(&mut self, key: Key, deadline: Moment) {
        let second = second_of(deadline);
        let bucket = if second < self.second {
            self.current.push(Reverse((deadline, key)));
            NOWHERE
        } else if second - self.second < RING as u64 {
            self.push_near(second, key);
            second
        } else {
            let block = second / RING as u64;
            self.far.entry(block).or_default().push(key);
            block * RING as u64
        };
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.bucket = bucket;
        }
    }

    fn push_near(&mut self, second: u64, key: Key) {
        let index = ring_index(second);
        if let Some(bucket) = self.near.get_mut(index) {
            bucket.push(key);
            self.mark(index, true);
        }
    }

    fn mark(&mut self, index: usize, filled: bool) {
        if let Some(word) = self.filled.get_mut(index / 64) {
            let bit = 1 << (index % 64);
            *word = if filled { *word | bit } else { *word & !bit };
        }
    }

    /// Returns the first second of the ring whose bucket is not empty.
    fn next_filled(&self) -> Option<u64> {
        let start = ring_index(self.second);
        let words = self.filled.len();
        // The word in which the ring begins is looked at twice: its upper bits first, its lower last.
        for step in 0..=words {
            let index = (start / 64 + step) % words;
            let mut word = self.filled.get(index).copied().unwrap_or(0);
            if step == 0 {
                word &= u64::MAX << (start % 64);
            } else if step == words {
                word &= !(u64::MAX << (start % 64));
            }
            if word != 0 {
                let found = index * 64 + word.trailing_zeros() as usize;
                let ahead = (found + RING - start) % RING;
                return Some(self.second + ahead as u64);
            }
        }
        None
    }
}

/// How many seconds the ring has: a little more than an hour.
const RING: usize = 4096;

/// No bucket.
const NOWHERE: u64 = u64::MAX;

const NANOS: u64 = 1_000_000_000;

fn second_of(moment: Moment) -> u64 {
    moment.as_nanos() / NANOS
}

fn beginning_of(second: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(second)
}

fn ring_index(second: u64) -> usize {
    (second % RING as u64) as usize
}
