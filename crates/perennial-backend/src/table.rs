//! Which backend types there are, and how each is made from settings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Backend, ContextKey, Error, ErrorKind, Operation, SettingMap, Settings};

/// One backend type: its settings, and how it is made from them.
#[derive(Clone)]
pub struct BackendType {
    settings: &'static Settings,
    build: Arc<Build>,
}

type Build = dyn Fn(&SettingMap) -> Result<Arc<dyn Backend>, Error> + Send + Sync;

impl BackendType {
    /// Makes a row of the table.
    ///
    /// `build` may be called again with the same settings, to replace a backend whose client has
    /// died. It neither blocks nor speaks to the store; what needs that happens on first use.
    #[must_use]
    pub fn new(
        settings: &'static Settings,
        build: impl Fn(&SettingMap) -> Result<Arc<dyn Backend>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            settings,
            build: Arc::new(build),
        }
    }

    /// Returns the name of the type, such as `aws`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.settings.backend()
    }

    /// Returns the description of its settings.
    #[must_use]
    pub fn settings(&self) -> &'static Settings {
        self.settings
    }

    /// Makes a backend.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if the settings are wrong or incomplete.
    pub fn build(&self, settings: &SettingMap) -> Result<Arc<dyn Backend>, Error> {
        self.settings.check(settings)?;
        (self.build)(settings)
    }
}

impl fmt::Debug for BackendType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendType")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// Why a known backend type is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// It is planned.
    Planned,
    /// It was left out of this build; this feature brings it.
    Feature(&'static str),
}

/// The backend types that a resolver knows.
#[derive(Clone, Debug, Default)]
pub struct Backends {
    present: BTreeMap<&'static str, BackendType>,
    absent: BTreeMap<&'static str, Absence>,
}

impl Backends {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, row: BackendType) -> Self {
        self.absent.remove(row.name());
        self.present.insert(row.name(), row);
        self
    }

    /// Adds the name of a type that is known but not there, unless it is there.
    #[must_use]
    pub fn with_absent(mut self, name: &'static str, why: Absence) -> Self {
        if !self.present.contains_key(name) {
            self.absent.insert(name, why);
        }
        self
    }

    /// Returns the type with this name.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is known but not there, saying why;
    /// [`ErrorKind::InvalidConfig`] if nobody knows it.
    pub fn get(&self, name: &str) -> Result<&BackendType, Error> {
        if let Some(row) = self.present.get(name) {
            return Ok(row);
        }
        let present: Vec<_> = self.present.keys().copied().collect();
        let error = match self.absent.get(name) {
            Some(Absence::Planned) => Error::new(
                ErrorKind::Unsupported,
                format!("backend `{name}` is not available yet"),
            )
            .with_help(format!("available: {}", present.join(", "))),
            Some(Absence::Feature(feature)) => Error::new(
                ErrorKind::Unsupported,
                format!("backend `{name}` was not compiled into this program"),
            )
            .with_help(format!(
                "enable the feature `{feature}` of the crate `perennial`"
            )),
            None => Error::new(
                ErrorKind::InvalidConfig,
                format!("there is no backend `{name}`"),
            )
            .with_help(match crate::settings::nearest(name, self.names()) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("available: {}", present.join(", ")),
            }),
        };
        Err(error
            .with_operation(Operation::Build)
            .with_context(ContextKey::Backend, name))
    }

    /// Returns whether this is the name of a type, there or not.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.present.contains_key(name) || self.absent.contains_key(name)
    }

    /// Returns the types that are there, by name.
    pub fn present(&self) -> impl Iterator<Item = &BackendType> {
        self.present.values()
    }

    /// Returns the names of types that are known but not there, and why.
    pub fn absent(&self) -> impl Iterator<Item = (&'static str, Absence)> {
        self.absent.iter().map(|(name, why)| (*name, *why))
    }

    /// Returns every known name.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.present.keys().chain(self.absent.keys()).copied()
    }
}
