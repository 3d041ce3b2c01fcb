//! What is due, and when next, for very many keys: buckets of one second, exact within them.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use perennial_clock::Moment;

use self::buckets::Buckets;
use self::table::{NOWHERE, Table};

mod buckets;
mod table;

/// Names an entry of a schedule: a small number, as an index is one.
///
/// A schedule keeps twelve bytes for every number up to the largest that it was given.
pub type Key = u32;

/// Keeps a deadline for each of very many keys.
///
/// The table of deadlines is the truth; buckets of one second only say where to look. Moving a
/// deadline later costs nothing but the table: what lies in a bucket too early is put into the right
/// one when its time comes. Nothing is looked at before its second has begun.
///
/// Moving a deadline before the second in which its key is looked for leaves four bytes behind in
/// that second's bucket, until it begins.
///
/// Order of use: [`poll`](Self::poll) until it returns `None`, then sleep until
/// [`poll_timeout`](Self::poll_timeout). Polling too often is harmless, and so is a moment that was
/// polled before.
#[derive(Clone, Debug)]
pub struct Schedule {
    table: Table,
    buckets: Buckets,
    /// What was found in the bucket that was begun last, the earliest last where its second is not
    /// past: nanoseconds from `begun_at` in the upper half, the key in the lower.
    begun: Vec<u64>,
    begun_at: u64,
    /// What was set for a second that had begun already.
    late: BinaryHeap<Reverse<(Moment, Key)>>,
    /// The second of the clock that is second 0 here.
    base: u64,
    len: usize,
}

/// Where in the seconds that have begun.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Begun,
    Late,
}

impl Schedule {
    /// Makes an empty schedule, in which everything before `now` is past.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self {
            table: Table::default(),
            buckets: Buckets::new(1),
            begun: Vec::new(),
            begun_at: 0,
            late: BinaryHeap::new(),
            base: now.as_nanos() / NANOS,
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
        let deadline = self.table.entry(key)?.deadline;
        (deadline != Moment::MAX).then_some(deadline)
    }

    /// Sets the deadline of a key, in place of the one that it had; [`Moment::MAX`] means never.
    pub fn set(&mut self, key: Key, deadline: Moment) {
        if deadline == Moment::MAX {
            return self.remove(key);
        }
        let second = second_of(deadline, self.base);
        if self.table.entry(key).is_none() {
            self.table.grow(key);
        }
        let Some(entry) = self.table.entry_mut(key) else {
            return;
        };
        self.len += usize::from(entry.is_due(Moment::MAX));
        entry.deadline = deadline;
        if second < self.buckets.second() {
            // It may lie in a bucket too, which stays the one to lead to a later deadline.
            self.late.push(Reverse((deadline, key)));
        } else if entry.bucket > second {
            // A bucket that comes no later than the deadline would lead to the right one.
            entry.bucket = self.buckets.push(second, key);
        }
    }

    /// Takes away the deadline of a key.
    pub fn remove(&mut self, key: Key) {
        if let Some(entry) = self.table.entry_mut(key) {
            self.len -= usize::from(!entry.is_due(Moment::MAX));
            entry.deadline = Moment::MAX;
        }
    }

    /// Returns a key whose deadline has come and takes the deadline away; the earliest first, but in
    /// any order what was due in one second and was not asked for before that had passed.
    pub fn poll(&mut self, now: Moment) -> Option<Key> {
        loop {
            while let Some((at, key, place)) = self.next_begun() {
                if at > now {
                    return None;
                }
                match place {
                    Place::Begun => drop(self.begun.pop()),
                    Place::Late => drop(self.late.pop()),
                }
                // What was moved or taken away since it came here is not due by this.
                let entry = self.table.entry_mut(key);
                if let Some(entry) = entry.filter(|entry| entry.is_due(at)) {
                    entry.deadline = Moment::MAX;
                    self.len -= 1;
                    return Some(key);
                }
            }
            let until = second_of(now, self.base);
            if until < self.buckets.second() {
                return None;
            }
            if let Some(second) = self.buckets.skip(until) {
                self.begin(second);
                // All of a second that is past is due, and its order tells nobody anything.
                if second == until {
                    self.begun.sort_unstable_by_key(|found| Reverse(*found));
                }
            }
        }
    }

    /// Returns when to poll again: no later than the earliest deadline.
    ///
    /// It is the deadline itself once its second has begun, else at the earliest the beginning of
    /// that second; earlier only for what was moved or taken away since, or lay more than an hour
    /// ahead.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        match self.next_begun() {
            Some((at, ..)) => Some(at),
            None => {
                let second = self.buckets.first()?;
                Some(Moment::from_nanos(self.beginning_of(second)))
            }
        }
    }

    /// Returns the earliest of what lies in the seconds that have begun, and where.
    #[inline]
    fn next_begun(&self) -> Option<(Moment, Key, Place)> {
        let begun = self.begun.last().map(|found| {
            let at = self.begun_at.saturating_add(found >> 32);
            (Moment::from_nanos(at), *found as Key, Place::Begun)
        });
        let Some(Reverse((at, key))) = self.late.peek().copied() else {
            return begun;
        };
        let late = (at, key, Place::Late);
        Some(begun.map_or(late, |begun| begun.min(late)))
    }

    /// Begins a second, before which nothing is left in any bucket.
    fn begin(&mut self, second: u32) {
        let far = self.buckets.take_far();
        self.replace_all(second, &far.unwrap_or_default());
        self.begun_at = self.beginning_of(second);
        let keys = self.buckets.begin();
        self.replace_all(second, &keys);
    }

    fn replace_all(&mut self, second: u32, keys: &[Key]) {
        // Entries lie far from each other in memory. They are read some at a time, before anything
        // depends on what they say, so that the processor waits for all of them together.
        let mut lies_in = [NOWHERE; 32];
        for keys in keys.chunks(lies_in.len()) {
            for (bucket, key) in lies_in.iter_mut().zip(keys) {
                *bucket = self.table.entry(*key).map_or(NOWHERE, |e| e.bucket);
            }
            for (bucket, key) in lies_in.iter().zip(keys) {
                // Else the key lies in an earlier bucket as well, or was found in this one already.
                if *bucket == second {
                    self.replace(second, *key);
                }
            }
        }
    }

    /// Puts a key from the bucket of a second where its deadline is found next.
    #[inline]
    fn replace(&mut self, second: u32, key: Key) {
        let Some(entry) = self.table.entry_mut(key) else {
            return;
        };
        // It may lie in the bucket twice.
        if entry.bucket != second {
            return;
        }
        entry.bucket = NOWHERE;
        let deadline = entry.deadline;
        if deadline == Moment::MAX {
            return;
        }
        let due = second_of(deadline, self.base);
        if due >= self.buckets.second() {
            entry.bucket = self.buckets.push(due, key);
        } else if due == second {
            let ahead = deadline.as_nanos() - self.begun_at;
            if ahead < NANOS {
                self.begun.push(ahead << 32 | u64::from(key));
            } else {
                self.late.push(Reverse((deadline, key)));
            }
        }
        // What is due before this second was set when that had begun, and is among the late.
    }

    /// Returns the nanoseconds from the origin to the beginning of a second.
    fn beginning_of(&self, second: u32) -> u64 {
        (self.base + u64::from(second)).saturating_mul(NANOS)
    }
}

/// The last second that has a bucket, 136 years ahead.
const LAST: u32 = NOWHERE - 1;

const NANOS: u64 = 1_000_000_000;

/// Returns the second in which a moment lies, the last one for all that lies beyond.
fn second_of(moment: Moment, base: u64) -> u32 {
    let second = (moment.as_nanos() / NANOS).saturating_sub(base);
    second.min(u64::from(LAST)) as u32
}

#[cfg(test)]
mod tests;
