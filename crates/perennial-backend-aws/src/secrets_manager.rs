//! AWS Secrets Manager: single reads, and the dates of rotations. Batches and writes stand beside.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use perennial_backend::{
    Backend, Batch, Capabilities, Context, Error, Facets, Fetched, Numbering, Operation, Purpose,
    Request, Selector, UnixTime, async_trait,
};

use crate::answer::{self, Answer};
use crate::batching::Batching;
use crate::client::{Connection, Connections};
use crate::config::Config;
use crate::dates::Dates;
use crate::error::{Meaning, Site, meaning};
use crate::facts::{Facts, Shape};
use crate::names;

/// Reads the secrets of AWS Secrets Manager.
///
/// The client is made on first use; making this neither blocks nor speaks to AWS.
pub struct SecretsManager {
    pub(crate) connections: Connections,
    pub(crate) batching: Batching,
    dates: Option<Dates>,
}

impl SecretsManager {
    /// Makes the backend; nothing is sent before the first read.
    ///
    /// # Errors
    /// Fails if the settings do not go together; the error names one.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            dates: config.read_schedule.then(Dates::default),
            connections: Connections::new(config),
            batching: Batching::default(),
        })
    }

    /// Reads one version with a call of its own.
    pub(crate) async fn read(
        &self,
        cx: &Context,
        request: &Request,
        operation: Operation,
    ) -> Result<Fetched, Error> {
        let (resource, selector) = (request.resource(), request.selector());
        if !capabilities().supports(selector) {
            return Err(capabilities()
                .unsupported(selector)
                .with_operation(operation));
        }
        names::check(resource, operation)?;
        let connection = self.connections.connection(cx).await?;
        let site = Site {
            operation,
            resource: Some(resource),
            selector: Some(selector),
            action: "secretsmanager:GetSecretValue",
            region: &connection.region,
        };
        let call = connection.client.get_secret_value().secret_id(resource);
        let call = match selector {
            Selector::Id(id) if !is_version_id(id) => return Err(site.no_version()),
            Selector::Id(id) => call.version_id(&**id),
            Selector::Stage(label) if !is_label(label) => return Err(site.no_version()),
            // Said even where it is the default: not all that speak this protocol have it right.
            other => call.set_version_stage(answer::label(other).map(str::to_owned)),
        };
        match connection.sent(call.send()).await {
            Ok(output) => Answer::from(output).fetched(selector, &site),
            Err(error) => Err(self.failed(&connection, &site, &error)),
        }
    }

    /// Turns the failure of a call into ours, and learns from it.
    pub(crate) fn failed<E>(
        &self,
        connection: &Arc<Connection>,
        site: &Site<'_>,
        error: &SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let facts = Facts::of(error);
        self.connections.learn(connection, &facts);
        site.error(&facts)
    }

    /// Adds when the secret will be rotated next, if that is known.
    pub(crate) fn dated(&self, started: UnixTime, request: &Request, fetched: Fetched) -> Fetched {
        let dates = self
            .dates
            .as_ref()
            .filter(|_| *request.selector() == Selector::Current);
        match dates.and_then(|dates| dates.until(started, request.resource())) {
            Some(span) => fetched.with_next_rotation(span),
            None => fetched,
        }
    }

    /// Chooses the secret whose date is to be asked for; no more than one of those that were read.
    pub(crate) fn choose<'r>(&self, cx: &Context, resources: &[&'r str]) -> Option<&'r str> {
        let dates = self.dates.as_ref()?;
        dates.choose(cx.now(), cx.unix_time(), resources)
    }

    /// Asks when a secret will be rotated. Whatever comes of it, the value that was read stays, so
    /// the question may take no more than a part of what time is left.
    pub(crate) async fn ask_for_date(&self, cx: &Context, resource: &str) {
        let Some(dates) = &self.dates else {
            return;
        };
        let limit = LONGEST_QUESTION.min(cx.remaining() / 2);
        let ask = async {
            let connection = self.connections.connection(cx).await.ok()?;
            let call = connection.client.describe_secret().secret_id(resource);
            Some(call.send().await.map_err(|error| Facts::of(&error)))
        };
        match within(cx, limit, ask).await.flatten() {
            Some(Ok(described)) => {
                let enabled = described.rotation_enabled().unwrap_or(false);
                let next = described.next_rotation_date().filter(|_| enabled);
                dates.note(resource, next.and_then(answer::unix_time));
            }
            Some(Err(facts))
                if facts.shape == Shape::Refused && meaning(&facts) == Meaning::Denied =>
            {
                dates.deny(cx.now(), resource);
            }
            // It is asked again another day.
            _ => {}
        }
    }
}

/// Returns whether the date of a secret may be asked for after this read of it.
pub(crate) fn may_ask(request: &Request) -> bool {
    *request.selector() == Selector::Current
        && matches!(request.purpose(), Purpose::Read | Purpose::Refresh)
}

/// Waits for a future, but no longer than a span.
async fn within<T>(cx: &Context, span: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut late = pin!(cx.sleep(span));
    poll_fn(|task| {
        if let Poll::Ready(done) = work.as_mut().poll(task) {
            return Poll::Ready(Some(done));
        }
        late.as_mut().poll(task).map(|()| None)
    })
    .await
}

const fn capabilities() -> Capabilities {
    Capabilities::new()
        .with_previous()
        .with_pending()
        .with_numbering(Numbering::Generations)
        .with_ids()
        .with_stages()
        .with_max_batch(MOST_AT_ONCE)
}

#[async_trait]
impl Backend for SecretsManager {
    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let started = cx.unix_time();
        let fetched = self.read(cx, request, Operation::Fetch).await?;
        if may_ask(request)
            && let Some(resource) = self.choose(cx, &[request.resource()])
        {
            self.ask_for_date(cx, resource).await;
        }
        Ok(self.dated(started, request, fetched))
    }

    async fn fetch_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        self.read_many(cx, requests, batch).await;
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_writer(self)
    }
}

impl fmt::Debug for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManager")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Returns whether a version may have this id at all; AWS would not even look for another one.
fn is_version_id(text: &str) -> bool {
    (32..=64).contains(&text.chars().count())
}

fn is_label(text: &str) -> bool {
    (1..=256).contains(&text.chars().count())
}

/// How many secrets `BatchGetSecretValue` brings.
pub(crate) const MOST_AT_ONCE: usize = 20;

/// How long the question for a date may take.
const LONGEST_QUESTION: Duration = Duration::from_secs(2);
