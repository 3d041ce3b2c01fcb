//! A clock that stands still until a test moves it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use perennial_clock::{Clock, Moment, UnixTime};

/// A clock that a test moves by hand. Clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use perennial_clock::Clock;
/// use perennial_testkit::SimClock;
///
/// let clock = SimClock::new();
/// let start = clock.now();
/// clock.advance(Duration::from_secs(86_400));
/// assert_eq!(clock.now().since(start), Duration::from_secs(86_400));
/// ```
#[derive(Clone, Default)]
pub struct SimClock {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Moment,
    unix_time: UnixTime,
    sleepers: Vec<Sleeper>,
    next: u64,
}

struct Sleeper {
    at: Moment,
    number: u64,
    waker: Waker,
}

impl Default for State {
    fn default() -> Self {
        Self {
            now: Moment::ORIGIN + Duration::from_secs(1_000_000),
            unix_time: UnixTime::from_secs(1_800_000_000),
            sleepers: Vec::new(),
            next: 0,
        }
    }
}

impl SimClock {
    /// Makes a clock that shows some moment long after its origin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on by a span, the wall clock with it, and wakes those whose time has come.
    pub fn advance(&self, span: Duration) {
        let mut state = self.state();
        state.now = state.now + span;
        state.unix_time = state.unix_time.saturating_add(span);
        let now = state.now;
        let sleepers = std::mem::take(&mut state.sleepers);
        let (due, waiting) = sleepers.into_iter().partition(|sleeper| sleeper.at <= now);
        state.sleepers = waiting;
        drop(state);
        let due: Vec<Sleeper> = due;
        for sleeper in due {
            sleeper.waker.wake();
        }
    }

    /// Moves on to a moment; one that has passed changes nothing.
    pub fn advance_to(&self, at: Moment) {
        self.advance(at.since(self.now()));
    }

    /// Sets the wall clock alone, as an administrator or a time server does.
    pub fn set_unix_time(&self, to: UnixTime) {
        self.state().unix_time = to;
    }

    /// Returns the earliest moment for which somebody sleeps.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Moment> {
        self.state().sleepers.iter().map(|sleeper| sleeper.at).min()
    }

    /// Returns a future that is ready once this clock has been moved to `at`.
    pub fn sleep_until(&self, at: Moment) -> Sleep {
        Sleep {
            clock: self.clone(),
            at,
            number: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        self.state().now
    }

    fn unix_time(&self) -> UnixTime {
        self.state().unix_time
    }
}

impl fmt::Debug for SimClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimClock")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

/// Waits until a [`SimClock`] has been moved to a moment.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct Sleep {
    clock: SimClock,
    at: Moment,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut state = clock.state();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        match state
            .sleepers
            .iter_mut()
            .find(|sleeper| sleeper.number == number)
        {
            Some(sleeper) => sleeper.waker.clone_from(cx.waker()),
            None => {
                let sleeper = Sleeper {
                    at: self.at,
                    number,
                    waker: cx.waker().clone(),
                };
                state.sleepers.push(sleeper);
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock
                .state()
                .sleepers
                .retain(|sleeper| sleeper.number != number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let clock = SimClock::new();
        let woken = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let at = clock.now() + Duration::from_secs(10);
        let mut sleep = clock.sleep_until(at);

        assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
        assert_eq!(clock.next_wakeup(), Some(at));
        clock.advance(Duration::from_secs(9));
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        clock.advance_to(at);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_ready());
        assert_eq!(clock.next_wakeup(), None);

        let mut dropped = clock.sleep_until(at + Duration::from_secs(1));
        assert!(Pin::new(&mut dropped).poll(&mut cx).is_pending());
        assert!(clock.next_wakeup().is_some());
        drop(dropped);
        assert_eq!(clock.next_wakeup(), None, "nobody sleeps any more");
    }

    #[test]
    fn the_wall_clock_jumps_alone() {
        let clock = SimClock::new();
        let now = clock.now();
        clock.set_unix_time(UnixTime::from_secs(5));
        assert_eq!(clock.unix_time(), UnixTime::from_secs(5));
        assert_eq!(clock.now(), now);
    }
}
