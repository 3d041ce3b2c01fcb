//! What users hold: from references to values.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use perennial_backend::settings::nearest;
use perennial_backend::{
    Backends, ContextKey, Error as BackendError, ErrorKind as BackendErrorKind, Operation, Runtime,
    VaultSpec,
};
use perennial_reference::{Ref, Reference, VaultName};

use crate::bind::bind;
use crate::directory::{CallError, Directory, Outcome};
use crate::driver::{Driver, Job};
use crate::error::{Error, ErrorKind};
use crate::explain::{Explanation, explain};
use crate::flight::{Flight, Passenger};
use crate::resource::{Resource, View};
use crate::select::select;
use crate::value::Value;
use crate::vault::Vault;

/// Resolves references. Clones share everything.
///
/// It owns one thread, on which all backends run; that thread ends with the last clone. A call that
/// is under way is shared by all who ask for any part of what it brings, and goes on when those who
/// asked go away.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    backends: Backends,
    vaults: BTreeMap<VaultName, Vault>,
    directory: Arc<Directory>,
    driver: Driver,
}

impl Resolver {
    /// Begins to make a resolver.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Resolves one reference.
    ///
    /// # Errors
    /// Fails if the text is no reference, if it means nothing to its vault, or if the store does
    /// not give the value; see [`Error::kind`].
    pub async fn get(&self, reference: impl AsRef<str>) -> Result<Value, Error> {
        let mut calls = Calls::default();
        self.start(reference.as_ref(), &mut calls)?.value().await
    }

    /// Resolves several references, all at the same time, and returns the results in the order of
    /// the references. Those that look at the same secret share one call and one version.
    pub async fn get_many<R: AsRef<str>>(
        &self,
        references: impl IntoIterator<Item = R>,
    ) -> Vec<Result<Value, Error>> {
        let mut calls = Calls::default();
        let started: Vec<_> = references
            .into_iter()
            .map(|reference| self.start(reference.as_ref(), &mut calls))
            .collect();
        let mut values = Vec::with_capacity(started.len());
        for pending in started {
            values.push(match pending {
                Ok(pending) => pending.value().await,
                Err(error) => Err(error),
            });
        }
        values
    }

    /// Explains a reference: its parts, what each means to its vault, and where each setting came
    /// from. Nothing is fetched.
    ///
    /// # Errors
    /// Fails if the text is no reference. Whatever else is wrong with it is in the explanation.
    pub fn explain(&self, reference: impl AsRef<str>) -> Result<Explanation, Error> {
        let text = reference.as_ref();
        let reference = Reference::parse(text).map_err(|cause| Error::parse(text, cause))?;
        let found = self.vault(reference.parts());
        Ok(explain(&reference, found))
    }

    /// Returns the descriptions of all vaults, by name.
    pub fn vaults(&self) -> impl Iterator<Item = &VaultSpec> {
        self.shared.vaults.values().map(Vault::spec)
    }

    /// Returns the table of backend types.
    #[must_use]
    pub fn backends(&self) -> &Backends {
        &self.shared.backends
    }

    /// Finds out what brings a reference, and joins or starts the call that does.
    ///
    /// `calls` are those that were joined or started for the same question: what looks at one
    /// secret shares one call even if that has ended in between.
    pub(crate) fn start(&self, text: &str, calls: &mut Calls) -> Result<Pending, Error> {
        let reference = Ref::parse(text).map_err(|cause| Error::parse(text, cause))?;
        let (name, vault) = self
            .vault(&reference)
            .map_err(|cause| Error::of_kind(ErrorKind::UnknownVault, text, cause))?;
        let bound = bind(&reference, name, vault);
        let (resource, view) = bound.map_err(|cause| Error::backend(text, cause))?;
        let flight = match calls.get(&resource) {
            Some(flight) => Arc::clone(flight),
            None => {
                let flight = self.fly(&resource, vault);
                calls.insert(resource.clone(), Arc::clone(&flight));
                flight
            }
        };
        Ok(Pending {
            reference: text.into(),
            resource,
            view,
            passenger: flight.join(),
        })
    }

    fn vault(&self, reference: &Ref<'_>) -> Result<(&VaultName, &Vault), BackendError> {
        let wanted = reference.vault();
        self.shared.vaults.get_key_value(wanted).ok_or_else(|| {
            let names = || self.shared.vaults.keys().map(VaultName::as_str);
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

    fn fly(&self, resource: &Resource, vault: &Vault) -> Arc<Flight<Outcome>> {
        let (flight, landing) = self.shared.directory.join_or_start(resource);
        if let (Some(landing), Some(backend)) = (landing, vault.built_backend()) {
            self.shared.driver.submit(Job {
                resource: resource.clone(),
                backend: Arc::clone(backend),
                timeout: vault.timeout(),
                landing,
            });
        }
        flight
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("vaults", &self.shared.vaults.keys())
            .field("directory", &self.shared.directory)
            .finish_non_exhaustive()
    }
}

/// The calls that bring the answer to one question.
pub(crate) type Calls = HashMap<Resource, Arc<Flight<Outcome>>>;

/// A value that is on its way.
pub(crate) struct Pending {
    reference: Box<str>,
    resource: Resource,
    view: View,
    passenger: Passenger<Outcome>,
}

impl Pending {
    pub(crate) async fn value(self) -> Result<Value, Error> {
        let outcome = self.passenger.await;
        let fetched = match &*outcome {
            Ok(fetched) => fetched,
            Err(CallError::Failed(cause)) => {
                return Err(Error::backend(&self.reference, cause.clone()));
            }
            Err(CallError::Lost) => {
                let cause =
                    BackendError::new(BackendErrorKind::Unavailable, "the resolver is shut down");
                return Err(Error::of_kind(ErrorKind::Closed, &self.reference, cause));
            }
        };
        let secret = select(fetched, &self.resource.name, &self.view).map_err(|cause| {
            let vault = self.resource.vault.as_str();
            Error::backend(
                &self.reference,
                cause.with_context(ContextKey::Vault, vault),
            )
        })?;
        Ok(Value::new(secret, fetched.version().cloned()))
    }
}

/// Makes a [`Resolver`].
#[derive(Debug, Default)]
#[must_use]
pub struct Builder {
    backends: Backends,
    specs: Vec<VaultSpec>,
    runtime: Option<Arc<dyn Runtime>>,
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

    /// Lends backends another clock, sleep and chance than the system's, for tests.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Makes the resolver and starts its thread. No backend is made and nothing is fetched yet:
    /// what is wrong with one vault is reported by those who use it.
    ///
    /// # Errors
    /// [`InvalidConfig`](BackendErrorKind::InvalidConfig) if two vaults have one name, a named vault
    /// has the name of a backend type, or no backend of a vault's type is known;
    /// [`Unexpected`](BackendErrorKind::Unexpected) if the system gives no thread.
    pub fn build(self) -> Result<Resolver, BackendError> {
        let Self {
            backends,
            specs,
            runtime,
        } = self;
        let mut vaults = BTreeMap::new();
        for spec in specs {
            check_name(&spec, &backends)?;
            let name = spec.name().clone();
            if vaults
                .insert(name.clone(), Vault::new(spec, &backends))
                .is_some()
            {
                return Err(invalid(&name, format!("there are two vaults `{name}`"))
                    .with_help("give each vault a prefix of its own"));
            }
        }
        for name in backends.names() {
            let spec = VaultSpec::default_of(name)?;
            vaults
                .entry(spec.name().clone())
                .or_insert_with(|| Vault::new(spec, &backends));
        }
        let directory = Arc::new(Directory::default());
        let driver = Driver::start(Arc::clone(&directory), runtime).map_err(|error| {
            BackendError::new(
                BackendErrorKind::Unexpected,
                format!("no thread for the resolver: {}", error.kind()),
            )
            .with_operation(Operation::Build)
        })?;
        Ok(Resolver {
            shared: Arc::new(Shared {
                backends,
                vaults,
                directory,
                driver,
            }),
        })
    }
}

fn check_name(spec: &VaultSpec, backends: &Backends) -> Result<(), BackendError> {
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
    BackendError::new(BackendErrorKind::InvalidConfig, message)
        .with_operation(Operation::Build)
        .with_context(ContextKey::Vault, name.as_str())
}
