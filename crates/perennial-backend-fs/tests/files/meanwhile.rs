//! Two things at once: one that changes the place, one that reads it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Does one thing over and over while another is done, until that is over or fails.
pub(crate) fn meanwhile<T>(mut again: impl FnMut() + Send, once: impl FnOnce() -> T) -> T {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                again();
            }
        });
        once()
    })
}
