//! Points in time and their arithmetic; nothing here asks what time it is.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on a monotonic scale that counts through suspend.
///
/// The origin is the clock's own affair: only differences mean something, and only between moments
/// of one clock. The resolution is a nanosecond, the range 584 years; arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment {
    nanos: u64,
}

impl Moment {
    /// The start of the scale.
    pub const ORIGIN: Self = Self { nanos: 0 };

    /// The end of the scale, which means *never* where a deadline is asked for.
    pub const MAX: Self = Self { nanos: u64::MAX };

    /// Makes the moment that lies `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }

    /// Returns the nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.nanos
    }

    /// Returns how much later this moment is than `earlier`, zero if it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }

    /// Returns the moment `span` later, or [`Moment::MAX`] where the scale ends before.
    #[must_use]
    pub const fn saturating_add(self, span: Duration) -> Self {
        Self {
            nanos: self.nanos.saturating_add(saturating_nanos(span)),
        }
    }

    /// Returns the moment `span` earlier, or [`Moment::ORIGIN`] where the scale begins after.
    #[must_use]
    pub const fn saturating_sub(self, span: Duration) -> Self {
        Self {
            nanos: self.nanos.saturating_sub(saturating_nanos(span)),
        }
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.saturating_add(span)
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        self.saturating_sub(span)
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({:?})", Duration::from_nanos(self.nanos))
    }
}

/// Wall time: seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// It can jump in both directions, so nothing is scheduled by it. It is for signatures, and for
/// turning a provider's date into a [`Duration`] as soon as it comes in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime {
    since_epoch: Duration,
}

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self {
        since_epoch: Duration::ZERO,
    };

    /// Makes the wall time that lies `span` after the epoch.
    #[must_use]
    pub const fn from_epoch(span: Duration) -> Self {
        Self { since_epoch: span }
    }

    /// Makes the wall time of a count of whole seconds since the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self {
            since_epoch: Duration::from_secs(secs),
        }
    }

    /// Returns the time since the epoch.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.since_epoch
    }

    /// Returns the whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.since_epoch.as_secs()
    }

    /// Returns how much later this time is than `earlier`, zero if it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.since_epoch.saturating_sub(earlier.since_epoch)
    }

    /// Returns the wall time `span` later; saturates.
    #[must_use]
    pub const fn saturating_add(self, span: Duration) -> Self {
        Self {
            since_epoch: self.since_epoch.saturating_add(span),
        }
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixTime({:?})", self.since_epoch)
    }
}

/// 584 years: a longer span is no different from *never*.
const fn saturating_nanos(span: Duration) -> u64 {
    let nanos = span.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let moment = Moment::from_nanos(10);
        assert_eq!(moment + Duration::from_nanos(5), Moment::from_nanos(15));
        assert_eq!(moment + Duration::MAX, Moment::MAX);
        assert_eq!(moment + Duration::from_secs(1 << 60), Moment::MAX);
        assert_eq!(moment - Duration::from_nanos(3), Moment::from_nanos(7));
        assert_eq!(moment - Duration::MAX, Moment::ORIGIN);
        assert_eq!(
            Moment::MAX.since(Moment::ORIGIN),
            Duration::from_nanos(u64::MAX)
        );
        assert_eq!(Moment::ORIGIN.since(Moment::MAX), Duration::ZERO);
    }

    #[test]
    fn wall_time_never_goes_below_zero() {
        let early = UnixTime::from_secs(5);
        let late = UnixTime::from_secs(9);
        assert_eq!(late.since(early), Duration::from_secs(4));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(
            early.saturating_add(Duration::MAX).since_epoch(),
            Duration::MAX
        );
    }
}
