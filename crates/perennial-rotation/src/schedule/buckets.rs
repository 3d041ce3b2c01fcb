//! Which keys are to be looked at when a second begins; why is known to the schedule alone.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::Key;

/// Buckets of one second for the next hour, and of an hour for what lies further ahead.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    /// The buckets of the seconds from `second` on, in a ring.
    near: Vec<Vec<Key>>,
    /// Which buckets of the ring are not empty, a bit each.
    filled: Vec<u64>,
    /// What lies further ahead, in buckets as long as the ring.
    far: BTreeMap<u32, Vec<Key>>,
    /// The first second that has not begun.
    second: u32,
}

impl Buckets {
    pub(super) fn new(second: u32) -> Self {
        Self {
            near: vec![Vec::new(); RING as usize],
            filled: vec![0; RING as usize / 64],
            far: BTreeMap::new(),
            second,
        }
    }

    /// Returns the first second that has not begun.
    pub(super) fn second(&self) -> u32 {
        self.second
    }

    /// Puts a key into the bucket of a second that has not begun, and returns the second in which
    /// that bucket will be looked into: the same one, or an earlier one where it is far ahead.
    #[inline]
    pub(super) fn push(&mut self, second: u32, key: Key) -> u32 {
        if second - self.second >= RING {
            return self.push_far(second, key);
        }
        let index = ring_index(second);
        if let Some(bucket) = self.near.get_mut(index) {
            if bucket.is_empty() {
                mark(&mut self.filled, index, true);
            }
            bucket.push(key);
        }
        second
    }

    #[cold]
    fn push_far(&mut self, second: u32, key: Key) -> u32 {
        let block = second / RING;
        self.far.entry(block).or_default().push(key);
        block * RING
    }

    /// Returns the first second whose bucket has something in it, or that begins a far bucket.
    pub(super) fn first(&self) -> Option<u32> {
        self.first_near().into_iter().chain(self.first_far()).min()
    }

    /// Skips what is empty up to `until`; returns the first second that is not and lies no later.
    pub(super) fn skip(&mut self, until: u32) -> Option<u32> {
        let first = self.first().filter(|first| *first <= until);
        self.second = first.unwrap_or(until + 1);
        first
    }

    /// Takes the far bucket that begins with the next second, if there is one: its keys are to be
    /// put where they belong, each by itself.
    pub(super) fn take_far(&mut self) -> Option<Vec<Key>> {
        self.first_far().filter(|first| *first == self.second)?;
        self.far.pop_first().map(|(_, keys)| keys)
    }

    /// Begins the next second, and returns what is in its bucket.
    pub(super) fn begin(&mut self) -> Vec<Key> {
        let index = ring_index(self.second);
        self.second += 1;
        mark(&mut self.filled, index, false);
        self.near
            .get_mut(index)
            .map(core::mem::take)
            .unwrap_or_default()
    }

    fn first_far(&self) -> Option<u32> {
        self.far.keys().next().map(|block| block * RING)
    }

    fn first_near(&self) -> Option<u32> {
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
                let found = (index * 64) as u32 + word.trailing_zeros();
                return Some(self.second + (found + RING - start as u32) % RING);
            }
        }
        None
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let near = self.near.iter().map(Vec::len).sum::<usize>();
        near + self.far.values().map(Vec::len).sum::<usize>()
    }
}

/// How many seconds the ring has: a little more than an hour.
pub(super) const RING: u32 = 4096;

fn ring_index(second: u32) -> usize {
    (second % RING) as usize
}

fn mark(words: &mut [u64], index: usize, filled: bool) {
    if let Some(word) = words.get_mut(index / 64) {
        let bit = 1 << (index % 64);
        *word = if filled { *word | bit } else { *word & !bit };
    }
}
