//! From a configuration with references in it to one with values.

use std::fmt;

use perennial_reference::is_reference;
use serde::Deserializer;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};
use crate::resolver::Resolver;
use crate::tree::Tree;

impl Resolver {
    /// Resolves every reference in a configuration, and reads the result as a type.
    ///
    /// The source is anything that serde can read: a `&serde_json::Value`, a `toml::Value`, a
    /// deserializer of some format. A text is resolved if the whole of it is a reference, wherever
    /// it stands: in lists, in maps, however deep. Keys, other texts and other values pass as they
    /// are. A resolved value is read as the type that its field has, so a port number may be a
    /// secret too; for a field of type [`Secret`](perennial_backend::Secret) the bytes stay in
    /// wiped memory.
    ///
    /// # Errors
    /// Fails with everything that could not be resolved, not only the first; or, once all is
    /// resolved, with the place that does not fit the type. No message repeats a value; for that
    /// reason neither does it repeat what a source says that cannot be read.
    pub async fn resolve<'de, T, S>(&self, source: S) -> Result<T, ResolveError>
    where
        T: DeserializeOwned,
        S: Deserializer<'de>,
    {
        let mut tree: Tree =
            serde::Deserialize::deserialize(source).map_err(|_: S::Error| ResolveError {
                problems: Vec::new(),
                misfit: Some((
                    String::new(),
                    "the configuration cannot be read by its own format".to_owned(),
                )),
            })?;
        let (mut places, mut cells) = (Vec::new(), Vec::new());
        tree.visit_texts("", &mut |place, leaf| {
            let Tree::Text(text) = &leaf else { return };
            if is_reference(text) {
                cells.push(self.cell(text));
                places.push((place.to_owned(), leaf));
            }
        });
        let mut problems = Vec::new();
        for ((place, leaf), value) in places.into_iter().zip(self.get_cells(&cells).await) {
            match value {
                Ok(value) => *leaf = Tree::Secret(value.into_secret()),
                Err(error) => problems.push(Problem::new(place, error)),
            }
        }
        if !problems.is_empty() {
            return Err(ResolveError::new(problems));
        }
        T::deserialize(tree).map_err(|misfit| ResolveError {
            problems: Vec::new(),
            misfit: Some((misfit.place(), misfit.message().to_owned())),
        })
    }
}

/// Why a configuration could not be resolved.
#[derive(Debug)]
pub struct ResolveError {
    problems: Vec<Problem>,
    misfit: Option<(String, String)>,
}

impl ResolveError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            misfit: None,
        }
    }

    /// Returns the references that could not be resolved, in the order of the configuration; empty
    /// if all could and the result does not fit its type.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the kind of the first problem.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.problems
            .first()
            .map_or(ErrorKind::InvalidConfig, |problem| problem.error.kind())
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.problems.as_slice(), &self.misfit) {
            ([], Some((place, message))) if place.is_empty() => f.write_str(message),
            ([], Some((place, message))) => {
                write!(f, "the configuration does not fit at `{place}`: {message}")
            }
            ([only], _) => write!(f, "{only}"),
            (several, _) => {
                write!(f, "{} references cannot be resolved", several.len())?;
                several
                    .iter()
                    .try_for_each(|problem| write!(f, "\n- {problem}"))
            }
        }
    }
}

impl std::error::Error for ResolveError {}

/// One reference of a configuration that could not be resolved.
#[derive(Debug)]
pub struct Problem {
    place: String,
    error: Error,
}

impl Problem {
    pub(crate) fn new(place: String, error: Error) -> Self {
        Self { place, error }
    }

    /// Returns where it stands: the keys and indices that lead there, joined by dots.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns why it could not be resolved.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "at `{}`: ", self.place)?;
        }
        write!(f, "{}", self.error)?;
        let mut source = std::error::Error::source(&self.error);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
