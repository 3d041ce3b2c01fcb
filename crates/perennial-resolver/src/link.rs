//! What readers need besides a cell: the time, and a way to ask the engine.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use perennial_backend::{Error as BackendError, Runtime};
use perennial_cache::{Answer, Failed, Wait};
use perennial_clock::Moment;
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::cell::{Cell, CellFacts};
use crate::driver::Message;
use crate::engine::Event;
use crate::error::Error;
use crate::handle::Loaded;
use crate::pulse::Pulse;
use crate::value::{Freshness, Value};

/// Connects readers with the engine. It does not keep the resolver alive.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) queue: WeakUnboundedSender<Message>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Link {
    /// Tells the engine that something happened; returns whether there is one.
    pub(crate) fn send(&self, event: Event) -> bool {
        let Some(queue) = self.queue.upgrade() else {
            return false;
        };
        queue.send(Message::Event(event)).is_ok()
    }

    /// Reads what there is, without waiting and without asking the operating system for the time.
    pub(crate) fn load(&self, cell: &Arc<Cell>) -> Result<Loaded, Error> {
        if self.pulse.has_stopped() || cell.is_removed() {
            return Err(Error::closed(cell.reference()));
        }
        let now = self.pulse.now();
        cell.mark_read(now);
        let facts = cell.facts();
        let freshness = {
            let lookup = facts.lookup(now, &cell.binding().policy);
            if lookup.wants_fetch(now) && cell.ask() {
                self.send(Event::Wanted {
                    cell: Arc::clone(cell),
                    waiting: false,
                });
            }
            judged(now, cell, lookup.for_instant_reader())?
        };
        Ok(Loaded::new(facts, freshness))
    }

    /// Reads the value, and waits for a fetch where there is none that is fresh.
    pub(crate) async fn get(&self, cell: &Arc<Cell>) -> Result<Value, Error> {
        // Counted before the look, so that an attempt which ends in between is noticed.
        let seen = cell.turns();
        if self.pulse.has_stopped() || cell.is_removed() {
            return Err(Error::closed(cell.reference()));
        }
        let now = self.runtime.clock().now();
        cell.mark_read(now);
        let waits = {
            let facts = cell.facts();
            let lookup = facts.lookup(now, &cell.binding().policy);
            let wants = lookup.wants_fetch(now);
            match lookup.for_waiting_reader(now) {
                Wait::No(answer) => {
                    if wants && cell.ask() {
                        self.send(Event::Wanted {
                            cell: Arc::clone(cell),
                            waiting: false,
                        });
                    }
                    return value(now, cell, &facts, answer);
                }
                Wait::ForFetch { .. } => true,
            }
        };
        debug_assert!(waits);
        if !self.send(Event::Wanted {
            cell: Arc::clone(cell),
            waiting: true,
        }) {
            return Err(Error::closed(cell.reference()));
        }
        cell.turn_after(seen).await;
        self.look(cell)
    }

    /// Reads what there is, at the real time.
    pub(crate) fn look(&self, cell: &Arc<Cell>) -> Result<Value, Error> {
        if self.pulse.has_stopped() || cell.is_removed() {
            return Err(Error::closed(cell.reference()));
        }
        let now = self.runtime.clock().now();
        let facts = cell.facts();
        let answer = facts
            .lookup(now, &cell.binding().policy)
            .for_instant_reader();
        value(now, cell, &facts, answer)
    }
}

fn value(
    now: Moment,
    cell: &Cell,
    facts: &Guard<Arc<CellFacts>>,
    answer: Answer<'_, crate::cell::Held, BackendError>,
) -> Result<Value, Error> {
    let freshness = judged(now, cell, answer)?;
    let Some(held) = facts.last() else {
        return Err(Error::not_yet(cell.reference()));
    };
    Ok(Value::new(
        held.secret.clone(),
        held.version.clone(),
        freshness,
    ))
}

/// Turns the cache's answer into a reader's: how fresh the value is, or why there is none.
fn judged<V>(
    now: Moment,
    cell: &Cell,
    answer: Answer<'_, V, BackendError>,
) -> Result<Freshness, Error> {
    let reference = cell.reference();
    let wait = |at: Moment| Some(at.since(now)).filter(|span| *span > Duration::ZERO);
    match answer {
        Answer::Fresh { .. } => Ok(Freshness::Fresh),
        Answer::Stale { age, failed, .. } => Ok(Freshness::stale(age, failed)),
        Answer::Expired {
            age,
            failed,
            retry_at,
        } => {
            let error = Error::expired(reference, age, failed.map(Failed::detail));
            Err(error.with_retry_in(wait(retry_at)))
        }
        Answer::Failed { failed, retry_at } => {
            let error = Error::backend(reference, failed.detail().clone());
            Err(error.with_retry_in(retry_at.and_then(wait)))
        }
        Answer::NotYet => Err(Error::not_yet(reference)),
    }
}
