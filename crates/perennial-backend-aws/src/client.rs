//! The client of the SDK: made on first use, and made anew once its credentials or its
//! authorities are no longer good.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::error::SdkError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use perennial_backend::{Context, Error};

use crate::auth;
use crate::config::Config;
use crate::error;
use crate::facts::{Facts, Shape};
use crate::routes::Routes;
use crate::transport::{self, Trust};

/// The client, and the region that it asks.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) region: String,
    routes: Routes,
    /// How many calls were refused for the time of their signature since one was answered.
    untimely: AtomicUsize,
}

impl Connection {
    /// Waits for the answer to a call. If that is given up, the next call takes new connections.
    pub(crate) async fn sent<T, E>(
        &self,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, SdkError<E, HttpResponse>> {
        let watch = self.routes.watch();
        let came = call.await;
        watch.over(matches!(came, Err(SdkError::TimeoutError(_))));
        if came.is_ok() {
            self.untimely.store(0, Ordering::Relaxed);
        }
        came
    }
}

/// Makes and keeps the connection.
///
/// Invariant: whoever goes away while it is made leaves the place as it was: the turn passes on, and
/// the next one begins anew.
pub(crate) struct Connections {
    config: Config,
    trust: Trust,
    held: Mutex<Option<Arc<Connection>>>,
    /// Who makes one; the others wait for it.
    turn: tokio::sync::Mutex<()>,
    failures: Mutex<Failures>,
}

/// What became of the attempts to make one.
#[derive(Default)]
struct Failures {
    count: u64,
    last: Option<Error>,
}

impl Connections {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            trust: Trust::new(&config),
            config,
            held: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
            failures: Mutex::default(),
        }
    }

    /// Returns the connection, and makes it if there is none.
    pub(crate) async fn connection(&self, cx: &Context) -> Result<Arc<Connection>, Error> {
        if let Some(connection) = self.held().clone() {
            return Ok(connection);
        }
        let before = self.failures().count;
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have made it.
        if let Some(connection) = self.held().clone() {
            return Ok(connection);
        }
        // Or may have failed while this call waited, which would now fail as slowly once more.
        if let Failures {
            count,
            last: Some(error),
        } = &*self.failures()
            && *count != before
        {
            return Err(error.clone());
        }
        match self.make(cx).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *self.held() = Some(Arc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                let mut failures = self.failures();
                failures.count = failures.count.wrapping_add(1);
                failures.last = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn make(&self, cx: &Context) -> Result<Connection, Error> {
        let routes = transport::connect(cx, &self.trust).await?;
        let http = SharedHttpClient::new(routes.clone());
        let sdk = auth::load(cx, &self.config, http).await?;
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let mut builder = Builder::from(&sdk);
        if let Some(url) = &self.config.endpoint_url {
            builder.set_endpoint_url(Some(url.clone()));
        }
        Ok(Connection {
            client: Client::from_conf(builder.build()),
            region,
            routes,
            untimely: AtomicUsize::new(0),
        })
    }

    /// Lets go of a connection if the failure of a call means that the next one needs another:
    /// keys in files are read again, and so are authorities.
    pub(crate) fn learn(&self, connection: &Arc<Connection>, facts: &Facts) {
        let distrusts = matches!(facts.shape, Shape::Untrusted | Shape::NoAuthorities)
            && self.trust.is_from_files();
        // The client has just learned how wrong the clock is, and a new one would have to learn it
        // again. So do those that assume roles, each for itself. Only if that was of no use may it be
        // the credentials after all.
        let learners = self.config.assume_role_arn.len() + MOST_LEARNERS;
        let lets_go = match error::is_about_clock(facts) {
            true => connection.untimely.fetch_add(1, Ordering::Relaxed) >= learners,
            false => error::is_about_credentials(facts) || distrusts,
        };
        if !lets_go {
            return;
        }
        let mut held = self.held();
        // Another call may have replaced it already.
        if held
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, connection))
        {
            *held = None;
        }
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// How many clients may have to learn the time, besides those of the configured roles: ours, and those
/// of two roles in a profile.
const MOST_LEARNERS: usize = 3;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use perennial_backend::{BoxFuture, Clock, ErrorKind, Moment, Runtime};
    use perennial_testkit::LiveRuntime;

    use super::*;

    /// Counts how often something is run where it may block, which every attempt does once.
    #[derive(Debug, Default)]
    struct Counting {
        runtime: LiveRuntime,
        count: AtomicUsize,
    }

    impl Runtime for Counting {
        fn clock(&self) -> &dyn Clock {
            self.runtime.clock()
        }

        fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
            self.runtime.sleep_until(at)
        }

        fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
            self.count.fetch_add(1, Ordering::Relaxed);
            let work = self.runtime.run_blocking(work);
            Box::pin(async move {
                // So that the others have begun to wait, however quick it is.
                tokio::task::yield_now().await;
                work.await;
            })
        }

        fn random(&self) -> u64 {
            self.runtime.random()
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_to_those_who_waited_for_it_and_to_nobody_after_them() {
        let runtime = Arc::new(Counting::default());
        let deadline = runtime.clock().now() + Duration::from_secs(10);
        let cx = Context::new(Arc::<Counting>::clone(&runtime), deadline);
        let connections = Connections::new(Config::default().with_ca_file("/nowhere/ca.pem"));
        for round in 1..=2 {
            let ask = || connections.connection(&cx);
            let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
            for answer in [one, two, three, four] {
                assert_eq!(answer.err().unwrap().kind(), ErrorKind::InvalidConfig);
            }
            assert_eq!(runtime.count.load(Ordering::Relaxed), round);
        }
    }
}
