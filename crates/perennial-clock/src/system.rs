//! The one place that asks the operating system for the time.

use core::time::Duration;
use std::time::SystemTime;

use crate::{Clock, Moment, UnixTime};

/// The clock of the operating system.
///
/// On Linux and Android moments come from `CLOCK_BOOTTIME`, on Apple's systems from
/// `CLOCK_MONOTONIC`: both count while the machine sleeps. Elsewhere they come from
/// [`std::time::Instant`], which counts through suspend on Windows.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Makes the clock.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        monotonic()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that others are given"
    )]
    fn unix_time(&self) -> UnixTime {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        UnixTime::from_epoch(since_epoch.unwrap_or(Duration::ZERO))
    }
}

#[cfg(unix)]
fn monotonic() -> Moment {
    use rustix::time::{ClockId, clock_gettime};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const COUNTS_THROUGH_SUSPEND: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const COUNTS_THROUGH_SUSPEND: ClockId = ClockId::Monotonic;

    let time = clock_gettime(COUNTS_THROUGH_SUSPEND);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Moment::from_nanos(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

#[cfg(not(unix))]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that others are given"
)]
fn monotonic() -> Moment {
    use std::sync::OnceLock;
    use std::time::Instant;

    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Moment::ORIGIN + ORIGIN.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_never_go_back() {
        let clock = SystemClock::new();
        let mut last = clock.now();
        for _ in 0..1000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn wall_time_is_later_than_the_day_this_was_written() {
        assert!(SystemClock::new().unix_time() > UnixTime::from_secs(1_764_000_000));
    }
}
