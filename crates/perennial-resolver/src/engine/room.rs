//! Room for what is read: views that nobody needs any more, and resources without views.

use std::sync::Arc;

use super::{Action, Engine, Seat, Standing};
use crate::cell::Cell;

impl Engine {
    /// Forgets views that nobody reads while there are more than may be.
    pub(super) fn make_room(&mut self) {
        // A few at a time: where all are in use, going round once more changes nothing.
        for _ in 0..ROUND_AT_ONCE {
            if self.round.len() <= self.limits.capacity {
                return;
            }
            let Some((cell, seen)) = self.round.pop_front() else {
                return;
            };
            if cell.is_pinned() || cell.read_at() != seen || self.is_waited_for(&cell) {
                let read_at = cell.read_at();
                self.round.push_back((cell, read_at));
                continue;
            }
            self.leave(&cell);
            cell.end_turn();
            self.actions.push(Action::Forget(cell));
        }
    }

    /// Returns whether a call for a view's resource is waited for, or under way.
    pub(super) fn is_wanted(&self, cell: &Cell) -> bool {
        let seat = self
            .seats
            .get(cell.seat() as usize)
            .and_then(Option::as_ref);
        seat.is_some_and(|seat| seat.standing != Standing::Resting || !seat.tickets.is_empty())
    }

    /// Returns whether somebody may wait for a view. One that is merely due is not waited for: in
    /// an outage everything is due.
    fn is_waited_for(&self, cell: &Cell) -> bool {
        let seat = self
            .seats
            .get(cell.seat() as usize)
            .and_then(Option::as_ref);
        seat.is_some_and(|seat| {
            let in_hand = matches!(
                seat.standing,
                Standing::Flying | Standing::Queued { urgent: true }
            );
            in_hand || !seat.tickets.is_empty()
        })
    }

    /// Takes a view off its resource; a resource without views is dropped, and its bytes with it.
    pub(super) fn leave(&mut self, cell: &Arc<Cell>) {
        let index = cell.seat();
        cell.take_seat(Cell::NOWHERE);
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        if let Some(place) = seat.cells.iter().position(|held| Arc::ptr_eq(held, cell)) {
            seat.cells.swap_remove(place);
            seat.told.swap_remove(place);
        }
        self.free_if_empty(index);
    }

    /// Frees the seat of a resource that nobody looks at, unless a call for it is under way.
    pub(super) fn free_if_empty(&mut self, index: u32) {
        let Some(slot) = self.seats.get_mut(index as usize) else {
            return;
        };
        let in_use = |seat: &Seat| {
            !seat.cells.is_empty() || !seat.tickets.is_empty() || seat.standing == Standing::Flying
        };
        if slot.as_ref().is_none_or(in_use) {
            return;
        }
        let Some(seat) = slot.take() else { return };
        self.index.remove(&seat.resource);
        for alias in &seat.aliases {
            self.index.remove(alias);
        }
        self.schedule.remove(index);
        self.free.push(index);
        if let Some(state) = self.vaults.get(&seat.resource.vault) {
            let vault = Arc::clone(&state.vault);
            self.actions.push(Action::Watch {
                vault,
                name: seat.resource.name,
                held: false,
            });
        }
    }
}

/// How many views are looked at for room when one more is asked for.
const ROUND_AT_ONCE: usize = 16;
