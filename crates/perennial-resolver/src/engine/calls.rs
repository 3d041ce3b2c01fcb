//! What becomes of calls: successes, failures, and when to try again.

use std::time::Duration;

use perennial_backend::{Error as BackendError, ErrorKind, Fetched, Payload};
use perennial_cache::{Failure, FailureClass, Terms};
use perennial_clock::Moment;
use perennial_rotation::{Backoff, Trouble};

use super::{Action, Engine, Standing};
use crate::events::{Happening, What};

/// A call that is under way.
pub(super) struct Call {
    pub(super) vault: u64,
    pub(super) members: Vec<u32>,
    pub(super) started: Moment,
    /// Whether it was made to find out whether the store answers again.
    pub(super) is_probe: bool,
}

impl Engine {
    pub(super) fn call_ended(
        &mut self,
        now: Moment,
        call: u64,
        answers: Vec<Result<Fetched, BackendError>>,
        upkeep_due: Option<Moment>,
    ) {
        // A call of a vault that was removed or replaced is not known any more.
        let Some(Call {
            vault,
            members,
            started,
            is_probe,
        }) = self.calls.remove(&call)
        else {
            return;
        };
        self.judge(now, vault, &answers, upkeep_due);
        if is_probe {
            self.fail_those_who_hoped(vault);
        }
        for (index, answer) in members.into_iter().zip(answers) {
            self.rest(index);
            match answer {
                Ok(fetched) => self.succeeded(now, index, started, fetched),
                Err(error) => self.failed(now, index, started, &error),
            }
            self.end_turn(now, index);
        }
        self.make_room();
    }

    /// Tells the vault's breaker what a call says about the whole vault.
    fn judge(
        &mut self,
        now: Moment,
        vault: u64,
        answers: &[Result<Fetched, BackendError>],
        upkeep_due: Option<Moment>,
    ) {
        let jitter = self.jitter();
        let Some(state) = self.vaults.get_mut(&vault) else {
            return;
        };
        state.budget.finish();
        // One that failed is tried again after its pause, whatever it says itself.
        if state.upkeep_failures == 0 {
            state.upkeep_due = upkeep_due;
        }
        let was_open = state.breaker.is_open();
        let mut trouble = answers.iter().filter_map(|answer| answer.as_ref().err());
        let trouble = trouble.rfind(|error| is_about_the_vault(error.kind()));
        match trouble {
            Some(error) if answers.iter().all(Result::is_err) => {
                let pause = match error.kind() {
                    ErrorKind::RateLimited => error.retry_after(),
                    _ => None,
                };
                state.breaker.handle_failure(now, pause, jitter);
                state.last_trouble = Some(error.clone());
            }
            _ => {
                state.breaker.handle_success();
                state.last_trouble = None;
            }
        }
        let is_open = state.breaker.is_open();
        if was_open != is_open {
            let what = if is_open {
                What::VaultDown
            } else {
                What::VaultUp
            };
            let name = state.vault.spec().name().as_str();
            let happening = Happening::of_vault(name, what, state.last_trouble.as_ref());
            self.actions.push(Action::Tell(happening));
        }
    }

    fn succeeded(&mut self, now: Moment, index: u32, started: Moment, fetched: Fetched) {
        let jitter = self.draw_jitter();
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        seat.failures = (None, 0);
        seat.jitter = jitter;
        // One that is overdue is the store's own trouble, and no reason to ask in a loop.
        let ahead = fetched.next_rotation().filter(|span| !span.is_zero());
        seat.next_rotation = ahead.map(|span| started + span);
        let is_unchanged = matches!(fetched.payload(), Payload::Unchanged);
        if is_unchanged && seat.last.is_none() {
            let error = BackendError::new(
                ErrorKind::Unexpected,
                "the backend says that nothing changed, but nothing is held",
            );
            self.failed(now, index, started, &error);
        } else if is_unchanged {
            self.renew(now, index, started, terms(&fetched));
        } else {
            self.install(now, index, started, fetched);
        }
    }

    fn failed(&mut self, now: Moment, index: u32, started: Moment, error: &BackendError) {
        let jitter = self.jitter();
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        let class = class_of(error.kind());
        let before = match seat.failures {
            (known, count) if known == Some(class) => count,
            // Another kind of trouble begins anew.
            _ => 0,
        };
        let failures = before.saturating_add(1);
        seat.failures = (Some(class), failures);
        let retry_at = now + delay(class, failures, error.retry_after(), jitter);
        for cell in &seat.cells {
            let failure = Failure::new(class, retry_at, error.clone());
            cell.edit(|facts| facts.handle_failed(now, started, failure));
        }
        for ticket in seat.served.drain(..) {
            ticket.land(Err(Some(error.clone())));
        }
    }

    /// Ends the attempt for everybody who waits for this resource.
    fn end_turn(&mut self, now: Moment, index: u32) {
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        for ticket in seat.served.drain(..) {
            ticket.land(Ok(()));
        }
        for cell in &seat.cells {
            cell.end_turn();
        }
        // Whoever asked for a fresh fetch while this one was under way gets one, and so does what
        // changed meanwhile.
        let urgent = !seat.tickets.is_empty();
        let again = std::mem::take(&mut seat.changed) || urgent;
        self.note_transitions(now, index);
        self.reschedule(now, index);
        if again {
            self.enqueue(index, urgent);
        }
        self.free_if_empty(index);
    }

    fn rest(&mut self, index: u32) {
        if let Some(Some(seat)) = self.seats.get_mut(index as usize) {
            seat.standing = Standing::Resting;
        }
    }
}

/// The terms on which an answer may be held.
pub(super) fn terms(fetched: &Fetched) -> Terms {
    let lease = fetched.lease().map(|lease| lease.duration());
    let end = [fetched.hard_end(), lease].into_iter().flatten().min();
    Terms::NONE
        .with_ttl_hint(fetched.ttl_hint())
        .with_hard_end(end)
}

/// The cache's class of a kind of failure.
pub(super) fn class_of(kind: ErrorKind) -> FailureClass {
    match kind {
        ErrorKind::NotFound => FailureClass::Missing,
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => FailureClass::Denied,
        ErrorKind::RateLimited => FailureClass::Throttled,
        ErrorKind::Timeout | ErrorKind::Unavailable => FailureClass::Unavailable,
        _ => FailureClass::Invalid,
    }
}

/// How long to wait after a failure; what is missing is asked for again by each view's own rule.
pub(super) fn delay(
    class: FailureClass,
    failures: u32,
    asked: Option<Duration>,
    jitter: perennial_rotation::Jitter,
) -> Duration {
    let trouble = match class {
        FailureClass::Missing => return Duration::ZERO,
        FailureClass::Denied => Trouble::Denied,
        FailureClass::Throttled => Trouble::Throttled,
        FailureClass::Unavailable => Trouble::Unavailable,
        _ => Trouble::Invalid,
    };
    Backoff::new().delay(trouble, failures, asked, jitter)
}

/// Whether a failure says something about the whole vault, and not only about one secret.
fn is_about_the_vault(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Unauthenticated
            | ErrorKind::RateLimited
    )
}
