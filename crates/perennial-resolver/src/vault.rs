//! A vault as the resolver holds it: its description, checked, and its backend, made on first use.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use perennial_backend::settings::unknown_field;
use perennial_backend::{
    Backend, BackendType, Backends, Common, ContextKey, Error, ErrorKind, Field, FieldClass,
    Moment, Runtime, SettingMap, VaultSpec,
};
use perennial_cache::{Policy, Reaction};
use perennial_reference::Options;

use crate::runtime::Share;

/// One configured vault.
#[derive(Debug)]
pub(crate) struct Vault {
    number: u64,
    spec: VaultSpec,
    backend_type: Result<BackendType, Error>,
    backend: OnceLock<Result<Arc<dyn Backend>, Error>>,
    /// How much blocking work of this vault runs.
    blocking: Arc<AtomicUsize>,
}

impl Vault {
    /// Takes in a description. The number is the vault's alone, also among those that had its name
    /// before.
    pub(crate) fn new(number: u64, spec: VaultSpec, backends: &Backends) -> Self {
        let backend_type = backends.get(spec.backend()).cloned();
        Self {
            number,
            spec,
            backend_type,
            backend: OnceLock::new(),
            blocking: Arc::default(),
        }
    }

    /// Returns what the backend may use of the driver's runtime.
    pub(crate) fn lend(&self, runtime: &Arc<dyn Runtime>) -> Arc<dyn Runtime> {
        Share::of(runtime, &self.blocking)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn spec(&self) -> &VaultSpec {
        &self.spec
    }

    /// Returns the fields of the backend, none while its type is not there.
    pub(crate) fn fields(&self) -> &'static [Field] {
        self.backend_type
            .as_ref()
            .map_or(&[], |row| row.settings().fields())
    }

    /// Returns the backend, made now if it has not been needed before.
    pub(crate) fn backend(&self) -> Result<&Arc<dyn Backend>, Error> {
        let made = self.backend.get_or_init(|| self.build());
        made.as_ref().map_err(Clone::clone)
    }

    /// Returns the backend if it has been needed before.
    pub(crate) fn built_backend(&self) -> Option<&Arc<dyn Backend>> {
        self.backend.get()?.as_ref().ok()
    }

    /// Returns how many secrets one call may ask for.
    pub(crate) fn max_batch(&self) -> usize {
        let ask = || self.built_backend().map(|it| it.capabilities().max_batch());
        let answer = catch_unwind(AssertUnwindSafe(ask));
        answer.ok().flatten().unwrap_or(1).max(1)
    }

    /// Returns when the login of the backend has to be kept alive next, if it has one.
    pub(crate) fn upkeep_due(&self) -> Option<Moment> {
        let ask = || self.built_backend()?.facets().upkeep()?.due();
        catch_unwind(AssertUnwindSafe(ask)).ok().flatten()
    }

    /// Tells a backend that listens whether a resource is held.
    pub(crate) fn watch(&self, name: &str, held: bool) {
        let tell = || {
            let changes = self.built_backend()?.facets().changes()?;
            if held {
                changes.watch(name);
            } else {
                changes.unwatch(name);
            }
            Some(())
        };
        // What it would have told of is found out when ttl ends.
        let _ = catch_unwind(AssertUnwindSafe(tell));
    }

    /// Returns what is wrong with the description, without making the backend.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let row = self
            .backend_type
            .as_ref()
            .map_err(|error| self.blame(error.clone()))?;
        if let Some(problem) = self.spec.problem() {
            return Err(self.blame(problem.clone()));
        }
        let own = self.own_settings();
        for (name, setting) in self.spec.settings().iter() {
            let field = row.settings().field(name).or_else(|| Common::field(name));
            let Some(field) = field else {
                let known = row.settings().fields().iter().chain(Common::FIELDS);
                return Err(self.blame(unknown_field(name, known.map(Field::name))));
            };
            field.check(setting.text()).map_err(|error| {
                self.blame(error.with_help(format!("set by {}", setting.origin())))
            })?;
        }
        if let Some(field) = self
            .fields()
            .iter()
            .find(|field| field.is_required() && own.text(field).is_none())
        {
            let example = field
                .example()
                .map(|value| format!(", for example to `{value}`"));
            let variable = self.spec.variable(field.name());
            return Err(self.blame(
                Error::new(
                    ErrorKind::InvalidConfig,
                    format!(
                        "vault `{}` needs the setting `{}`",
                        self.spec.name(),
                        field.name()
                    ),
                )
                .with_context(ContextKey::Field, field.name())
                .with_context(ContextKey::Variable, &*variable)
                .with_help(format!("set {variable}{}", example.unwrap_or_default())),
            ));
        }
        self.check_allowed(row)
    }

    /// Returns whether a reference may set this field of the backend.
    pub(crate) fn allows(&self, field: &Field) -> bool {
        let mut allowed = self.spec.settings().list(&Common::ALLOW_OPTIONS);
        field.class() == FieldClass::Plain && allowed.any(|name| field.is_called(name))
    }

    /// Returns the policy of a reference that sets these options.
    pub(crate) fn policy(&self, options: &Options<'_>) -> Policy {
        let settings = self.spec.settings();
        let set = |field: &Field| {
            settings
                .setting(field)
                .and_then(|_| settings.duration(field))
        };
        let reaction = |field: &Field| match settings.text(field) {
            Some("drop") => Reaction::Drop,
            _ => Reaction::Keep,
        };
        Policy::default()
            .with_ttl(options.ttl().or_else(|| set(&Common::TTL)))
            .with_neg_ttl(options.neg_ttl().or_else(|| set(&Common::NEG_TTL)))
            .with_resurrect_ttl(
                options
                    .resurrect_ttl()
                    .or_else(|| set(&Common::RESURRECT_TTL)),
            )
            .with_refresh_ahead(
                options
                    .refresh_ahead()
                    .or_else(|| set(&Common::REFRESH_AHEAD)),
            )
            .with_min_ttl(set(&Common::MIN_TTL))
            .with_max_ttl(set(&Common::MAX_TTL))
            .with_on_missing(reaction(&Common::ON_MISSING))
            .with_on_denied(reaction(&Common::ON_DENIED))
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.spec
            .settings()
            .duration(&Common::TIMEOUT)
            .unwrap_or(DEFAULT_TIMEOUT)
    }

    pub(crate) fn base64_decode(&self) -> bool {
        self.spec
            .settings()
            .boolean(&Common::BASE64_DECODE)
            .unwrap_or(false)
    }

    fn build(&self) -> Result<Arc<dyn Backend>, Error> {
        self.check()?;
        let row = self.backend_type.as_ref().map_err(Clone::clone)?;
        let built = catch_unwind(AssertUnwindSafe(|| row.build(&self.own_settings())));
        built
            .unwrap_or_else(|_| Err(panicked()))
            .map_err(|error| self.blame(error))
    }

    /// Returns the settings that are the backend's own and not common to all vaults.
    fn own_settings(&self) -> SettingMap {
        let mut own = SettingMap::new();
        for (name, setting) in self.spec.settings().iter() {
            if self.fields().iter().any(|field| field.is_called(name)) {
                own.insert(name, setting.clone());
            }
        }
        own
    }

    fn check_allowed(&self, row: &BackendType) -> Result<(), Error> {
        for name in self.spec.settings().list(&Common::ALLOW_OPTIONS) {
            let message = match row.settings().field(name) {
                Some(field) if field.class() == FieldClass::Plain => continue,
                Some(_) => format!("`allow_options` cannot let references set `{name}`"),
                None => format!("`allow_options` names `{name}`, which the backend has not"),
            };
            let plain = |field: &&Field| field.class() == FieldClass::Plain;
            let names: Vec<_> = self
                .fields()
                .iter()
                .filter(plain)
                .map(Field::name)
                .collect();
            let help = match names.as_slice() {
                [] => "this backend has no field that references may set".to_owned(),
                names => format!("references may be allowed to set {}", names.join(", ")),
            };
            return Err(self.blame(
                Error::new(ErrorKind::InvalidConfig, message)
                    .with_context(ContextKey::Field, Common::ALLOW_OPTIONS.name())
                    .with_help(help),
            ));
        }
        Ok(())
    }

    fn blame(&self, error: Error) -> Error {
        error.with_context(ContextKey::Vault, self.spec.name().as_str())
    }
}

/// What a panic of a backend is to those who asked it.
pub(crate) fn panicked() -> Error {
    Error::new(ErrorKind::Unexpected, "the backend panicked")
        .with_help("this is a defect of the backend: please report it")
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
