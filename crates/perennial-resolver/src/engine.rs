//! Decides: what is fetched and when, what is installed, who is told. Nothing here does any of it,
//! knows tokio, or reads a clock.
//!
//! Order of use: [`Engine::handle`] with whatever happened, as much of it as there is; do what
//! [`Engine::poll`] returns; then sleep until [`Engine::poll_timeout`], at which [`Event::Timeout`]
//! is due. A timeout that comes too early or twice is harmless.

mod calls;
mod installs;
mod queue;
mod room;
mod vaults;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Error as BackendError, Fetched, Hint, Request};
use perennial_cache::FailureClass;
use perennial_clock::Moment;
use perennial_rotation::{Jitter, Schedule};

use crate::cell::Cell;
use crate::events::Happening;
use crate::flight::Landing;
use crate::random::Random;
use crate::resource::Resource;
use crate::snapshot::Frozen;
use crate::vault::Vault;

use queue::VaultState;

/// What happened.
pub(crate) enum Event {
    /// A reader wants a value that is not there, or no longer fresh.
    Wanted { cell: Arc<Cell>, waiting: bool },
    /// Somebody asks for a fetch that begins from now on.
    Refresh {
        cell: Arc<Cell>,
        landing: Landing<RefreshOutcome>,
    },
    /// Somebody asks for values of one version each.
    Snapshot {
        cells: Vec<Arc<Cell>>,
        landing: Landing<Result<Vec<Frozen>, (usize, BackendError)>>,
    },
    /// A call has ended.
    CallEnded {
        call: u64,
        answers: Vec<Result<Fetched, BackendError>>,
        upkeep_due: Option<Moment>,
    },
    /// A store says that something changed.
    Hinted { vault: u64, hint: Hint },
    /// The upkeep of a login has ended.
    UpkeepEnded {
        vault: u64,
        upkeep_due: Option<Moment>,
        failed: Option<BackendError>,
    },
    /// Another vault has taken the place of this one, for these cells.
    Replaced {
        old: u64,
        cells: Vec<Arc<Cell>>,
        gone: Vec<Arc<Cell>>,
    },
    /// A vault is gone.
    Removed { vault: u64, keep: bool },
    /// A deadline has come.
    Timeout,
}

/// What a forced refresh came to.
pub(crate) type RefreshOutcome = Result<(), Option<BackendError>>;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// Call a backend; `CallEnded` tells what came of it.
    Call {
        call: u64,
        vault: Arc<Vault>,
        requests: Vec<Request>,
    },
    /// Keep the login of a backend alive; `UpkeepEnded` tells what came of it.
    Upkeep { vault: Arc<Vault> },
    /// Listen to the changes of a store from now on.
    Listen { vault: Arc<Vault> },
    /// Listen to the changes of a store no more.
    Unlisten { vault: u64 },
    /// Say to a store that listens whether a resource is held.
    Watch {
        vault: Arc<Vault>,
        name: Arc<str>,
        held: bool,
    },
    /// Tell those who listen to the resolver.
    Tell(Happening),
    /// Take a cell out of the directory.
    Forget(Arc<Cell>),
}

/// Bounds on what is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long an unread value is refreshed; `None` is the larger of an hour and ten ttls.
    pub(crate) idle: Option<Duration>,
    /// How many views are held before those that nobody reads are forgotten.
    pub(crate) capacity: usize,
}

/// The state of everything that is held, for one resolver.
pub(crate) struct Engine {
    limits: Limits,
    vaults: HashMap<u64, VaultState>,
    seats: Vec<Option<Seat>>,
    free: Vec<u32>,
    /// Resources by identity, under every name that their store gave them.
    index: HashMap<Resource, u32>,
    schedule: Schedule,
    calls: HashMap<u64, calls::Call>,
    next_call: u64,
    next_install: u64,
    /// Every cell once, in the order in which the second chance goes round.
    round: VecDeque<(Arc<Cell>, Moment)>,
    random: Random,
    actions: Vec<Action>,
}

/// One resource and its views.
struct Seat {
    resource: Resource,
    cells: Vec<Arc<Cell>>,
    standing: Standing,
    /// The last answer, for views that come later.
    last: Option<installs::Install>,
    /// The class of the last failures in a row, and how many there were.
    failures: (Option<FailureClass>, u32),
    /// Drawn once for each value.
    jitter: u16,
    /// Whether the store told of a change while a call was under way, which may have missed it.
    changed: bool,
    /// Who asked for a fetch that begins after the one under way.
    tickets: Vec<Landing<RefreshOutcome>>,
    /// Who asked for a fetch, and is served by the one under way.
    served: Vec<Landing<RefreshOutcome>>,
    /// When the store rotates it next.
    next_rotation: Option<Moment>,
    aliases: Vec<Resource>,
    /// What readers were last told of each cell's state.
    told: Vec<installs::Told>,
}

/// Whether a call for a resource is wanted, or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Resting,
    Queued { urgent: bool },
    Flying,
}

impl Engine {
    pub(crate) fn new(now: Moment, limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            vaults: HashMap::new(),
            seats: Vec::new(),
            free: Vec::new(),
            index: HashMap::new(),
            schedule: Schedule::new(now),
            calls: HashMap::new(),
            next_call: 0,
            next_install: 0,
            round: VecDeque::new(),
            random: Random::new(seed),
            actions: Vec::new(),
        }
    }

    /// Takes in what happened.
    pub(crate) fn handle(&mut self, now: Moment, event: Event) {
        match event {
            Event::Wanted { cell, waiting } => self.wanted(now, &cell, waiting),
            Event::Refresh { cell, landing } => self.refresh(now, &cell, landing),
            Event::Snapshot { cells, landing } => landing.land(self.freeze(now, &cells)),
            Event::CallEnded {
                call,
                answers,
                upkeep_due,
            } => {
                self.call_ended(now, call, answers, upkeep_due);
            }
            Event::Hinted { vault, hint } => self.hinted(vault, &hint),
            Event::UpkeepEnded {
                vault,
                upkeep_due,
                failed,
            } => {
                self.upkeep_ended(now, vault, upkeep_due, failed);
            }
            Event::Replaced { old, cells, gone } => {
                self.gone(&gone);
                self.replaced(now, old, cells);
            }
            Event::Removed { vault, keep } => self.removed(vault, keep),
            Event::Timeout => self.timeout(now),
        }
    }

    /// Returns what is to be done now. Secrets that were asked for since this was called the last
    /// time share calls where their store allows it.
    pub(crate) fn poll(&mut self, now: Moment) -> Vec<Action> {
        self.start_calls(now);
        std::mem::take(&mut self.actions)
    }

    /// Returns when the next timeout is due.
    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        let vaults = self.vaults.values().filter_map(VaultState::poll_timeout);
        vaults.chain(self.schedule.poll_timeout()).min()
    }

    fn wanted(&mut self, now: Moment, cell: &Arc<Cell>, waiting: bool) {
        if cell.is_removed() {
            return cell.end_turn();
        }
        let index = self.seat_of(now, cell);
        let wants = cell
            .facts()
            .lookup(now, &cell.binding().policy)
            .wants_fetch(now);
        if wants {
            self.enqueue(index, waiting);
        } else {
            cell.end_turn();
        }
        self.reschedule(now, index);
        self.make_room();
    }

    fn refresh(&mut self, now: Moment, cell: &Arc<Cell>, landing: Landing<RefreshOutcome>) {
        if cell.is_removed() {
            return landing.land(Err(None));
        }
        let index = self.seat_of(now, cell);
        if let Some(Some(seat)) = self.seats.get_mut(index as usize) {
            seat.tickets.push(landing);
        }
        self.enqueue(index, true);
    }

    fn timeout(&mut self, now: Moment) {
        while let Some(index) = self.schedule.poll(now) {
            if self.is_due(now, index) {
                self.enqueue(index, false);
            }
            self.note_transitions(now, index);
            self.reschedule(now, index);
        }
        self.vault_timeouts(now);
    }

    fn hinted(&mut self, vault: u64, hint: &Hint) {
        let touched: Vec<u32> = (0..)
            .zip(&self.seats)
            .filter_map(|(index, seat)| Some((index, seat.as_ref()?)))
            .filter(|(_, seat)| seat.resource.vault == vault)
            .filter(|(_, seat)| {
                let mut names = std::iter::once(&seat.resource).chain(&seat.aliases);
                names.any(|resource| concerns(hint, &resource.name))
            })
            .map(|(index, _)| index)
            .collect();
        for index in touched {
            match self.seats.get_mut(index as usize) {
                Some(Some(seat)) if seat.standing == Standing::Flying => seat.changed = true,
                _ => self.enqueue(index, false),
            }
        }
    }

    /// Returns the jitter of one value.
    fn draw_jitter(&mut self) -> u16 {
        (self.random.next() >> 48) as u16
    }

    fn jitter(&mut self) -> Jitter {
        Jitter::new(self.random.next())
    }
}

fn concerns(hint: &Hint, name: &str) -> bool {
    match hint {
        Hint::Resource(changed) => **changed == *name,
        Hint::Prefix(prefix) => name.starts_with(&**prefix),
        _ => true,
    }
}
