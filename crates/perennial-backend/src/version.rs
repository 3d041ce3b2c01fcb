//! Which version of a secret is asked for, and which one came.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use perennial_clock::UnixTime;

/// Which version of a secret is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Selector {
    /// The one in force.
    #[default]
    Current,
    /// The one that was in force before.
    Previous,
    /// The one that is made ready but not yet in force.
    Pending,
    /// The one with this number, where the provider counts its versions.
    Number(u64),
    /// The one with this provider-given id.
    Id(Box<str>),
    /// The one that carries this label.
    Stage(Box<str>),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::Previous => f.write_str("previous"),
            Self::Pending => f.write_str("pending"),
            Self::Number(number) => write!(f, "number {number}"),
            Self::Id(id) => write!(f, "id {id}"),
            Self::Stage(label) => write!(f, "stage {label}"),
        }
    }
}

/// Which version of a secret came.
///
/// The id is the provider's own and opaque; two versions of one secret are the same version, and
/// equal, if and only if their ids are, whatever labels they carry. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Version {
    id: Arc<str>,
    stage: Option<Arc<str>>,
    created_at: Option<UnixTime>,
}

impl Version {
    /// Makes a version from the provider's id.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            stage: None,
            created_at: None,
        }
    }

    /// Adds the label under which it was found, such as `AWSCURRENT`.
    #[must_use]
    pub fn with_stage(mut self, stage: impl Into<Arc<str>>) -> Self {
        self.stage = Some(stage.into());
        self
    }

    /// Adds when the provider says it was made.
    #[must_use]
    pub fn with_created_at(mut self, at: UnixTime) -> Self {
        self.created_at = Some(at);
        self
    }

    /// Returns the provider's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the label under which it was found.
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        self.stage.as_deref()
    }

    /// Returns when the provider says it was made.
    #[must_use]
    pub fn created_at(&self) -> Option<UnixTime> {
        self.created_at
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_moves_makes_no_other_version() {
        let current = Version::new("a1").with_stage("CURRENT");
        let previous = Version::new("a1")
            .with_stage("PREVIOUS")
            .with_created_at(UnixTime::EPOCH);
        assert_eq!(current, previous);
        assert_ne!(current, Version::new("b2").with_stage("CURRENT"));
    }
}
