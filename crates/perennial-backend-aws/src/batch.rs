//! Several secrets with one call, and singly where that is not to be had.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_secretsmanager::operation::batch_get_secret_value::BatchGetSecretValueOutput;
use perennial_backend::{Batch, Context, Error, Fetched, Moment, Operation, Request, Selector};

use crate::answer::{Answer, CURRENT};
use crate::error::{Meaning, Site, meaning};
use crate::facts::{Facts, Shape};
use crate::names;
use crate::secrets_manager::{MOST_AT_ONCE, SecretsManager};

/// Whether batches are to be had.
#[derive(Debug, Default)]
pub(crate) struct Batching {
    refused_at: Mutex<Option<Moment>>,
}

impl Batching {
    /// Returns whether to try; a refusal is remembered for an hour.
    fn is_worth_trying(&self, now: Moment) -> bool {
        let mut refused_at = self
            .refused_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match *refused_at {
            Some(at) if now.since(at) < FORGIVEN_AFTER => false,
            _ => {
                *refused_at = None;
                true
            }
        }
    }

    fn refuse(&self, now: Moment) {
        *self
            .refused_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

/// What came of one call for several secrets.
enum Outcome<'r> {
    /// Some have their answers; those that have none are to be read singly.
    Came(Vec<Given<'r>>),
    /// Whatever it was would meet every other call as well.
    Failed(Error),
}

/// The answer to one request: its place among all, and what came.
type Given<'r> = (usize, &'r Request, Result<Fetched, Error>);

impl SecretsManager {
    /// Reads several secrets with as few calls as AWS allows.
    pub(crate) async fn read_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        let started = cx.unix_time();
        let mut asks = true;
        let mut together = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            // A batch brings versions in force only.
            if *request.selector() != Selector::Current || is_ambiguous(request, requests) {
                continue;
            }
            match names::check(request.resource(), Operation::FetchMany) {
                Ok(()) => together.push((index, request)),
                Err(error) => batch.answer(index, Err(error)),
            }
        }
        let tries = together.len() > 1 && self.batching.is_worth_trying(cx.now());
        for chunk in together.chunks(MOST_AT_ONCE).filter(|_| tries) {
            match self.read_chunk(cx, chunk).await {
                Outcome::Came(answers) => {
                    for (index, request, answer) in answers {
                        let answer = match answer {
                            Ok(fetched) => Ok(self
                                .with_rotation(cx, started, request, fetched, &mut asks)
                                .await),
                            Err(error) => Err(error),
                        };
                        batch.answer(index, answer);
                    }
                }
                Outcome::Failed(error) => {
                    for (index, _) in chunk {
                        batch.answer(*index, Err(error.clone()));
                    }
                }
            }
        }
        let open: Vec<usize> = batch.open().collect();
        for index in open {
            let Some(request) = requests.get(index) else {
                continue;
            };
            let answer = match self.read(cx, request, Operation::FetchMany).await {
                Ok(fetched) => Ok(self
                    .with_rotation(cx, started, request, fetched, &mut asks)
                    .await),
                Err(error) => Err(error),
            };
            batch.answer(index, answer);
        }
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
                        Meaning::Denied | Meaning::NoOperation => {
                            self.batching.refuse(cx.now());
                            return Outcome::Came(Vec::new());
                        }
                        // One of them may have spoiled the call for all.
                        Meaning::Invalid
                        | Meaning::Missing
                        | Meaning::Deleted
                        | Meaning::Sealed => return Outcome::Came(Vec::new()),
                        _ => {}
                    }
                }
                self.connections.learn(&connection, &facts);
                Outcome::Failed(site.error(&facts))
            }
        }
    }
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

/// How long a refusal of batches is remembered.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3600);

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

    #[test]
    fn a_refusal_is_remembered_for_an_hour() {
        let batching = Batching::default();
        let now = Moment::from_nanos(1);
        assert!(batching.is_worth_trying(now));
        batching.refuse(now);
        assert!(!batching.is_worth_trying(now + FORGIVEN_AFTER / 2));
        assert!(batching.is_worth_trying(now + FORGIVEN_AFTER));
        assert!(batching.is_worth_trying(now));
    }
}
