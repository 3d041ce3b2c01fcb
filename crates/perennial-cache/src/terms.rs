//! What a store says about the life of a value it gives.

use core::time::Duration;

/// Says how long a value lives, as the store sees it. Spans count from the start of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Terms {
    ttl_hint: Option<Duration>,
    hard_end: Option<Duration>,
}

impl Terms {
    /// Of which nothing is said, as by default.
    pub const NONE: Self = Self {
        ttl_hint: None,
        hard_end: None,
    };

    /// Sets how long the store thinks the value should be cached. Zero says nothing.
    #[must_use]
    pub fn with_ttl_hint(mut self, hint: impl Into<Option<Duration>>) -> Self {
        self.ttl_hint = hint.into().filter(|hint| !hint.is_zero());
        self
    }

    /// Sets when the value ends for good: the end of a lease, a certificate's last moment.
    #[must_use]
    pub fn with_hard_end(mut self, end: impl Into<Option<Duration>>) -> Self {
        self.hard_end = end.into();
        self
    }

    /// Returns how long the store thinks the value should be cached.
    #[must_use]
    pub const fn ttl_hint(&self) -> Option<Duration> {
        self.ttl_hint
    }

    /// Returns when the value ends for good.
    #[must_use]
    pub const fn hard_end(&self) -> Option<Duration> {
        self.hard_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_of_zero_says_nothing() {
        assert_eq!(Terms::NONE.with_ttl_hint(Duration::ZERO), Terms::default());
        let end = Terms::NONE.with_hard_end(Duration::ZERO).hard_end();
        assert_eq!(end, Some(Duration::ZERO));
    }
}
