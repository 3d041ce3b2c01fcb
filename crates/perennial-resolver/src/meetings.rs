//! Tests of what hands results over: a flight's, here and not beside it, since a model checker takes
//! that file as it is and puts other primitives under it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::flight::{Flight, Passenger};

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
    let mut early: Vec<_> = (0..3).map(|_| Flight::join(&flight)).collect();
    for passenger in &mut early {
        assert!(poll(passenger, &woken).is_pending());
    }
    landing.land(7);
    assert_eq!(woken.0.load(Ordering::Relaxed), 3);
    let mut late = Flight::join(&flight);
    for passenger in early.iter_mut().chain([&mut late]) {
        assert_eq!(poll(passenger, &woken), Poll::Ready(Arc::new(7)));
    }
}

#[test]
fn a_passenger_that_leaves_is_not_woken() {
    let (flight, landing) = Flight::start(|| 0);
    let woken = Arc::new(Woken::default());
    let mut leaving = Flight::join(&flight);
    let mut staying = Flight::join(&flight);
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
    let mut passenger = Flight::join(&flight);
    let woken = Arc::new(Woken::default());
    assert!(poll(&mut passenger, &woken).is_pending());
    drop(landing);
    assert_eq!(poll(&mut passenger, &woken), Poll::Ready(Arc::new(-1)));
}
