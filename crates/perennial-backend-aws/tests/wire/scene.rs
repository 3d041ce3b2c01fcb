//! A backend in front of a scripted AWS: the store, STS, and whatever a test puts before them.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perennial_backend::{Backend, Context, Error, ErrorKind, Fetched, Payload, Request, Secret};
use perennial_backend_aws::{Config, SecretsManager};
use perennial_testkit::LiveRuntime;
use perennial_testkit::http::{Answer, HttpServer, Received};

use crate::store::{self, Store};
use crate::sts;

/// What answers before the store does; `None` lets the request through.
type Script = Box<dyn Fn(&Received) -> Option<Answer> + Send>;

pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) server: HttpServer,
    pub(crate) backend: SecretsManager,
    script: Arc<Mutex<Script>>,
}

impl Scene {
    /// Starts with a key of its own, and with no question about dates.
    pub(crate) fn start() -> Self {
        Self::with(|config| {
            config
                .with_access_key("AKIAEXAMPLE", Secret::from("canary-key"))
                .with_read_schedule(false)
        })
    }

    /// Starts with a configuration that has region and endpoint already.
    pub(crate) fn with(configure: impl FnOnce(Config) -> Config) -> Self {
        Self::with_urls(|config, _| configure(config))
    }

    /// Starts with a configuration that may need to know where the server is.
    pub(crate) fn with_urls(configure: impl FnOnce(Config, &str) -> Config) -> Self {
        let store = Store::default();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(|_| None)));
        let (answers, faults) = (store.clone(), Arc::clone(&script));
        let server = HttpServer::start(move |request| {
            let scripted = (faults.lock().unwrap())(request);
            scripted.unwrap_or_else(|| match sts::is_asked(request) {
                true => sts::answer(request),
                false => answers.answer(request),
            })
        });
        let base = Config::default()
            .with_region(store::REGION)
            .with_endpoint_url(server.url())
            .with_sts_endpoint_url(server.url());
        let config = configure(base, &server.url());
        let backend = SecretsManager::new(config).unwrap();
        Self {
            store,
            server,
            backend,
            script,
        }
    }

    /// Puts a script before the store.
    pub(crate) fn script(&self, script: impl Fn(&Received) -> Option<Answer> + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// Answers everything with this until told otherwise.
    pub(crate) fn always(&self, answer: Answer) {
        self.script(move |_| Some(answer.clone()));
    }

    /// Lets every request through to the store again.
    pub(crate) fn mend(&self) {
        self.script(|_| None);
    }

    pub(crate) fn cx(&self) -> Context {
        LiveRuntime::new().context(Duration::from_secs(10))
    }

    pub(crate) async fn fetch(&self, request: &Request) -> Result<Fetched, Error> {
        self.backend.fetch(&self.cx(), request).await
    }

    pub(crate) async fn read(&self, name: &str) -> Result<String, Error> {
        self.fetch(&Request::new(name))
            .await
            .map(|fetched| text(&fetched))
    }

    /// Fails to read `db` in this way, shows nothing, and then reads it once all is mended.
    pub(crate) async fn fails_and_recovers(&self, kind: ErrorKind) -> Error {
        let error = self.read("db").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        shows_nothing(&error);
        shows_nothing_in(&format!("{:?} {:#?}", self.backend, self.backend));
        self.mend();
        self.server.down(false);
        assert_eq!(self.read("db").await.unwrap(), "canary-value");
        error
    }

    /// Returns the operations that were asked for, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let requests = self.server.requests();
        requests
            .iter()
            .map(|request| store::operation(request).to_owned())
            .collect()
    }
}

pub(crate) fn text(fetched: &Fetched) -> String {
    match fetched.payload() {
        Payload::Secret(secret) => secret.expose_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Checks that an error holds none of the planted values.
pub(crate) fn shows_nothing(error: &Error) {
    let context: Vec<_> = error.context().collect();
    let cause = error.source().map(ToString::to_string);
    let help = error.help();
    shows_nothing_in(&format!(
        "{error} {error:?} {error:#?} {help:?} {context:?} {cause:?}"
    ));
}

pub(crate) fn shows_nothing_in(text: &str) {
    assert!(!text.to_ascii_lowercase().contains("canary"), "{text}");
}
