//! Which resources wait for a call, vault by vault, and when a call may start.

use std::collections::VecDeque;
use std::sync::Arc;

use perennial_backend::{Error as BackendError, ErrorKind, Purpose};
use perennial_cache::{Failure, FailureClass};
use perennial_clock::Moment;
use perennial_rotation::{Breaker, Budget, Pass, Start};

use super::calls::Call;
use super::{Action, Engine, Standing};
use crate::vault::Vault;

/// What the engine knows of one vault.
pub(super) struct VaultState {
    pub(super) vault: Arc<Vault>,
    pub(super) budget: Budget,
    pub(super) breaker: Breaker,
    /// For whom somebody waits.
    urgent: VecDeque<u32>,
    background: VecDeque<u32>,
    /// When it is worth looking at the queue again, if nothing happens before.
    not_before: Option<Moment>,
    /// The last failure that says something about the whole vault.
    pub(super) last_trouble: Option<BackendError>,
    pub(super) upkeep_due: Option<Moment>,
    /// Before when no upkeep runs, whatever the backend says.
    pub(super) upkeep_not_before: Moment,
    pub(super) upkeep_runs: bool,
    pub(super) upkeep_failures: u32,
}

impl VaultState {
    pub(super) fn new(vault: Arc<Vault>) -> Self {
        Self {
            vault,
            budget: Budget::default(),
            breaker: Breaker::new(),
            urgent: VecDeque::new(),
            background: VecDeque::new(),
            not_before: None,
            last_trouble: None,
            upkeep_due: None,
            upkeep_not_before: Moment::ORIGIN,
            upkeep_runs: false,
            upkeep_failures: 0,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        // One whose queue has been emptied meanwhile has nothing to wait for.
        let queue = self.not_before.filter(|_| self.is_waited_on());
        [queue, self.upkeep_at()].into_iter().flatten().min()
    }

    /// Returns when the upkeep of the login is to run next.
    pub(super) fn upkeep_at(&self) -> Option<Moment> {
        let due = self.upkeep_due.filter(|_| !self.upkeep_runs);
        due.map(|at| at.max(self.upkeep_not_before))
    }

    fn is_waited_on(&self) -> bool {
        !self.urgent.is_empty() || !self.background.is_empty()
    }
}

impl Engine {
    /// Puts a resource into its vault's queue; one that somebody waits for goes before the others.
    pub(super) fn enqueue(&mut self, index: u32, urgent: bool) {
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        let Some(vault) = self.vaults.get_mut(&seat.resource.vault) else {
            return;
        };
        match (seat.standing, urgent) {
            (Standing::Flying | Standing::Queued { urgent: true }, _)
            | (Standing::Queued { urgent: false }, false) => return,
            _ => {}
        }
        seat.standing = Standing::Queued { urgent };
        if urgent {
            vault.urgent.push_back(index);
        } else {
            vault.background.push_back(index);
        }
    }

    /// Starts the calls that may start.
    pub(super) fn start_calls(&mut self, now: Moment) {
        let waited_on = self.vaults.iter().filter(|(_, state)| state.is_waited_on());
        for vault in waited_on.map(|(number, _)| *number).collect::<Vec<_>>() {
            while self.start_call(now, vault) {}
        }
    }

    /// Starts one call of a vault, if there is one to start and it may.
    fn start_call(&mut self, now: Moment, number: u64) -> bool {
        let waits = self.peek(number).is_some();
        let Some(state) = self.vaults.get_mut(&number) else {
            return false;
        };
        state.not_before = None;
        if !waits {
            return false;
        }
        let probe = match state.breaker.pass(now) {
            Pass::Yes => false,
            Pass::Probe => true,
            Pass::NotBefore(at) => {
                state.not_before = state.breaker.poll_timeout();
                self.fail_those_who_wait(now, number, at);
                return false;
            }
            _ => return false,
        };
        match state.budget.start(now) {
            Start::Now => {}
            refused => {
                if probe {
                    state.breaker.handle_abandoned();
                }
                if let Start::NotBefore(at) = refused {
                    state.not_before = Some(at);
                }
                return false;
            }
        }
        let batch = if probe { 1 } else { state.vault.max_batch() };
        let mut members = Vec::new();
        while members.len() < batch {
            let Some(index) = self.pop(number) else { break };
            members.push(index);
        }
        self.launch(now, number, members, probe);
        true
    }

    fn launch(&mut self, now: Moment, number: u64, members: Vec<u32>, is_probe: bool) {
        let mut requests = Vec::with_capacity(members.len());
        for index in &members {
            let Some(Some(seat)) = self.seats.get_mut(*index as usize) else {
                continue;
            };
            seat.standing = Standing::Flying;
            seat.served.append(&mut seat.tickets);
            seat.changed = false;
            // Asked for by this call; if that fails, the back-off says when it is made again.
            seat.next_rotation = seat.next_rotation.filter(|at| *at > now);
            let mut request = seat.resource.request();
            if let Some(last) = &seat.last {
                request = request.with_purpose(Purpose::Refresh);
                if let Some(version) = last.fetched.version() {
                    request = request.with_known_version(version.clone());
                }
            }
            requests.push(request);
            self.schedule.remove(*index);
        }
        let Some(state) = self.vaults.get(&number) else {
            return;
        };
        let call = self.next_call;
        self.next_call += 1;
        self.actions.push(Action::Call {
            call,
            vault: Arc::clone(&state.vault),
            requests,
        });
        self.calls.insert(
            call,
            Call {
                vault: number,
                members,
                started: now,
                is_probe,
            },
        );
    }

    /// Tells those who wait, while nothing passes the breaker, why, and when it is tried again.
    fn fail_those_who_wait(&mut self, now: Moment, number: u64, retry_at: Moment) {
        while let Some(index) = self
            .vaults
            .get_mut(&number)
            .and_then(|s| s.urgent.pop_front())
        {
            let Some(state) = self.vaults.get_mut(&number) else {
                return;
            };
            let trouble = state.last_trouble.clone().unwrap_or_else(|| {
                BackendError::new(ErrorKind::Unavailable, "the store is given a pause")
            });
            let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
                continue;
            };
            if seat.standing != (Standing::Queued { urgent: true }) {
                continue;
            }
            seat.standing = Standing::Queued { urgent: false };
            state.background.push_back(index);
            for cell in &seat.cells {
                let failure = Failure::new(FailureClass::Unavailable, retry_at, trouble.clone());
                cell.edit(|facts| facts.handle_failed(now, now, failure));
                cell.end_turn();
            }
            self.note_transitions(now, index);
        }
    }

    /// Tells those who asked for a fresh fetch, and waited for the probe, that it has failed. What
    /// they asked for stays in the queue.
    pub(super) fn fail_those_who_hoped(&mut self, number: u64) {
        let Some(state) = self.vaults.get(&number) else {
            return;
        };
        let trouble = state.last_trouble.as_ref();
        let Some(trouble) = trouble.filter(|_| state.breaker.is_open()) else {
            return;
        };
        for index in state.urgent.iter().chain(&state.background) {
            let seat = self.seats.get_mut(*index as usize).and_then(Option::as_mut);
            if let Some(seat) = seat.filter(|seat| seat.resource.vault == number) {
                for ticket in seat.tickets.drain(..) {
                    ticket.land(Err(Some(trouble.clone())));
                }
            }
        }
    }

    /// Returns the next resource of a vault's queue that still waits.
    fn peek(&mut self, number: u64) -> Option<u32> {
        loop {
            let state = self.vaults.get_mut(&number)?;
            let (index, urgent) = match state.urgent.front() {
                Some(index) => (*index, true),
                None => (*state.background.front()?, false),
            };
            let waits = self
                .seats
                .get(index as usize)
                .and_then(Option::as_ref)
                .is_some_and(|seat| {
                    seat.resource.vault == number && seat.standing == Standing::Queued { urgent }
                });
            if waits {
                return Some(index);
            }
            // It has become urgent since, or is gone.
            let state = self.vaults.get_mut(&number)?;
            if urgent {
                state.urgent.pop_front();
            } else {
                state.background.pop_front();
            }
        }
    }

    fn pop(&mut self, number: u64) -> Option<u32> {
        let index = self.peek(number)?;
        let state = self.vaults.get_mut(&number)?;
        if state.urgent.front() == Some(&index) {
            state.urgent.pop_front();
        } else {
            state.background.pop_front();
        }
        // Until it is launched nobody else may pop it.
        if let Some(Some(seat)) = self.seats.get_mut(index as usize) {
            seat.standing = Standing::Flying;
        }
        Some(index)
    }
}
