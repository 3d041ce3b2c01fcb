//! The moment as the driver last saw it, for readers who must not ask the operating system.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use perennial_clock::Moment;

/// What the driver publishes: the time, and whether it is still there.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    nanos: AtomicU64,
    stopped: AtomicBool,
}

impl Pulse {
    /// How often the time is published, unless somebody says otherwise.
    pub(crate) const TICK: Duration = Duration::from_millis(100);

    pub(crate) fn publish(&self, now: Moment) {
        self.nanos.store(now.as_nanos(), Ordering::Release);
    }

    /// Returns the moment of the last tick.
    pub(crate) fn now(&self) -> Moment {
        Moment::from_nanos(self.nanos.load(Ordering::Acquire))
    }

    /// Says that nobody publishes the time any more: what is old must not look fresh.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}
