//! The answers to several requests, filled in one by one.

use crate::{Error, ErrorKind, Fetched, Operation};

/// The answers to the requests of one [`fetch_many`](crate::Backend::fetch_many).
///
/// The driver keeps it while the backend fills it, so that what came before a deadline or a failure
/// is not lost.
#[derive(Debug)]
pub struct Batch {
    answers: Vec<Option<Result<Fetched, Error>>>,
}

impl Batch {
    /// Makes a batch that waits for `len` answers.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            answers: vec![None; len],
        }
    }

    /// Notes the answer to the request at `index`; the first answer stays, and one to a request
    /// that is not there is dropped.
    pub fn answer(&mut self, index: usize, answer: Result<Fetched, Error>) {
        if let Some(slot @ None) = self.answers.get_mut(index) {
            *slot = Some(answer);
        }
    }

    /// Notes one failure as the answer to every request that has none yet.
    pub fn fail_rest(&mut self, error: &Error) {
        for slot in self.answers.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(Err(error.clone()));
        }
    }

    /// Returns the indices of the requests that have no answer yet.
    pub fn open(&self) -> impl Iterator<Item = usize> {
        self.answers
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_none())
            .map(|(index, _)| index)
    }

    /// Returns the answers in the order of the requests; a request without one failed.
    #[must_use]
    pub fn into_answers(self) -> Vec<Result<Fetched, Error>> {
        let missing = || {
            Err(Error::new(
                ErrorKind::Unexpected,
                "the backend gave no answer for this secret",
            )
            .with_operation(Operation::FetchMany))
        };
        self.answers
            .into_iter()
            .map(|slot| slot.unwrap_or_else(missing))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn partial_results_survive_a_failure_of_the_rest() {
        let mut batch = Batch::new(3);
        batch.answer(1, Ok(Fetched::secret(Secret::new("kept"))));
        batch.answer(1, Err(Error::new(ErrorKind::Unexpected, "too late")));
        batch.answer(9, Err(Error::new(ErrorKind::Unexpected, "not asked for")));
        assert_eq!(batch.open().collect::<Vec<_>>(), [0, 2]);
        batch.fail_rest(&Error::new(ErrorKind::Unavailable, "down"));
        let kinds: Vec<_> = batch
            .into_answers()
            .into_iter()
            .map(|answer| answer.err().map(|e| e.kind()))
            .collect();
        assert_eq!(
            kinds,
            [
                Some(ErrorKind::Unavailable),
                None,
                Some(ErrorKind::Unavailable)
            ]
        );
    }

    #[test]
    fn a_request_without_an_answer_failed() {
        let answers = Batch::new(1).into_answers();
        assert_eq!(
            answers[0].as_ref().unwrap_err().kind(),
            ErrorKind::Unexpected
        );
    }
}
