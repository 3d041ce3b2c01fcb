//! Attempts that end, and who waits for that. Nothing of tokio, arc-swap or dashmap is here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// Counts attempts, and wakes those who wait for the next one to end.
///
/// Invariant: whoever counted before it looked at what an attempt changes, and waits for a greater
/// count after that, misses no attempt.
pub(crate) struct Turns {
    ended: AtomicU64,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    next: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let waiting = Waiting {
            next: 0,
            wakers: Vec::new(),
        };
        Self {
            ended: AtomicU64::new(0),
            waiting: Mutex::new(waiting),
        }
    }

    /// Returns how many attempts have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Ends an attempt: whoever waits looks again.
    pub(crate) fn end(&self) {
        let wakers = {
            let mut waiting = self.waiting();
            self.ended.fetch_add(1, Ordering::AcqRel);
            std::mem::take(&mut waiting.wakers)
        };
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns")
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}

/// Waits until more than `seen` attempts have ended.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    seen: u64,
    place: Option<u64>,
}

impl Turn {
    pub(crate) fn after(turns: Arc<Turns>, seen: u64) -> Self {
        Self {
            turns,
            seen,
            place: None,
        }
    }
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let turns = Arc::clone(&self.turns);
        let mut waiting = turns.waiting();
        // Looked at under the lock under which it is counted.
        if turns.ended() > self.seen {
            return Poll::Ready(());
        }
        match self
            .place
            .and_then(|place| waiting.wakers.iter_mut().find(|(at, _)| *at == place))
        {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => {
                let place = waiting.next;
                waiting.next += 1;
                waiting.wakers.push((place, cx.waker().clone()));
                self.place = Some(place);
            }
        }
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.turns.waiting().wakers.retain(|(at, _)| *at != place);
        }
    }
}
