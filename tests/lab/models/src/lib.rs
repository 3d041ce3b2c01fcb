//! What the resolver synchronises by itself, built on a model checker's primitives in place of the
//! standard library's: the very files of the resolver, with another `sync`.

#![allow(
    dead_code,
    missing_docs,
    reason = "the files are the resolver's, which uses all of them"
)]

pub mod sync {
    //! The primitives, as the resolver names them.

    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

#[path = "../../../../crates/perennial-resolver/src/flight.rs"]
mod flight;
#[path = "../../../../crates/perennial-resolver/src/turns.rs"]
mod turns;

#[cfg(test)]
mod tests {
    use loom::future::block_on;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, Ordering};
    use loom::thread;

    use crate::flight::Flight;
    use crate::turns::{Turn, Turns};

    #[test]
    fn whoever_waits_for_a_flight_gets_its_result() {
        loom::model(|| {
            let (flight, landing) = Flight::start(|| 0);
            let other = Arc::clone(&flight);
            let waiting = thread::spawn(move || *block_on(Flight::join(&other)));
            landing.land(7);
            assert_eq!(*block_on(Flight::join(&flight)), 7);
            assert_eq!(waiting.join().unwrap(), 7);
        });
    }

    #[test]
    fn a_flight_whose_landing_is_dropped_lands_all_the_same() {
        loom::model(|| {
            let (flight, landing) = Flight::start(|| 3);
            let waiting = thread::spawn(move || *block_on(Flight::join(&flight)));
            drop(landing);
            assert_eq!(waiting.join().unwrap(), 3);
        });
    }

    #[test]
    fn whoever_counted_before_it_looked_misses_no_attempt() {
        loom::model(|| {
            let turns = Arc::new(Turns::new());
            let value = Arc::new(AtomicU64::new(0));
            let (its_turns, its_value) = (Arc::clone(&turns), Arc::clone(&value));
            let reader = thread::spawn(move || {
                let seen = its_turns.ended();
                if its_value.load(Ordering::Acquire) == 0 {
                    // Waits for ever if the attempt in between is missed.
                    block_on(Turn::after(Arc::clone(&its_turns), seen));
                }
                its_value.load(Ordering::Acquire)
            });
            value.store(1, Ordering::Release);
            turns.end();
            assert_eq!(reader.join().unwrap(), 1);
        });
    }

    #[test]
    fn one_that_stops_waiting_keeps_nobody_from_being_woken() {
        loom::model(|| {
            let turns = Arc::new(Turns::new());
            let its_turns = Arc::clone(&turns);
            let reader = thread::spawn(move || block_on(Turn::after(its_turns, 0)));
            let leaving = Turn::after(Arc::clone(&turns), 0);
            drop(leaving);
            turns.end();
            reader.join().unwrap();
        });
    }
}
