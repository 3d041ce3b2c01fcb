//! The hand-over of one result to everybody who waits for it. Nothing of tokio or dashmap is here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    pub(crate) fn join(flight: &Arc<Self>) -> Passenger<T> {
        Passenger {
            flight: Arc::clone(flight),
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
