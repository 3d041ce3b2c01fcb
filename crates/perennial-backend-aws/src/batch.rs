//! Several secrets with one call, and singly where that is not to be had.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use aws_sdk_secretsmanager::operation::batch_get_secret_value::BatchGetSecretValueOutput;
use perennial_backend::{
    Batch, BoxFuture, Context, ContextKey, Error, ErrorKind, Fetched, Operation, Request, Selector,
    UnixTime,
};

use crate::answer::{Answer, CURRENT};
use crate::error::{Meaning, Site, meaning};
use crate::facts::{Facts, Shape};
use crate::names;
use crate::secrets_manager::{MOST_AT_ONCE, SecretsManager, may_ask};

/// What came of one call for several secrets.
enum Outcome<'r> {
    /// Some have their answers; those that have none are to be read singly.
    Came(Vec<Given<'r>>),
    /// One of them may have spoiled it for all.
    Spoiled,
    /// There are no batches here.
    Refused,
    /// Whatever it was would meet every other call as well.
    Failed(Error),
}

/// The answer to one request: its place among all, and what came.
type Given<'r> = (usize, &'r Request, Result<Fetched, Error>);

/// What has happened so far while several secrets are read.
struct Round<'r> {
    started: UnixTime,
    /// The secrets that came and whose dates may be asked for.
    came: Vec<&'r str>,
}

impl SecretsManager {
    /// Reads several secrets with as few calls as AWS allows.
    pub(crate) async fn read_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        let mut round = Round {
            started: cx.unix_time(),
            came: Vec::new(),
        };
        let mut together = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            // A batch brings versions in force only.
            let alone = *request.selector() != Selector::Current
                || is_ambiguous(request, requests)
                || self.batching.is_apart(cx.now(), request.resource());
            if alone {
                continue;
            }
            match names::check(request.resource(), Operation::FetchMany) {
                Ok(()) => together.push((index, request)),
                Err(error) => batch.answer(index, Err(error)),
            }
        }
        let tries = together.len() > 1 && self.batching.is_worth_trying(cx.now());
        let mut spoiled = Vec::new();
        for chunk in together.chunks(MOST_AT_ONCE).filter(|_| tries) {
            match self.read_chunk(cx, chunk).await {
                Outcome::Came(answers) => self.deliver(cx, batch, &mut round, answers).await,
                Outcome::Spoiled => spoiled.push(chunk),
                Outcome::Refused => {
                    self.batching.refuse(cx.now());
                    break;
                }
                Outcome::Failed(error) => return batch.fail_rest(&error),
            }
        }
        let Some(failed) = self.read_singly(cx, requests, batch, &mut round).await else {
            return;
        };
        for chunk in spoiled {
            let mut culprits = chunk
                .iter()
                .filter(|(index, _)| failed.contains(index))
                .peekable();
            if culprits.peek().is_none() {
                // It was none of them.
                self.batching.refuse(cx.now());
            }
            for (_, culprit) in culprits {
                self.batching.set_apart(cx.now(), culprit.resource());
            }
        }
    }

    /// Reads what is still open with calls of its own, a few at once, and returns the places of those
    /// that failed; none if it stopped because every other call would fail as well.
    async fn read_singly<'r>(
        &self,
        cx: &Context,
        requests: &'r [Request],
        batch: &mut Batch,
        round: &mut Round<'r>,
    ) -> Option<Vec<usize>> {
        let mut waiting: VecDeque<(usize, &Request)> = batch
            .open()
            .filter_map(|index| Some((index, requests.get(index)?)))
            .collect();
        let mut flight: Vec<Single<'_, 'r>> = Vec::new();
        let (mut failed, mut stopped) = (Vec::new(), false);
        loop {
            while flight.len() < MOST_IN_FLIGHT
                && let Some((index, request)) = waiting.pop_front()
            {
                let call = Box::pin(self.read(cx, request, Operation::FetchMany));
                flight.push(Single {
                    index,
                    request,
                    call,
                });
            }
            let Some((index, request, answer)) = next(&mut flight).await else {
                break;
            };
            if let Err(error) = &answer {
                failed.push(index);
                if meets_all(error.kind()) {
                    stopped = true;
                    for (index, request) in waiting.drain(..) {
                        batch.answer(index, Err(about(request, error)));
                    }
                }
            }
            match stopped {
                true => batch.answer(index, answer),
                false => {
                    let given = vec![(index, request, answer)];
                    self.deliver(cx, batch, round, given).await;
                }
            }
        }
        (!stopped).then_some(failed)
    }

    /// Hands answers over at once. If these are the last ones, it asks for the date of one secret of
    /// all that came, and only that one's answer waits for it.
    async fn deliver<'r>(
        &self,
        cx: &Context,
        batch: &mut Batch,
        round: &mut Round<'r>,
        answers: Vec<Given<'r>>,
    ) {
        let fine = answers.iter().filter(|(_, _, answer)| answer.is_ok());
        let asking = fine.filter(|(_, request, _)| may_ask(request));
        round
            .came
            .extend(asking.map(|(_, request, _)| request.resource()));
        let chosen = match answers.len() == batch.open().count() {
            true => self.choose(cx, &round.came),
            false => None,
        };
        let waits = |request: &Request| may_ask(request) && Some(request.resource()) == chosen;
        let (last, first): (Vec<_>, Vec<_>) = answers
            .into_iter()
            .partition(|(_, request, answer)| answer.is_ok() && waits(request));
        let mut hand_over = |answers: Vec<Given<'r>>| {
            for (index, request, answer) in answers {
                let dated = answer.map(|fetched| self.dated(round.started, request, fetched));
                batch.answer(index, dated);
            }
        };
        hand_over(first);
        if let Some(chosen) = chosen {
            self.ask_for_date(cx, chosen).await;
        }
        hand_over(last);
    }

    /// Reads up to twenty secrets with one call.
    async fn read_chunk<'r>(&self, cx: &Context, chunk: &[(usize, &'r Request)]) -> Outcome<'r> {
        let connection = match self.connections.connection(cx).await {
            Ok(connection) => connection,
            Err(error) => return Outcome::Failed(error),
        };
        let mut ids: Vec<String> = Vec::new();
        for (_, request) in chunk {
            if !ids.iter().any(|id| id == request.resource()) {
                ids.push(request.resource().to_owned());
            }
        }
        let site = Site {
            operation: Operation::FetchMany,
            resource: None,
            selector: None,
            action: "secretsmanager:BatchGetSecretValue",
            region: &connection.region,
        };
        let call = connection
            .client
            .batch_get_secret_value()
            .set_secret_id_list(Some(ids));
        match connection.sent(call.send()).await {
            Ok(output) => Outcome::Came(part(chunk, output, &site)),
            Err(error) => {
                let facts = Facts::of(&error);
                if facts.shape == Shape::Refused {
                    match meaning(&facts) {
                        Meaning::Denied | Meaning::NoOperation => return Outcome::Refused,
                        Meaning::Invalid
                        | Meaning::Missing
                        | Meaning::Deleted
                        | Meaning::Sealed => return Outcome::Spoiled,
                        _ => {}
                    }
                }
                self.connections.learn(&connection, &facts);
                Outcome::Failed(site.error(&facts))
            }
        }
    }
}

/// A read that is on its way.
struct Single<'a, 'r> {
    index: usize,
    request: &'r Request,
    call: BoxFuture<'a, Result<Fetched, Error>>,
}

/// Waits for the first of these that ends, and takes it out; none if there is none.
async fn next<'r>(flight: &mut Vec<Single<'_, 'r>>) -> Option<Given<'r>> {
    poll_fn(|task| {
        let ended = flight.iter_mut().enumerate().find_map(|(place, single)| {
            match single.call.as_mut().poll(task) {
                Poll::Ready(answer) => Some((place, answer)),
                Poll::Pending => None,
            }
        });
        match ended {
            Some((place, answer)) => {
                let Single { index, request, .. } = flight.swap_remove(place);
                Poll::Ready(Some((index, request, answer)))
            }
            None if flight.is_empty() => Poll::Ready(None),
            None => Poll::Pending,
        }
    })
    .await
}

/// Returns whether a failure of this kind would meet every other call as well.
const fn meets_all(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidConfig
            | ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Unauthenticated
            | ErrorKind::Unavailable
    )
}

/// Turns a failure that would meet every call into that of another request. Its words name no secret.
fn about(request: &Request, error: &Error) -> Error {
    let mut about = error.clone();
    about = about.with_context(ContextKey::Resource, request.resource());
    let versioned = error.context().any(|(key, _)| key == ContextKey::Version);
    if versioned || *request.selector() != Selector::Current {
        about = about.with_context(ContextKey::Version, request.selector().to_string());
    }
    about
}

/// Returns whether the answer to a name could be taken for that to an ARN of another account: a
/// batch says of both no more than name and ARN, and which account is ours is not known here.
fn is_ambiguous(request: &Request, requests: &[Request]) -> bool {
    let mut others = requests.iter().map(Request::resource);
    others.any(|other| names::has_name(other, request.resource()))
}

/// Gives each request its part of the answer; one that has none is left out.
fn part<'r>(
    chunk: &[(usize, &'r Request)],
    output: BatchGetSecretValueOutput,
    site: &Site<'_>,
) -> Vec<Given<'r>> {
    let errors = output.errors.unwrap_or_default();
    let values = output.secret_values.unwrap_or_default();
    let answers: Vec<Answer> = values.into_iter().map(Answer::from).collect();
    let answer = |request: &Request| {
        let resource = request.resource();
        let site = Site {
            resource: Some(resource),
            action: "secretsmanager:GetSecretValue",
            ..*site
        };
        let came = answers
            .iter()
            .find(|answer| names::means(resource, answer.name.as_deref(), answer.arn.as_deref()));
        if let Some(came) = came {
            return in_force(came, &site);
        }
        let blamed = errors.iter().find(|error| {
            let id = error.secret_id();
            names::means(resource, id, id)
        })?;
        Some(Err(
            site.error(&Facts::said(blamed.error_code(), blamed.message()))
        ))
    };
    chunk
        .iter()
        .filter_map(|(index, request)| Some((*index, *request, answer(request)?)))
        .collect()
}

/// Turns an answer of a batch into ours; none if it does not say that the version is in force,
/// which a single read then has to.
fn in_force(answer: &Answer, site: &Site<'_>) -> Option<Result<Fetched, Error>> {
    answer
        .has_stage(CURRENT)
        .then(|| answer.fetched(&Selector::Current, site))
}

/// How many single reads are on their way at once.
const MOST_IN_FLIGHT: usize = 4;

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::types::{ApiErrorType, SecretValueEntry};
    use perennial_backend::ErrorKind;

    use super::*;

    const SITE: Site<'static> = Site {
        operation: Operation::FetchMany,
        resource: None,
        selector: None,
        action: "secretsmanager:BatchGetSecretValue",
        region: "eu-central-1",
    };

    #[test]
    fn each_request_gets_its_part_and_what_is_not_in_force_is_left_open() {
        let arn = "arn:aws:secretsmanager:eu-central-1:1:secret:db-a1B2c3";
        let entry = |name: &str, stage: &str| {
            SecretValueEntry::builder()
                .name(name)
                .arn(format!(
                    "arn:aws:secretsmanager:eu-central-1:1:secret:{name}-a1B2c3"
                ))
                .version_id("v1")
                .version_stages(stage)
                .secret_string("value")
                .build()
        };
        let output = BatchGetSecretValueOutput::builder()
            .secret_values(entry("db", "AWSCURRENT"))
            .secret_values(entry("old", "AWSPREVIOUS"))
            .errors(
                ApiErrorType::builder()
                    .secret_id("closed")
                    .error_code("AccessDeniedException")
                    .build(),
            )
            .build();
        let requests = ["closed", "db", "old", arn, "lost"].map(Request::new);
        let chunk: Vec<_> = requests.iter().enumerate().collect();
        let came: Vec<_> = part(&chunk, output, &SITE)
            .into_iter()
            .map(|(index, _, answer)| (index, answer.map(drop).map_err(|e| e.kind())))
            .collect();
        let denied = Err(ErrorKind::PermissionDenied);
        assert_eq!(came, [(0, denied), (1, Ok(())), (3, Ok(()))]);
    }
}
