//! The hand-over of one result to everybody who waits for it. Nothing of tokio or dashmap is here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Something that is being done once, for all who ask while it is done.
pub(crate) struct Flight<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Flying {
        next: u64,
        waiting: Vec<(u64, Waker)>,
    },
    Landed(Arc<T>),
}

impl<T> Flight<T> {
    /// Starts a flight; it lands with `lost()` if whoever holds the [`Landing`] drops it.
    pub(crate) fn start(lost: fn() -> T) -> (Arc<Self>, Landing<T>) {
        let state = State::Flying {
            next: 0,
            waiting: Vec::new(),
        };
        let flight = Arc::new(Self {
            state: Mutex::new(state),
        });
        (Arc::clone(&flight), Landing { flight, lost })
    }

    /// Returns a future of the result.
    pub(crate) fn join(self: Arc<Self>) -> Passenger<T> {
        Passenger {
            flight: self,
            seat: None,
        }
    }

    fn land(&self, result: T) {
        let landed = State::Landed(Arc::new(result));
        let before = std::mem::replace(&mut *self.state(), landed);
        if let State::Flying { waiting, .. } = before {
            for (_, waker) in waiting {
                waker.wake();
            }
        }
    }

    fn has_landed(&self) -> bool {
        matches!(*self.state(), State::Landed(_))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Flight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("landed", &self.has_landed())
            .finish()
    }
}

/// The right to land a flight, once.
pub(crate) struct Landing<T> {
    flight: Arc<Flight<T>>,
    lost: fn() -> T,
}

impl<T> Landing<T> {
    /// Hands the result to everybody who waits, and to everybody who joins later.
    pub(crate) fn land(self, result: T) {
        self.flight.land(result);
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        if !self.flight.has_landed() {
            self.flight.land((self.lost)());
        }
    }
}

/// Waits for a flight to land.
pub(crate) struct Passenger<T> {
    flight: Arc<Flight<T>>,
    seat: Option<u64>,
}

impl<T> Future for Passenger<T> {
    type Output = Arc<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arc<T>> {
        let flight = Arc::clone(&self.flight);
        let mut state = flight.state();
        let (next, waiting) = match &mut *state {
            State::Landed(result) => return Poll::Ready(Arc::clone(result)),
            State::Flying { next, waiting } => (next, waiting),
        };
        match self
            .seat
            .and_then(|seat| waiting.iter_mut().find(|(taken, _)| *taken == seat))
        {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => {
                self.seat = Some(*next);
                waiting.push((*next, cx.waker().clone()));
                *next += 1;
            }
        }
        Poll::Pending
    }
}

impl<T> Drop for Passenger<T> {
    fn drop(&mut self) {
        let Some(seat) = self.seat else { return };
        if let State::Flying { waiting, .. } = &mut *self.flight.state() {
            waiting.retain(|(taken, _)| *taken != seat);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<T>(passenger: &mut Passenger<T>, woken: &Arc<Woken>) -> Poll<Arc<T>> {
        let waker = Waker::from(Arc::clone(woken));
        Pin::new(passenger).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn everybody_gets_the_one_result() {
        let (flight, landing) = Flight::start(|| 0);
        let woken = Arc::new(Woken::default());
        let mut early: Vec<_> = (0..3).map(|_| Arc::clone(&flight).join()).collect();
        for passenger in &mut early {
            assert!(poll(passenger, &woken).is_pending());
        }
        landing.land(7);
        assert_eq!(woken.0.load(Ordering::Relaxed), 3);
        let mut late = flight.join();
        for passenger in early.iter_mut().chain([&mut late]) {
            assert_eq!(poll(passenger, &woken), Poll::Ready(Arc::new(7)));
        }
    }

    #[test]
    fn a_passenger_that_leaves_is_not_woken() {
        let (flight, landing) = Flight::start(|| 0);
        let woken = Arc::new(Woken::default());
        let mut leaving = Arc::clone(&flight).join();
        let mut staying = flight.join();
        assert!(poll(&mut leaving, &woken).is_pending());
        assert!(poll(&mut staying, &woken).is_pending());
        assert!(poll(&mut staying, &woken).is_pending());
        drop(leaving);
        landing.land(1);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_landing_that_is_dropped_says_so() {
        let (flight, landing) = Flight::start(|| -1);
        let mut passenger = flight.join();
        let woken = Arc::new(Woken::default());
        assert!(poll(&mut passenger, &woken).is_pending());
        drop(landing);
        assert_eq!(poll(&mut passenger, &woken), Poll::Ready(Arc::new(-1)));
    }
}
