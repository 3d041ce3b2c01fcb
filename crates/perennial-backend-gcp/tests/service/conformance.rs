//! The contract, rule by rule: a test that fails names the rule and what it asks.

use std::future::{Ready, ready};
use std::sync::Arc;

use perennial_backend::{Backend, async_trait};
use perennial_backend_gcp::{AuthMethod, Config, SecretManager};
use perennial_testkit::http::HttpServer;
use perennial_testkit::{Harness, OUTSIDE, Unable};

use crate::store::Store;

/// A scripted service that the rules may fill, change and break.
struct Scene {
    store: Arc<Store>,
    server: HttpServer,
    backend: Arc<SecretManager>,
}

impl Scene {
    fn start() -> Ready<Self> {
        let store = Arc::new(Store::default());
        store.add("projects/other/secrets/outside", OUTSIDE);
        store.add("projects/p/outside", OUTSIDE);
        let answers = Arc::clone(&store);
        let server = HttpServer::start(move |request| answers.answer(request));
        let config = Config::default()
            .with_project_id("p")
            .with_auth_method(AuthMethod::Anonymous)
            .with_endpoint_url(server.url());
        ready(Self {
            store,
            server,
            backend: Arc::new(SecretManager::new(config).unwrap()),
        })
    }
}

fn full(resource: &str) -> String {
    format!("projects/p/secrets/{resource}")
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<SecretManager>::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        self.store.add(&full(label), value);
        Ok(label.to_owned())
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.store.add(&full(resource), value);
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        self.store.delete(&full(resource));
        Ok(())
    }

    async fn deny(&self, resource: &str) -> Result<(), Unable> {
        self.store
            .edit(&full(resource), |secret| secret.denied = true);
        Ok(())
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        self.server.down(down);
        Ok(())
    }

    async fn hang(&self, hung: bool) -> Result<(), Unable> {
        self.server.hang(hung);
        Ok(())
    }

    async fn escapes(&self) -> Vec<String> {
        [
            "projects/other/secrets/outside",
            "../../other/secrets/outside",
            "../outside",
            "%2e%2e/outside",
            "..",
            "projects/p/secrets/../outside",
            "projects/p/secrets/a/versions/../../../../other/secrets/outside",
            "a?alt=media",
            "a#b",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    async fn calls(&self) -> Result<usize, Unable> {
        let reads = self.server.requests();
        Ok(reads
            .iter()
            .filter(|read| read.path().ends_with(":access"))
            .count())
    }
}

perennial_testkit::conformance! {
    start = Scene::start,
    cannot = ["members_come_from_one_read"],
}
