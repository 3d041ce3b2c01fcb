//! A start that has everything it needs, or says everything that is missing.

use std::fmt;

use crate::error::Error;
use crate::resolve::{Problem, ResolveError};
use crate::resolver::Resolver;

impl Resolver {
    /// Fetches what a program needs to start, all at the same time.
    ///
    /// # Errors
    /// Fails with everything that is wrong with the required references, not only the first.
    pub async fn warm<R, O>(
        &self,
        required: impl IntoIterator<Item = R>,
        optional: impl IntoIterator<Item = O>,
    ) -> Result<Warmed, ResolveError>
    where
        R: AsRef<str>,
        O: AsRef<str>,
    {
        let mut cells: Vec<_> = required
            .into_iter()
            .map(|reference| self.cell(reference.as_ref()))
            .collect();
        let needed = cells.len();
        cells.extend(
            optional
                .into_iter()
                .map(|reference| self.cell(reference.as_ref())),
        );
        let mut problems = Vec::new();
        let mut missing = Vec::new();
        for (place, value) in self.get_cells(&cells).await.into_iter().enumerate() {
            match value {
                Ok(_) => {}
                Err(error) if place < needed => problems.push(Problem::new(String::new(), error)),
                Err(error) => missing.push(error),
            }
        }
        if problems.is_empty() {
            Ok(Warmed { missing })
        } else {
            Err(ResolveError::new(problems))
        }
    }
}

/// What a start had to do without.
pub struct Warmed {
    missing: Vec<Error>,
}

impl Warmed {
    /// Returns what is wrong with the optional references that could not be had.
    #[must_use]
    pub fn missing(&self) -> &[Error] {
        &self.missing
    }
}

impl fmt::Debug for Warmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warmed")
            .field("missing", &self.missing)
            .finish()
    }
}
