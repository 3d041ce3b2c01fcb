//! What readers of one reference share with the engine: the facts, and who waits for them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use perennial_backend::{Error as BackendError, Secret, Version};
use perennial_cache::{Facts, Policy};
use perennial_clock::Moment;
use perennial_reference::Reference;

use crate::resource::{Resource, View};
use crate::turns::{Turn, Turns};
use crate::vault::Vault;

/// A value as a cell holds it.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) secret: Secret,
    pub(crate) version: Option<Version>,
    /// Which answer of the store it was taken from; views of one answer have one number.
    pub(crate) install: u64,
    /// Counts the values of this view, one that came again not.
    pub(crate) revision: u64,
}

pub(crate) type CellFacts = Facts<Held, BackendError>;

/// What a reference means to its vault.
pub(crate) struct Binding {
    pub(crate) vault: Arc<Vault>,
    pub(crate) resource: Resource,
    pub(crate) view: View,
    pub(crate) policy: Policy,
}

/// The state of one view: written by the engine alone, read by everybody.
pub(crate) struct Cell {
    reference: Reference,
    binding: ArcSwap<Binding>,
    facts: ArcSwap<CellFacts>,
    /// Counts the attempts to fetch it that have ended.
    turns: Arc<Turns>,
    /// When it was last read, give or take a minute, in nanoseconds.
    read_at: AtomicU64,
    /// How many handles keep it.
    pins: AtomicUsize,
    /// Whether a reader who did not wait has asked for a fetch that has not ended yet.
    asked: AtomicBool,
    /// Whether its vault was removed.
    removed: AtomicBool,
    /// The engine's index of its resource.
    seat: AtomicU32,
}

impl Cell {
    /// No resource.
    pub(crate) const NOWHERE: u32 = u32::MAX;

    pub(crate) fn new(reference: Reference, binding: Binding) -> Self {
        Self {
            reference,
            binding: ArcSwap::from_pointee(binding),
            facts: ArcSwap::from_pointee(Facts::new()),
            turns: Arc::new(Turns::new()),
            read_at: AtomicU64::new(0),
            pins: AtomicUsize::new(0),
            asked: AtomicBool::new(false),
            removed: AtomicBool::new(false),
            seat: AtomicU32::new(Self::NOWHERE),
        }
    }

    pub(crate) fn reference(&self) -> &Reference {
        &self.reference
    }

    pub(crate) fn binding(&self) -> Guard<Arc<Binding>> {
        self.binding.load()
    }

    pub(crate) fn facts(&self) -> Guard<Arc<CellFacts>> {
        self.facts.load()
    }

    /// Returns how many attempts have ended.
    pub(crate) fn turns(&self) -> u64 {
        self.turns.ended()
    }

    /// Waits until more than `seen` attempts have ended, or the vault is removed.
    pub(crate) fn turn_after(&self, seen: u64) -> Turn {
        Turn::after(Arc::clone(&self.turns), seen)
    }

    /// Marks that it was read; writes at most once a minute.
    pub(crate) fn mark_read(&self, now: Moment) {
        let before = Moment::from_nanos(self.read_at.load(Ordering::Relaxed));
        if now.since(before) >= MARK_EVERY || before == Moment::ORIGIN {
            self.read_at.store(now.as_nanos().max(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn read_at(&self) -> Moment {
        Moment::from_nanos(self.read_at.load(Ordering::Relaxed))
    }

    pub(crate) fn pin(&self) {
        self.pins.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn unpin(&self) {
        self.pins.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::Acquire) > 0
    }

    /// Returns whether a handle keeps it, or the engine knows it.
    pub(crate) fn is_in_use(&self) -> bool {
        self.is_pinned() || self.seat() != Self::NOWHERE
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    /// Says that the vault is gone: readers and handles are closed.
    pub(crate) fn mark_removed(&self) {
        self.removed.store(true, Ordering::Release);
        self.end_turn();
    }

    /// Notes that a fetch was asked for; returns whether nobody has done so since the last attempt.
    pub(crate) fn ask(&self) -> bool {
        !self.asked.load(Ordering::Relaxed) && !self.asked.swap(true, Ordering::AcqRel)
    }
}

/// What only the engine does.
impl Cell {
    pub(crate) fn seat(&self) -> u32 {
        self.seat.load(Ordering::Relaxed)
    }

    pub(crate) fn take_seat(&self, index: u32) {
        self.seat.store(index, Ordering::Relaxed);
    }

    /// Changes the facts.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut CellFacts) -> T) -> T {
        let mut facts = CellFacts::clone(&self.facts.load());
        let outcome = change(&mut facts);
        self.facts.store(Arc::new(facts));
        outcome
    }

    pub(crate) fn rebind(&self, binding: Binding) {
        self.binding.store(Arc::new(binding));
        self.removed.store(false, Ordering::Release);
    }

    /// Ends an attempt: whoever waits looks again.
    pub(crate) fn end_turn(&self) {
        self.asked.store(false, Ordering::Release);
        self.turns.end();
    }

    /// Forgets the value of a vault that is gone, unless it is to be kept.
    pub(crate) fn remove(&self, keep: bool) {
        if !keep {
            self.facts.store(Arc::new(Facts::new()));
        }
        self.mark_removed();
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

const MARK_EVERY: Duration = Duration::from_secs(60);
