//! The vendor's client: made on first use, silenced, and made anew once its login is lost.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use google_cloud_auth::credentials::Credentials;
use google_cloud_gax::error::Error as GaxError;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use http::Extensions;
use perennial_backend::{Context, Error, ErrorKind};
use tokio::sync::Mutex;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use crate::auth::{self, Source};
use crate::config::Config;
use crate::error::{self, Subject};

/// The client, and the login with which it asks.
pub(crate) struct Client {
    config: Config,
    /// Held while one is made, so that many readers make one.
    making: Mutex<()>,
    made: StdMutex<Option<Made>>,
    failures: StdMutex<Failures>,
}

/// What became of the logins that failed, for those who waited for one.
#[derive(Default)]
struct Failures {
    count: u64,
    last: Option<Error>,
}

#[derive(Clone)]
struct Made {
    service: SecretManagerService,
    credentials: Credentials,
    source: Source,
    mark: Arc<()>,
}

impl Client {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            making: Mutex::new(()),
            made: StdMutex::new(None),
            failures: StdMutex::default(),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Makes one call. A login that the service or its own library has given up is dropped, so that
    /// the next call logs in anew.
    pub(crate) async fn call<T, F>(
        &self,
        cx: &Context,
        subject: &Subject<'_>,
        send: impl FnOnce(SecretManagerService) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, GaxError>> + Send,
    {
        let made = self.made(cx).await.map_err(|why| subject.about(why))?;
        self.await_token(cx, &made)
            .await
            .map_err(|why| subject.about(why))?;
        match silent(send(made.service)).await {
            Ok(answer) => Ok(answer),
            Err(why) => {
                let error = error::from_answer(&why, subject, made.source);
                if why.is_authentication() || error.kind() == ErrorKind::Unauthenticated {
                    self.forget(&made.mark);
                }
                Err(error)
            }
        }
    }

    async fn made(&self, cx: &Context) -> Result<Made, Error> {
        if let Some(made) = self.current() {
            return Ok(made);
        }
        let before = lock(&self.failures).count;
        let _making = self.making.lock().await;
        if let Some(made) = self.current() {
            return Ok(made);
        }
        // One may have failed while this call waited, which would now fail as slowly once more.
        if let Failures {
            count,
            last: Some(why),
        } = &*lock(&self.failures)
            && *count != before
        {
            return Err(why.clone());
        }
        match silent(self.make(cx)).await {
            Ok(made) => {
                *lock(&self.made) = Some(made.clone());
                Ok(made)
            }
            Err(why) => {
                let mut failures = lock(&self.failures);
                failures.count = failures.count.wrapping_add(1);
                failures.last = Some(why.clone());
                Err(why)
            }
        }
    }

    /// Waits until there is a token, but not for all the time there is.
    ///
    /// The library fetches tokens in one task of its own, without any limit: while that task hangs,
    /// so does every call. Dropping the credentials ends it, and the next call logs in anew. That a
    /// token is refused is seen by the call itself.
    async fn await_token(&self, cx: &Context, made: &Made) -> Result<(), Error> {
        tokio::select! {
            _ = silent(made.credentials.headers(Extensions::new())) => Ok(()),
            () = cx.sleep(TOKEN_LIMIT.min(cx.remaining() / 2)) => {
                self.forget(&made.mark);
                let message = format!("no token came in time with {}", made.source);
                Err(Error::new(ErrorKind::Timeout, message))
            }
        }
    }

    async fn make(&self, cx: &Context) -> Result<Made, Error> {
        let login = auth::login(cx, &self.config).await?;
        let service = SecretManagerService::builder()
            .with_endpoint(self.config.endpoint())
            .with_credentials(login.credentials.clone())
            .with_universe_domain(self.config.universe_domain())
            .with_retry_policy(NeverRetry)
            .build()
            .await
            .map_err(|why| {
                let (message, help) = if why.is_universe_domain_mismatch() {
                    (
                        "the credentials are for another cloud than this vault's",
                        "set `universe_domain` to the domain of the credentials, in the \
                         environment too if GOOGLE_CLOUD_UNIVERSE_DOMAIN is set there",
                    )
                } else {
                    (
                        "no client can be made for the service",
                        "look at `endpoint_url`",
                    )
                };
                Error::new(ErrorKind::InvalidConfig, message).with_help(help)
            })?;
        Ok(Made {
            service,
            credentials: login.credentials,
            source: login.source,
            mark: Arc::new(()),
        })
    }

    fn current(&self) -> Option<Made> {
        lock(&self.made).clone()
    }

    /// Drops the client, unless it was made anew since.
    fn forget(&self, mark: &Arc<()>) {
        let mut slot = lock(&self.made);
        if slot
            .as_ref()
            .is_some_and(|made| Arc::ptr_eq(&made.mark, mark))
        {
            *slot = None;
        }
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.config)
            .field("made", &self.current().map(|made| made.source))
            .finish_non_exhaustive()
    }
}

/// Keeps what the library logs from every subscriber: with GOOGLE_CLOUD_RUST_LOGGING set, it logs
/// whole answers, the payloads of secrets too, and that cannot be switched off otherwise.
async fn silent<F: Future>(work: F) -> F::Output {
    work.with_subscriber(Dispatch::none()).await
}

/// How long a token may take.
const TOKEN_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use google_cloud_auth::credentials::anonymous;
    use perennial_testkit::http::{Answer, HttpServer};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// A log of everything.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<String>>);

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            span.record(&mut Writer(self));
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut Writer(self));
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            event.record(&mut Writer(self));
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    struct Writer<'a>(&'a Log);

    impl Visit for Writer<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            *self.0.0.lock().unwrap() += &format!("{field}={value:?}\n");
        }
    }

    #[tokio::test]
    async fn the_librarys_own_log_of_answers_reaches_nobody() {
        let server = HttpServer::start(|_| {
            // "canary" in base64; the library prints bytes as text.
            let body =
                r#"{"name":"projects/1/secrets/s/versions/1","payload":{"data":"Y2FuYXJ5"}}"#;
            Answer::json(200, body)
        });
        let service = SecretManagerService::builder()
            .with_endpoint(server.url())
            .with_credentials(anonymous::Builder::new().build())
            .with_tracing()
            .build()
            .await
            .unwrap();
        let ask = || {
            let request = service.access_secret_version();
            request.set_name("projects/p/secrets/s/versions/1").send()
        };
        let log = Log::default();
        silent(ask()).with_subscriber(log.clone()).await.unwrap();
        assert_eq!(*log.0.lock().unwrap(), "");
        // Once this fails, the library has mended it.
        ask().with_subscriber(log.clone()).await.unwrap();
        assert!(log.0.lock().unwrap().contains("canary"));
    }
}
