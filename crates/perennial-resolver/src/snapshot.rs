//! Values of several references that belong together.

use std::fmt;

use perennial_backend::{Secret, Version};

use crate::cell::Held;
use crate::error::Error;
use crate::value::{Freshness, Value};

/// A value as it was when the snapshot was taken.
#[derive(Clone)]
pub(crate) struct Frozen {
    secret: Secret,
    version: Option<Version>,
    freshness: Freshness,
}

impl Frozen {
    pub(crate) fn new(held: &Held, freshness: Freshness) -> Self {
        Self {
            secret: held.secret.clone(),
            version: held.version.clone(),
            freshness,
        }
    }

    fn into_value(self) -> Value {
        Value::new(self.secret, self.version, self.freshness)
    }
}

/// Values by name, those of one secret all from one version of it.
#[derive(Clone)]
pub struct Snapshot {
    values: Vec<(Box<str>, Value)>,
}

impl Snapshot {
    pub(crate) fn new(names: Vec<Box<str>>, frozen: Vec<Frozen>) -> Self {
        let values = frozen.into_iter().map(Frozen::into_value);
        Self {
            values: names.into_iter().zip(values).collect(),
        }
    }

    /// Returns the secret of this name.
    ///
    /// # Errors
    /// [`InvalidReference`](crate::ErrorKind::InvalidReference) if nothing of this name was asked
    /// for.
    pub fn get(&self, name: &str) -> Result<&Secret, Error> {
        self.value(name)
            .map(Value::secret)
            .ok_or_else(|| Error::unnamed(name))
    }

    /// Returns the value of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(known, _)| **known == *name)
            .map(|(_, value)| value)
    }

    /// Returns all values in the order in which they were asked for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (&**name, value))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
