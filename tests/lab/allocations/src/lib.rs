//! An allocator that counts and that looks at what is given back, for the tests beside it; what
//! they measure is not known here.
//!
//! A test program that uses [`count`], [`held`] or [`freed_with`] gets the allocator with it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts how often this thread asks for memory, anew or for more, while `work` runs.
pub fn count<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.get();
    let done = work();
    (COUNT.get() - before, done)
}

/// Counts how many bytes more this thread holds after `work` than before, and how many more it held
/// at most meanwhile.
pub fn held<T>(work: impl FnOnce() -> T) -> (isize, isize, T) {
    let before = HELD.get();
    MOST_HELD.set(before);
    let done = work();
    (HELD.get() - before, MOST_HELD.get() - before, done)
}

/// Counts how many of the blocks that this thread gives back while `work` runs hold `needle`.
///
/// The needle is eight bytes, so that looking for it needs no memory.
pub fn freed_with<T>(needle: [u8; 8], work: impl FnOnce() -> T) -> (usize, T) {
    NEEDLE.set(Some(needle));
    let before = FOUND.get();
    let done = work();
    NEEDLE.set(None);
    (FOUND.get() - before, done)
}

thread_local! {
    // Tests run side by side, each on its own thread.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST_HELD: Cell<isize> = const { Cell::new(0) };
    static NEEDLE: Cell<Option<[u8; 8]>> = const { Cell::new(None) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

/// Counts a block of `new` bytes in place of one of `old`.
fn counted(old: usize, new: usize) {
    // A thread that is about to end may allocate when its count is already gone.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    resized(old, new);
}

fn resized(old: usize, new: usize) {
    // No block is larger than `isize::MAX`; what another thread gave away is held by the one that
    // takes it back, with a sign.
    let held = HELD.try_with(|held| {
        held.set(held.get() + new as isize - old as isize);
        held.get()
    });
    let _ = held.map(|held| MOST_HELD.try_with(|most| most.set(most.get().max(held))));
}

/// Looks for the needle in a block that is given back.
///
/// # Safety
/// `block` is valid for reads of `size` bytes.
unsafe fn look_into(block: *const u8, size: usize) {
    let Ok(Some(needle)) = NEEDLE.try_with(Cell::get) else {
        return;
    };
    for start in 0..(size + 1).saturating_sub(needle.len()) {
        // Parts of a block may never have been written, so each byte is read by itself and without
        // assumptions of the compiler.
        let is_there = |(offset, wanted): (usize, &u8)| {
            // SAFETY: `start + offset` is less than `size`.
            unsafe { block.add(start + offset).read_volatile() == *wanted }
        };
        if needle.iter().enumerate().all(is_there) {
            let _ = FOUND.try_with(|found| found.set(found.get() + 1));
            return;
        }
    }
}

// SAFETY: everything is handed to the system's allocator as it came. Counting does not allocate,
// since the cell needs neither an initializer nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted(0, layout.size());
        // SAFETY: the caller keeps the same promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        counted(0, layout.size());
        // SAFETY: the caller keeps the same promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        counted(layout.size(), size);
        // SAFETY: the caller gives a block of this layout; it may move, and leave its bytes behind.
        unsafe { look_into(block, layout.size()) };
        // SAFETY: the caller keeps the same promises.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        resized(layout.size(), 0);
        // SAFETY: the caller gives back a block of this layout.
        unsafe { look_into(block, layout.size()) };
        // SAFETY: the caller keeps the same promises.
        unsafe { System.dealloc(block, layout) }
    }
}
