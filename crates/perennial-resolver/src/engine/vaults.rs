//! Vaults that come and go while the resolver runs, and logins that have to be kept alive.

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::Error as BackendError;
use perennial_clock::Moment;
use perennial_rotation::{Backoff, Trouble};

use super::{Action, Engine};
use crate::cell::{Cell, CellFacts};

impl Engine {
    /// Moves views to the vault that has taken the place of theirs. What they hold stays readable
    /// until the new vault has answered, and what was waited for is waited for on.
    pub(super) fn replaced(&mut self, now: Moment, old: u64, cells: Vec<Arc<Cell>>) {
        let mut moving = Vec::with_capacity(cells.len());
        for cell in cells {
            let wanted = self.is_wanted(&cell);
            let seat = self
                .seats
                .get_mut(cell.seat() as usize)
                .and_then(Option::as_mut);
            let tickets = seat.map_or_else(Vec::new, |seat| {
                seat.tickets
                    .drain(..)
                    .chain(seat.served.drain(..))
                    .collect()
            });
            moving.push((cell, wanted, tickets));
        }
        for (cell, ..) in &moving {
            self.leave(cell);
        }
        self.forget_unseated();
        self.drop_vault(old);
        for (cell, wanted, tickets) in moving {
            if cell.facts().last().is_none() {
                // What the old vault could not give says nothing about the new one.
                cell.edit(|facts| *facts = CellFacts::new());
            }
            let index = self.seat_of(now, &cell);
            if let Some(Some(seat)) = self.seats.get_mut(index as usize) {
                seat.tickets.extend(tickets);
            }
            // A value of the old vault is not the new one's, however fresh it is.
            let urgent = wanted || cell.is_pinned();
            if urgent || cell.facts().last().is_some() {
                self.enqueue(index, urgent);
            }
            self.reschedule(now, index);
        }
    }

    /// Takes off views that mean nothing to the vault that has taken the place of theirs.
    pub(super) fn gone(&mut self, cells: &[Arc<Cell>]) {
        cells.iter().for_each(|cell| self.leave(cell));
        self.forget_unseated();
    }

    pub(super) fn removed(&mut self, vault: u64, keep: bool) {
        let cells: Vec<_> = self
            .seats
            .iter()
            .flatten()
            .filter(|seat| seat.resource.vault == vault)
            .flat_map(|seat| seat.cells.iter().cloned())
            .collect();
        for cell in cells {
            self.leave(&cell);
            cell.remove(keep);
            self.actions.push(Action::Forget(cell));
        }
        self.forget_unseated();
        self.drop_vault(vault);
    }

    fn forget_unseated(&mut self) {
        self.round.retain(|(cell, _)| cell.seat() != Cell::NOWHERE);
    }

    /// Forgets a vault and its calls: what they bring comes too late.
    fn drop_vault(&mut self, vault: u64) {
        self.vaults.remove(&vault);
        self.actions.push(Action::Unlisten { vault });
        self.calls.retain(|_, call| call.vault != vault);
        for index in 0..self.seats.len() {
            let Some(slot) = self.seats.get_mut(index) else {
                return;
            };
            if slot
                .as_ref()
                .is_none_or(|seat| seat.resource.vault != vault)
            {
                continue;
            }
            let Some(seat) = slot.take() else { continue };
            self.index.remove(&seat.resource);
            for alias in &seat.aliases {
                self.index.remove(alias);
            }
            let index = u32::try_from(index).unwrap_or(Cell::NOWHERE);
            self.schedule.remove(index);
            self.free.push(index);
            for ticket in seat.tickets.into_iter().chain(seat.served) {
                ticket.land(Err(None));
            }
            // Views that nobody can find any more: their handles are closed.
            for cell in seat.cells {
                cell.take_seat(Cell::NOWHERE);
                cell.mark_removed();
            }
        }
        self.forget_unseated();
    }

    /// Starts the upkeep that is due, and lets queues go on that had to wait.
    pub(super) fn vault_timeouts(&mut self, now: Moment) {
        for state in self.vaults.values_mut() {
            if state.upkeep_at().is_some_and(|at| at <= now) {
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
        state.upkeep_due = upkeep_due;
        // One that says it is due at once, again and again, is not run in a loop.
        let mut pause = Duration::from_secs(1);
        match failed {
            None => state.upkeep_failures = 0,
            Some(error) => {
                state.upkeep_failures = state.upkeep_failures.saturating_add(1);
                let (failures, asked) = (state.upkeep_failures, error.retry_after());
                pause = Backoff::new().delay(Trouble::Unavailable, failures, asked, jitter);
                // Nothing else than a success ends its being due.
                state.upkeep_due = upkeep_due.or(Some(now));
            }
        }
        state.upkeep_not_before = now + pause;
    }
}
