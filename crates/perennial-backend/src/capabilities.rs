//! What a backend can and cannot do.

use perennial_reference::VersionSpec;

use crate::{ContextKey, Error, ErrorKind, Selector};

/// What `#1`, `#2`, … mean to a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Numbering {
    /// Nothing: the provider does not count.
    #[default]
    None,
    /// Generations, as the original's references have it: `#1` is current, `#2` is previous.
    Generations,
    /// The provider's own version numbers.
    Provider,
}

/// What a backend declares about itself; it is the same for the backend's whole life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    previous: bool,
    pending: bool,
    numbering: Numbering,
    ids: bool,
    stages: bool,
    max_batch: usize,
    reads_have_effects: bool,
}

impl Capabilities {
    /// Declares a backend that knows the current version only, one secret per call, and whose reads
    /// change nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            previous: false,
            pending: false,
            numbering: Numbering::None,
            ids: false,
            stages: false,
            max_batch: 1,
            reads_have_effects: false,
        }
    }

    /// Declares that [`Selector::Previous`] is understood.
    #[must_use]
    pub const fn with_previous(mut self) -> Self {
        self.previous = true;
        self
    }

    /// Declares that [`Selector::Pending`] is understood.
    #[must_use]
    pub const fn with_pending(mut self) -> Self {
        self.pending = true;
        self
    }

    /// Declares what version numbers mean.
    #[must_use]
    pub const fn with_numbering(mut self, numbering: Numbering) -> Self {
        self.numbering = numbering;
        self
    }

    /// Declares that [`Selector::Id`] is understood.
    #[must_use]
    pub const fn with_ids(mut self) -> Self {
        self.ids = true;
        self
    }

    /// Declares that [`Selector::Stage`] is understood.
    #[must_use]
    pub const fn with_stages(mut self) -> Self {
        self.stages = true;
        self
    }

    /// Declares how many secrets one call of the provider brings.
    #[must_use]
    pub const fn with_max_batch(mut self, max: usize) -> Self {
        self.max_batch = if max == 0 { 1 } else { max };
        self
    }

    /// Declares that a read changes something at the provider, such as making a database user.
    #[must_use]
    pub const fn with_effects(mut self) -> Self {
        self.reads_have_effects = true;
        self
    }

    /// Returns whether a selector is understood.
    #[must_use]
    pub fn supports(&self, selector: &Selector) -> bool {
        match selector {
            Selector::Current => true,
            Selector::Previous => self.previous,
            Selector::Pending => self.pending,
            Selector::Number(_) => self.numbering == Numbering::Provider,
            Selector::Id(_) => self.ids,
            Selector::Stage(_) => self.stages,
        }
    }

    /// Returns what version numbers mean.
    #[must_use]
    pub const fn numbering(&self) -> Numbering {
        self.numbering
    }

    /// Returns how many secrets one call brings; at least one.
    #[must_use]
    pub const fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// Returns whether a read changes something at the provider.
    #[must_use]
    pub const fn reads_have_effects(&self) -> bool {
        self.reads_have_effects
    }

    /// Turns the version part of a reference into what this backend is asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the backend has no such versions, and
    /// [`ErrorKind::InvalidReference`] for a generation other than 1 and 2.
    pub fn selector(&self, version: Option<&VersionSpec<'_>>) -> Result<Selector, Error> {
        let selector = match version {
            None => Selector::Current,
            Some(VersionSpec::Number(number)) => match (self.numbering, number) {
                (Numbering::Generations, 1) => Selector::Current,
                (Numbering::Generations, 2) => Selector::Previous,
                (Numbering::Generations, other) => {
                    return Err(Error::new(
                        ErrorKind::InvalidReference,
                        format!("version #{other} means nothing here"),
                    )
                    .with_context(ContextKey::Version, other.to_string())
                    .with_help("this backend knows #1 (current) and #2 (previous)"));
                }
                (_, number) => Selector::Number(*number),
            },
            Some(VersionSpec::Id(id)) => Selector::Id(Box::from(&**id)),
            Some(VersionSpec::Stage(label)) => Selector::Stage(Box::from(&**label)),
            Some(other) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("the version form {other:?} is not known here"),
                ));
            }
        };
        if self.supports(&selector) {
            Ok(selector)
        } else {
            Err(self.unsupported(&selector))
        }
    }

    /// Makes the error for a selector that is not understood.
    #[must_use]
    pub fn unsupported(&self, selector: &Selector) -> Error {
        let mut known = Vec::new();
        match self.numbering {
            Numbering::None => {}
            Numbering::Generations => known.push("`#1` and `#2`"),
            Numbering::Provider => known.push("`#<number>`"),
        }
        if self.ids {
            known.push("`#v:<id>`");
        }
        if self.stages {
            known.push("`#stage:<label>`");
        }
        let help = if known.is_empty() {
            "remove the version: this backend keeps none".to_owned()
        } else {
            format!("this backend knows {}", known.join(", "))
        };
        Error::new(
            ErrorKind::Unsupported,
            format!("no version can be chosen by {selector} here"),
        )
        .with_context(ContextKey::Version, selector.to_string())
        .with_help(help)
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::new()
    }
}
