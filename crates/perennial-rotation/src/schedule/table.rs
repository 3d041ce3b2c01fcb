//! The deadline of each key, and where the key is looked for next.

use alloc::vec::Vec;

use perennial_clock::Moment;

use super::Key;

/// Entries by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
}

// Packed, so that a million of them do not spend four million bytes on padding.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
pub(super) struct Entry {
    /// [`Moment::MAX`] where there is none.
    pub(super) deadline: Moment,
    /// The earliest bucket in which the key lies, never one that has begun, or [`NOWHERE`].
    pub(super) bucket: u32,
}

impl Entry {
    const FREE: Self = Self {
        deadline: Moment::MAX,
        bucket: NOWHERE,
    };

    pub(super) fn is_due(self, at: Moment) -> bool {
        // Compared by value: a packed field cannot be borrowed.
        let deadline = self.deadline;
        deadline == at
    }
}

impl Table {
    #[inline]
    pub(super) fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.get(key as usize)
    }

    #[inline]
    pub(super) fn entry_mut(&mut self, key: Key) -> Option<&mut Entry> {
        self.entries.get_mut(key as usize)
    }

    /// Makes room for a key. The table grows by a quarter, since doubling it would leave twelve
    /// bytes unused for each that is in use.
    #[cold]
    pub(super) fn grow(&mut self, key: Key) {
        let len = self.entries.len();
        let more = (len / 4).max(key as usize + 1 - len);
        self.entries.reserve_exact(more);
        self.entries.resize(len + more, Entry::FREE);
    }
}

/// No bucket.
pub(super) const NOWHERE: u32 = u32::MAX;
