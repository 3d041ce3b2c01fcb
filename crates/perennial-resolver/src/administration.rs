//! Vaults that come and go while the resolver runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use perennial_backend::settings::nearest;
use perennial_backend::{
    Backends, ContextKey, Error as BackendError, ErrorKind as BackendErrorKind, VaultSpec,
};
use perennial_reference::VaultName;

use crate::bind::bind;
use crate::builder::check_name;
use crate::engine::Event;
use crate::resolver::Resolver;
use crate::vault::Vault;

/// What becomes of values when their vault is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// [`Handle::last`](crate::Handle::last) still gives them.
    Keep,
    /// They are forgotten.
    Purge,
}

impl Resolver {
    /// Adds a vault, or puts another one in the place of the one with its name. What was held of
    /// the old one stays readable until the new one has answered; other vaults are not touched.
    ///
    /// # Errors
    /// Fails if no vault can have that name, or nobody knows its backend.
    pub fn put_vault(&self, spec: VaultSpec) -> Result<(), BackendError> {
        let vaults = &self.inner.vaults;
        check_name(&spec, &vaults.backends)?;
        let mut number = vaults.number.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let name = spec.name().clone();
        let vault = Arc::new(Vault::new(*number, spec, &vaults.backends));
        let mut named = BTreeMap::clone(&vaults.named.load());
        let old = named.insert(name.clone(), Arc::clone(&vault));
        vaults.named.store(Arc::new(named));
        let Some(old) = old else { return Ok(()) };
        let (mut cells, mut gone) = (Vec::new(), Vec::new());
        for cell in self.inner.directory.cells(Some(name.as_str())) {
            match bind(cell.reference().parts(), &vault) {
                Ok(binding) => {
                    cell.rebind(binding);
                    cells.push(cell);
                }
                // What it means is no longer to be had; whoever asks again is told why.
                Err(_) => {
                    self.inner.directory.forget(&cell);
                    cell.mark_removed();
                    gone.push(cell);
                }
            }
        }
        self.inner.link.send(Event::Replaced {
            old: old.number(),
            cells,
            gone,
        });
        Ok(())
    }

    /// Removes a vault: handles of its secrets say that they are closed, and references to it are
    /// to an unknown vault. Returns whether there was one.
    pub fn remove_vault(&self, name: &str, removal: Removal) -> bool {
        let vaults = &self.inner.vaults;
        let _changing = vaults.number.lock().unwrap_or_else(PoisonError::into_inner);
        let mut named = BTreeMap::clone(&vaults.named.load());
        let Some(old) = named.remove(name) else {
            return false;
        };
        vaults.named.store(Arc::new(named));
        let keep = removal == Removal::Keep;
        // Marked first, so that nobody asks for them between the two.
        for cell in self.inner.directory.cells(Some(name)) {
            self.inner.directory.forget(&cell);
            cell.mark_removed();
        }
        let vault = old.number();
        self.inner.link.send(Event::Removed { vault, keep });
        true
    }

    /// Returns the descriptions of all vaults, by name.
    #[must_use]
    pub fn vaults(&self) -> Vec<VaultSpec> {
        self.inner
            .vaults
            .named
            .load()
            .values()
            .map(|vault| vault.spec().clone())
            .collect()
    }

    /// Returns the table of backend types.
    #[must_use]
    pub fn backends(&self) -> &Backends {
        &self.inner.vaults.backends
    }
}

/// The vaults that there are now.
pub(crate) struct Vaults {
    backends: Backends,
    named: ArcSwap<BTreeMap<VaultName, Arc<Vault>>>,
    /// The last number that a vault got; held while vaults are changed.
    number: Mutex<u64>,
}

impl Vaults {
    pub(crate) fn new(
        backends: Backends,
        named: BTreeMap<VaultName, Arc<Vault>>,
        number: u64,
    ) -> Self {
        Self {
            backends,
            named: ArcSwap::from_pointee(named),
            number: Mutex::new(number),
        }
    }

    /// Returns the vault of this name.
    pub(crate) fn find(&self, wanted: &str) -> Result<Arc<Vault>, BackendError> {
        let named = self.named.load();
        named.get(wanted).cloned().ok_or_else(|| {
            let names = || named.keys().map(VaultName::as_str);
            let mut help = format!("vaults: {}", names().collect::<Vec<_>>().join(", "));
            if let Some(candidate) = nearest(wanted, names()) {
                help = format!("did you mean `{candidate}`? {help}");
            }
            BackendError::new(
                BackendErrorKind::InvalidReference,
                format!("there is no vault `{wanted}`"),
            )
            .with_context(ContextKey::Vault, wanted)
            .with_help(help)
        })
    }

    /// Returns all vaults, by name.
    pub(crate) fn named(&self) -> Guard<Arc<BTreeMap<VaultName, Arc<Vault>>>> {
        self.named.load()
    }
}
