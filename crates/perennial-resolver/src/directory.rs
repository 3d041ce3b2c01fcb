//! Which calls are under way, found by what they bring.

use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use perennial_backend::{Error, Fetched};

use crate::flight::{Flight, Landing};
use crate::resource::Resource;

/// What a call of a backend came to.
pub(crate) type Outcome = Result<Fetched, CallError>;

/// Why a call brought nothing.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The backend, or the driver for it, says why.
    Failed(Error),
    /// The driver went away before there was a result.
    Lost,
}

/// The calls that are under way, one for each resource at the most.
///
/// No guard of the map leaves a method of this type, so none can be held over an await.
#[derive(Default)]
pub(crate) struct Directory {
    flights: DashMap<Resource, Arc<Flight<Outcome>>>,
}

impl Directory {
    /// Joins the call that is under way, or starts one, for which whoever gets the landing has to
    /// care.
    pub(crate) fn join_or_start(
        &self,
        resource: &Resource,
    ) -> (Arc<Flight<Outcome>>, Option<Landing<Outcome>>) {
        match self.flights.entry(resource.clone()) {
            Entry::Occupied(under_way) => (Arc::clone(under_way.get()), None),
            Entry::Vacant(free) => {
                let (flight, landing) = Flight::start(|| Err(CallError::Lost));
                free.insert(Arc::clone(&flight));
                (flight, Some(landing))
            }
        }
    }

    /// Ends a call: who asks from now on starts another one.
    pub(crate) fn end(&self, resource: &Resource, landing: Landing<Outcome>, outcome: Outcome) {
        let landed = landing.flight();
        self.flights
            .remove_if(resource, |_, flight| Arc::ptr_eq(flight, landed));
        landing.land(outcome);
    }

    /// Forgets every call; those who wait for one still get its result.
    pub(crate) fn clear(&self) {
        self.flights.clear();
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("flights", &self.flights.len())
            .finish()
    }
}
