//! Which views are held, found by their canonical text.

use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;

use crate::cell::Cell;

/// The cells of all references that were ever asked for and not forgotten.
///
/// No guard of the map leaves a method of this type, so none can be held over an await.
#[derive(Default)]
pub(crate) struct Directory {
    cells: DashMap<Box<str>, Arc<Cell>>,
}

impl Directory {
    pub(crate) fn find(&self, canonical: &str) -> Option<Arc<Cell>> {
        self.cells.get(canonical).map(|cell| Arc::clone(&cell))
    }

    /// Adds a cell, unless there is one for the same reference; returns the one that is there now.
    pub(crate) fn find_or_add(&self, cell: Arc<Cell>) -> Arc<Cell> {
        let canonical = cell.reference().as_str().into();
        Arc::clone(&self.cells.entry(canonical).or_insert(cell))
    }

    /// Takes a cell out, if it is still the one for its reference.
    pub(crate) fn forget(&self, cell: &Arc<Cell>) {
        self.cells
            .remove_if(cell.reference().as_str(), |_, held| Arc::ptr_eq(held, cell));
    }

    /// Returns the cells of one vault, or of all.
    pub(crate) fn cells(&self, vault: Option<&str>) -> Vec<Arc<Cell>> {
        self.cells
            .iter()
            .filter(|cell| vault.is_none_or(|name| cell.reference().vault() == name))
            .map(|cell| Arc::clone(&cell))
            .collect()
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("cells", &self.cells.len())
            .finish()
    }
}
