//! What is held: seats for resources, versions put into their views, and what readers are told when
//! the state of a view changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Error as BackendError, ErrorKind, Fetched};
use perennial_cache::{Failure, FailureClass, Lookup, Policy, Terms};
use perennial_clock::Moment;

use super::calls::{class_of, delay, terms};
use super::{Action, Engine, Seat, Standing, VaultState};
use crate::cell::{Cell, Held};
use crate::events::{Happening, What};
use crate::select::select;
use crate::snapshot::Frozen;
use crate::value::Freshness;

/// One answer of a store.
pub(super) struct Install {
    pub(super) number: u64,
    pub(super) fetched: Arc<Fetched>,
    pub(super) started: Moment,
    /// When the value ends for good.
    pub(super) hard_end: Option<Moment>,
}

impl Install {
    /// Returns the terms on which a view may hold the value from now on.
    fn terms(&self) -> Terms {
        let end = self.hard_end.map(|end| end.since(self.started));
        Terms::NONE
            .with_ttl_hint(self.fetched.ttl_hint())
            .with_hard_end(end)
    }
}

/// What readers of a view were last told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    #[default]
    Nothing,
    Well,
    Failing,
    Stale,
    Missing,
    Expired,
}

impl Engine {
    /// Returns the index of a cell's resource; one that is held already serves the cell at once.
    pub(super) fn seat_of(&mut self, now: Moment, cell: &Arc<Cell>) -> u32 {
        if cell.seat() != Cell::NOWHERE {
            return cell.seat();
        }
        let binding = cell.binding();
        let index = match self.index.get(&binding.resource) {
            Some(index) => *index,
            None => self.new_seat(&binding),
        };
        cell.take_seat(index);
        self.round.push_back((Arc::clone(cell), cell.read_at()));
        let mut install = None;
        if let Some(Some(seat)) = self.seats.get_mut(index as usize) {
            seat.cells.push(Arc::clone(cell));
            seat.told.push(Told::Nothing);
            install = seat.last.as_ref().map(|last| (last.started, last.number));
        }
        if let Some((started, number)) = install {
            self.put_into(now, index, cell, started, number);
        }
        index
    }

    fn new_seat(&mut self, binding: &crate::cell::Binding) -> u32 {
        let resource = binding.resource.clone();
        if let Entry::Vacant(free) = self.vaults.entry(resource.vault) {
            free.insert(VaultState::new(Arc::clone(&binding.vault)));
            self.actions.push(Action::Listen {
                vault: Arc::clone(&binding.vault),
            });
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            u32::try_from(self.seats.len() - 1).unwrap_or(Cell::NOWHERE)
        });
        let vault = Arc::clone(&binding.vault);
        let name = Arc::clone(&resource.name);
        self.actions.push(Action::Watch {
            vault,
            name,
            held: true,
        });
        self.index.insert(resource.clone(), index);
        let seat = Seat {
            resource,
            cells: Vec::new(),
            standing: Standing::Resting,
            last: None,
            failures: (None, 0),
            jitter: 0,
            changed: false,
            tickets: Vec::new(),
            served: Vec::new(),
            next_rotation: None,
            aliases: Vec::new(),
            told: Vec::new(),
        };
        if let Some(slot) = self.seats.get_mut(index as usize) {
            *slot = Some(seat);
        }
        index
    }

    /// Puts a new answer into all views of its resource.
    pub(super) fn install(&mut self, now: Moment, index: u32, started: Moment, fetched: Fetched) {
        let number = self.next_install;
        self.next_install += 1;
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        for alias in fetched.aliases() {
            let other = seat.resource.named(alias);
            if !self.index.contains_key(&other) {
                self.index.insert(other.clone(), index);
                seat.aliases.push(other);
            }
        }
        let version = fetched.version().cloned();
        let hard_end = terms(&fetched).hard_end().map(|span| started + span);
        seat.last = Some(Install {
            number,
            fetched: Arc::new(fetched),
            started,
            hard_end,
        });
        let cells = seat.cells.clone();
        for cell in &cells {
            if self.put_into(now, index, cell, started, number) {
                let mut happening = Happening::of_cell(cell, What::Rotated, None);
                happening.set_version(version.as_ref());
                self.actions.push(Action::Tell(happening));
            }
        }
    }

    /// Renews what is held: the store says that it is still the current version.
    pub(super) fn renew(&mut self, now: Moment, index: u32, started: Moment, terms: Terms) {
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        let Some(last) = &mut seat.last else { return };
        last.started = started;
        // Terms that are not mentioned stay as they were.
        last.hard_end = terms
            .hard_end()
            .map(|span| started + span)
            .or(last.hard_end);
        let number = last.number;
        for cell in &seat.cells.clone() {
            let is_current = cell
                .facts()
                .last()
                .is_some_and(|held| held.install == number);
            if is_current {
                cell.edit(|facts| facts.handle_unchanged(now, started, terms));
            } else {
                // What the current version lacks, it lacks still.
                self.put_into(now, index, cell, started, number);
            }
        }
    }

    /// Puts the last answer into one view; returns whether that took the place of another value.
    fn put_into(
        &mut self,
        now: Moment,
        index: u32,
        cell: &Arc<Cell>,
        started: Moment,
        number: u64,
    ) -> bool {
        let jitter = self.jitter();
        let Some(Some(seat)) = self.seats.get(index as usize) else {
            return false;
        };
        let Some(last) = &seat.last else { return false };
        let binding = cell.binding();
        match select(&last.fetched, &seat.resource.name, &binding.view) {
            Ok(secret) => {
                let before = cell.facts().last().cloned();
                let changed = before
                    .as_ref()
                    .is_some_and(|held| held.secret.expose() != secret.expose());
                let revision = before.map_or(0, |held| held.revision) + u64::from(changed);
                let version = last.fetched.version().cloned();
                let held = Held {
                    secret,
                    version,
                    install: number,
                    revision,
                };
                let terms = last.terms();
                cell.edit(|facts| facts.handle_fetched(now, started, held, terms)) && changed
            }
            Err(error) => {
                let class = class_of(error.kind());
                let retry_at = now + delay(class, 1, None, jitter);
                let failure = Failure::new(class, retry_at, error);
                cell.edit(|facts| facts.handle_failed(now, started, failure));
                false
            }
        }
    }

    /// Returns whether a resource should be fetched now, its views being what they are.
    pub(super) fn is_due(&self, now: Moment, index: u32) -> bool {
        let Some(Some(seat)) = self.seats.get(index as usize) else {
            return false;
        };
        self.refresh_at(now, seat).is_some_and(|at| at <= now)
    }

    /// Sets a resource's next deadline: a refresh, or a change of what its readers get.
    pub(super) fn reschedule(&mut self, now: Moment, index: u32) {
        let Some(Some(seat)) = self.seats.get(index as usize) else {
            return;
        };
        let refresh = match seat.standing {
            Standing::Resting => self.refresh_at(now, seat),
            // It is waited for already.
            _ => None,
        };
        let change = seat
            .cells
            .iter()
            .filter(|cell| self.is_live(now, cell))
            .filter_map(|cell| cell.facts().next_change(now, &cell.binding().policy));
        let deadline = change.chain(refresh).min();
        self.schedule.set(index, deadline.unwrap_or(Moment::MAX));
    }

    /// Returns when the earliest of a resource's live views wants a fetch.
    fn refresh_at(&self, now: Moment, seat: &Seat) -> Option<Moment> {
        let live = || seat.cells.iter().filter(|cell| self.is_live(now, cell));
        let due = live()
            .filter_map(|cell| {
                cell.facts()
                    .poll_timeout(&cell.binding().policy, seat.jitter)
            })
            .min();
        // A store that says when it rotates is asked just after, not only when ttl ends.
        let rotation = seat
            .next_rotation
            .filter(|_| live().next().is_some())
            .map(|at| {
                let spread = Duration::from_secs(5) * u32::from(seat.jitter) / u32::from(u16::MAX);
                at + Duration::from_secs(1) + spread
            });
        [due, rotation].into_iter().flatten().min()
    }

    /// Returns whether a view is kept fresh without anybody asking: while a handle keeps it, or
    /// while it holds a value that was read not long ago.
    fn is_live(&self, now: Moment, cell: &Cell) -> bool {
        if cell.is_pinned() {
            return true;
        }
        let idle = self.limits.idle.unwrap_or_else(|| {
            let ttl = cell.binding().policy.ttl().unwrap_or(Policy::TTL);
            (10 * ttl.min(Duration::from_secs(1 << 40))).max(Duration::from_secs(3600))
        });
        cell.facts().last().is_some() && now.since(cell.read_at()) < idle
    }

    /// Tells of every view whose state is another than the one that was last told.
    pub(super) fn note_transitions(&mut self, now: Moment, index: u32) {
        let Some(Some(seat)) = self.seats.get_mut(index as usize) else {
            return;
        };
        for (cell, told) in seat.cells.iter().zip(&mut seat.told) {
            let facts = cell.facts();
            let lookup = facts.lookup(now, &cell.binding().policy);
            let cause = lookup.failed().map(|failed| failed.detail());
            let state = match &lookup {
                Lookup::Fresh { failed: None, .. } | Lookup::Due { failed: None, .. } => Told::Well,
                Lookup::Fresh {
                    failed: Some(failed),
                    ..
                }
                | Lookup::Due {
                    failed: Some(failed),
                    ..
                } if failed.class() == FailureClass::Missing => Told::Missing,
                Lookup::Fresh { .. } | Lookup::Due { .. } => Told::Failing,
                Lookup::Overdue { failed: None, .. } | Lookup::Absent { failed: None } => *told,
                Lookup::Overdue { .. } | Lookup::Stale { .. } => Told::Stale,
                Lookup::Expired { .. } => Told::Expired,
                Lookup::Missing { .. } => Told::Missing,
                Lookup::Absent {
                    failed: Some(failed),
                }
                | Lookup::Failed { failed, .. } => match failed.class() {
                    FailureClass::Missing => Told::Missing,
                    _ => Told::Failing,
                },
            };
            let what = match (*told, state) {
                (before, after) if before == after => continue,
                (Told::Nothing, Told::Well) => None,
                (_, Told::Well) => Some(What::Recovered),
                (_, Told::Failing) => Some(What::RefreshFailed),
                (_, Told::Stale) => Some(What::Stale),
                (_, Told::Missing) => Some(What::Missing),
                (_, Told::Expired) => Some(What::Expired),
                (_, Told::Nothing) => None,
            };
            *told = state;
            if let Some(what) = what {
                self.actions
                    .push(Action::Tell(Happening::of_cell(cell, what, cause)));
            }
        }
    }

    /// Takes values of one version each; fails with the index of the view that has none.
    pub(super) fn freeze(
        &mut self,
        now: Moment,
        cells: &[Arc<Cell>],
    ) -> Result<Vec<Frozen>, (usize, BackendError)> {
        // Which answer the values of each resource are taken from: the last one. Where that is not
        // held here, since the view was forgotten to make room or its vault has just been replaced,
        // it is the latest that one of the views still has.
        let mut answers = HashMap::new();
        for cell in cells {
            let seat = self.seats.get(cell.seat() as usize);
            let last = seat.and_then(|seat| seat.as_ref()?.last.as_ref());
            let known = last.map(|last| last.number);
            let held = known.or_else(|| cell.facts().last().map(|held| held.install));
            let answer = answers.entry(cell.binding().resource.clone()).or_default();
            *answer = held.max(*answer);
        }
        let mut frozen = Vec::with_capacity(cells.len());
        for (place, cell) in cells.iter().enumerate() {
            let facts = cell.facts();
            let answer = answers.get(&cell.binding().resource).copied().flatten();
            let lookup = facts.lookup(now, &cell.binding().policy);
            let why = lookup.failed().map(|failed| failed.detail().clone());
            let freshness = Freshness::of(&lookup.for_instant_reader());
            match (lookup.value(), freshness) {
                (Some(held), Some(freshness)) if Some(held.install) == answer => {
                    frozen.push(Frozen::new(held, freshness));
                }
                // Nothing is taken from an older version to fill a gap.
                _ => {
                    let gone = "the value is not held any more";
                    let gone = || BackendError::new(ErrorKind::Unavailable, gone);
                    return Err((place, why.unwrap_or_else(gone)));
                }
            }
        }
        Ok(frozen)
    }
}
