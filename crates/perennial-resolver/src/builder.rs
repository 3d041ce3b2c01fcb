//! How a resolver is made, and which vaults it may have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{
    Backends, ContextKey, Error as BackendError, ErrorKind, Operation, Runtime, VaultSpec,
};
use perennial_reference::VaultName;

use crate::administration::Vaults;
use crate::driver::{self, Place};
use crate::engine::Limits;
use crate::pulse::Pulse;
use crate::resolver::Resolver;
use crate::vault::Vault;

/// Makes a [`Resolver`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    backends: Backends,
    specs: Vec<VaultSpec>,
    runtime: Option<Arc<dyn Runtime>>,
    limits: Limits,
    place: Place,
    tick: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        let limits = Limits {
            idle: None,
            capacity: 100_000,
        };
        Self {
            backends: Backends::new(),
            specs: Vec::new(),
            runtime: None,
            limits,
            place: Place::Thread,
            tick: Pulse::TICK,
        }
    }
}

impl Builder {
    /// Says which backend types there are. Each of them has a default vault of its own name.
    pub fn backends(mut self, backends: Backends) -> Self {
        self.backends = backends;
        self
    }

    /// Adds vaults. The description of a default vault takes the place of the one that is there
    /// without any.
    pub fn vaults(mut self, specs: impl IntoIterator<Item = VaultSpec>) -> Self {
        self.specs.extend(specs);
        self
    }

    /// Adds one vault.
    pub fn vault(self, spec: VaultSpec) -> Self {
        self.vaults([spec])
    }

    /// Says how long a value that nobody reads, and no handle keeps, is still refreshed. Unless it
    /// is said: an hour, or ten times its ttl if that is longer.
    pub fn idle(mut self, span: Duration) -> Self {
        self.limits.idle = Some(span);
        self
    }

    /// Says how many references are held before those that were not read for longest are
    /// forgotten; those that a handle keeps never are. Unless it is said: 100,000.
    pub fn capacity(mut self, references: usize) -> Self {
        self.limits.capacity = references.max(1);
        self
    }

    /// Lends the resolver and its backends another clock, sleep and chance than the system's, for
    /// tests.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Says how often the time is published to those who read without asking for it. Unless it is
    /// said: every 100 ms. No shorter than a millisecond, and on the system's clock no longer than
    /// a second: a value may be served for as long as that after it has ended.
    pub fn tick(mut self, span: Duration) -> Self {
        self.tick = span.max(Duration::from_millis(1));
        self
    }

    /// Runs as a task of the tokio runtime on which [`build`](Self::build) is called, and not on a
    /// thread of its own: for tests, which want everything on one thread.
    pub fn on_current_runtime(mut self) -> Self {
        self.place = Place::CurrentRuntime;
        self
    }

    /// Makes the resolver and starts its thread. No backend is made and nothing is fetched yet:
    /// what is wrong with one vault is reported by those who use it.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig) if two vaults have one name, a named vault has
    /// the name of a backend type, or nobody knows a vault's backend;
    /// [`Unexpected`](ErrorKind::Unexpected) if the system gives no thread.
    pub fn build(self) -> Result<Resolver, BackendError> {
        let Self {
            backends,
            specs,
            runtime,
            limits,
            place,
            tick,
        } = self;
        let mut vaults = BTreeMap::new();
        let mut number = 0;
        let mut take = |spec, backends| {
            number += 1;
            Arc::new(Vault::new(number, spec, backends))
        };
        for spec in specs {
            check_name(&spec, &backends)?;
            let name = spec.name().clone();
            if vaults.insert(name.clone(), take(spec, &backends)).is_some() {
                return Err(invalid(&name, format!("there are two vaults `{name}`"))
                    .with_help("give each vault a prefix of its own"));
            }
        }
        for name in backends.names() {
            let spec = VaultSpec::default_of(name)?;
            if !vaults.contains_key(spec.name()) {
                vaults.insert(spec.name().clone(), take(spec, &backends));
            }
        }
        // A simulated clock may tick as it likes: it moves when it is told to.
        let tick = if runtime.is_some() {
            tick
        } else {
            tick.min(LONGEST_TICK)
        };
        let runtime = runtime.unwrap_or_else(driver::system_runtime);
        Resolver::start(
            Vaults::new(backends, vaults, number),
            runtime,
            limits,
            place,
            tick,
        )
        .map_err(|error| {
            BackendError::new(
                ErrorKind::Unexpected,
                format!("no thread for the resolver: {}", error.kind()),
            )
            .with_operation(Operation::Build)
        })
    }
}

/// Checks that a vault may have its name, and that somebody knows its backend.
pub(crate) fn check_name(spec: &VaultSpec, backends: &Backends) -> Result<(), BackendError> {
    let name = spec.name();
    if !spec.is_default() && backends.knows(name.as_str()) {
        let message =
            format!("`{name}` is the name of a backend type, so no vault can be named so");
        return Err(invalid(name, message).with_help(format!(
            "choose another name, such as `{name}-main`, or configure the default vault of `{name}`"
        )));
    }
    if !backends.knows(spec.backend()) {
        backends
            .get(spec.backend())
            .map_err(|error| error.with_context(ContextKey::Vault, name.as_str()))?;
    }
    Ok(())
}

fn invalid(name: &VaultName, message: String) -> BackendError {
    BackendError::new(ErrorKind::InvalidConfig, message)
        .with_operation(Operation::Build)
        .with_context(ContextKey::Vault, name.as_str())
}

/// So that waking from suspend is noticed.
const LONGEST_TICK: Duration = Duration::from_secs(1);
