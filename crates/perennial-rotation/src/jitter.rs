//! Spans of time with some chance in them; the chance comes from outside.

use core::time::Duration;

/// A random number between 0 (included) and 1 (excluded), drawn by somebody else.
///
/// Nothing here draws numbers: who asks for jitter brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    share: u32,
}

impl Jitter {
    /// No chance at all: as if zero had been drawn.
    pub const NONE: Self = Self { share: 0 };

    /// Makes jitter from a random number.
    #[must_use]
    pub const fn new(random: u64) -> Self {
        // The upper half, in which also simple generators are good.
        Self {
            share: (random >> 32) as u32,
        }
    }

    /// Returns a span between zero and `most`, `most` excluded unless it is zero.
    #[must_use]
    pub fn part_of(self, most: Duration) -> Duration {
        let nanos = (most.as_nanos() >> 32) * u128::from(self.share)
            + (((most.as_nanos() & 0xffff_ffff) * u128::from(self.share)) >> 32);
        let secs = u64::try_from(nanos / NANOS).unwrap_or(u64::MAX);
        Duration::new(secs, u32::try_from(nanos % NANOS).unwrap_or(0))
    }

    /// Returns a span between `least` and `most`.
    #[must_use]
    pub fn between(self, least: Duration, most: Duration) -> Duration {
        least.saturating_add(self.part_of(most.saturating_sub(least)))
    }
}

const NANOS: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_between_zero_and_the_whole() {
        let whole = Duration::from_secs(30);
        assert_eq!(Jitter::NONE.part_of(whole), Duration::ZERO);
        assert_eq!(Jitter::new(1 << 63).part_of(whole), Duration::from_secs(15));
        let most = Jitter::new(u64::MAX).part_of(whole);
        assert!(most < whole && most > Duration::from_millis(29_999));
        assert!(Jitter::new(u64::MAX).part_of(Duration::MAX) < Duration::MAX);
        assert_eq!(
            Jitter::new(u64::MAX).part_of(Duration::ZERO),
            Duration::ZERO
        );
    }

    #[test]
    fn a_span_between_two_others_is_the_first_where_they_are_the_wrong_way_round() {
        let (one, two) = (Duration::from_secs(1), Duration::from_secs(2));
        assert_eq!(
            Jitter::new(1 << 63).between(one, two),
            Duration::from_millis(1500)
        );
        assert_eq!(Jitter::new(1 << 63).between(two, one), two);
    }
}
