//! Vaults that come and go while the resolver runs, and logins that have to be kept alive.

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::Error as BackendError;
use perennial_clock::Moment;
use perennial_rotation::{Backoff, Trouble};

use super::{Action, Engine, Standing};
use crate::cell::Cell;

impl Engine {
    /// Moves views to the vault that has taken the place of theirs. What they hold stays readable
    /// until the new vault has answered.
    pub(super) fn replaced(&mut self, now: Moment, old: u64, cells: Vec<Arc<Cell>>) {
        cells.iter().for_each(|cell| self.leave_for_good(cell));
        self.drop_vault(old);
        for cell in cells {
            let index = self.seat_of(now, &cell);
            // A value of the old vault is not the new one's, however fresh it is.
            if cell.is_pinned() || cell.facts().last().is_some() {
                self.enqueue(index, cell.is_pinned());
            }
            self.reschedule(now, index);
        }
    }

    pub(super) fn removed(&mut self, vault: u64, keep: bool) {
        let cells: Vec<_> = self
            .seats
            .iter()
            .flatten()
            .filter(|seat| seat.resource.vault == vault)
            .flat_map(|seat| seat.cells.iter().cloned())
            .collect();
        for cell in &cells {
            self.leave_for_good(cell);
            self.actions.push(Action::Forget(Arc::clone(cell)));
            cell.remove(keep);
        }
        self.drop_vault(vault);
    }

    pub(super) fn leave_for_good(&mut self, cell: &Arc<Cell>) {
        self.round.retain(|(held, _)| !Arc::ptr_eq(held, cell));
        self.leave(cell);
    }

    /// Forgets a vault and its calls: what they bring comes too late.
    fn drop_vault(&mut self, vault: u64) {
        self.vaults.remove(&vault);
        self.actions.push(Action::Unlisten { vault });
        self.calls.retain(|_, call| call.vault != vault);
        let indices = (0..).zip(&self.seats);
        let left: Vec<u32> = indices
            .filter(|(_, seat)| {
                seat.as_ref()
                    .is_some_and(|seat| seat.resource.vault == vault)
            })
            .map(|(index, _)| index)
            .collect();
        for index in left {
            let Some(Some(seat)) = self.seats.get_mut(index as usize).map(Option::take) else {
                continue;
            };
            self.index.remove(&seat.resource);
            for alias in &seat.aliases {
                self.index.remove(alias);
            }
            self.schedule.remove(index);
            self.free.push(index);
            for ticket in seat.tickets.into_iter().chain(seat.served) {
                ticket.land(Err(None));
            }
            debug_assert!(seat.standing != Standing::Resting || seat.cells.is_empty());
        }
    }

    /// Starts the upkeep that is due, and lets queues go on that had to wait.
    pub(super) fn vault_timeouts(&mut self, now: Moment) {
        for state in self.vaults.values_mut() {
            if !state.upkeep_runs && state.upkeep_due.is_some_and(|at| at <= now) {
                state.upkeep_runs = true;
                self.actions.push(Action::Upkeep {
                    vault: Arc::clone(&state.vault),
                });
            }
        }
    }

    pub(super) fn upkeep_ended(
        &mut self,
        now: Moment,
        vault: u64,
        upkeep_due: Option<Moment>,
        failed: Option<BackendError>,
    ) {
        let jitter = self.jitter();
        let Some(state) = self.vaults.get_mut(&vault) else {
            return;
        };
        state.upkeep_runs = false;
        state.upkeep_due = match failed {
            None => {
                state.upkeep_failures = 0;
                // One that says it is due at once, again and again, is not run in a loop.
                upkeep_due.map(|at| at.max(now + Duration::from_secs(1)))
            }
            Some(error) => {
                state.upkeep_failures = state.upkeep_failures.saturating_add(1);
                let pause = Backoff::new().delay(
                    Trouble::Unavailable,
                    state.upkeep_failures,
                    error.retry_after(),
                    jitter,
                );
                Some(now + pause)
            }
        };
    }
}
