//! The contract, rule by rule, against a small Secrets Manager in memory.

#![cfg(test)]

use std::future::{Ready, ready};
use std::sync::Arc;

use perennial_backend::{Backend, Secret, async_trait};
use perennial_backend_aws::{Config, SecretsManager};
use perennial_testkit::http::HttpServer;
use perennial_testkit::{Harness, OUTSIDE, Unable};

use store::Store;

#[path = "scripted/store.rs"]
mod store;

/// A store that the rules may fill, change and break.
struct Scene {
    store: Store,
    server: HttpServer,
    backend: Arc<SecretsManager>,
}

impl Scene {
    /// Starts a store where some actions are forbidden.
    fn start(forbidden: &[&'static str]) -> Ready<Self> {
        let store = Store::default();
        store.state().forbidden.extend(forbidden);
        let answers = store.clone();
        let server = HttpServer::start(move |request| answers.answer(request));
        let config = Config::default()
            .with_region(store::REGION)
            .with_endpoint_url(server.url())
            .with_access_key("AKIAEXAMPLE", Secret::from("canary-key"));
        let backend = Arc::new(SecretsManager::new(config).unwrap());
        ready(Self {
            store,
            server,
            backend,
        })
    }
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<SecretsManager>::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        self.store.put(label, value);
        Ok(label.to_owned())
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.store.put(resource, value);
        Ok(())
    }

    async fn prepare(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.store.prepare(resource, Some(value));
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        self.store
            .state()
            .secrets
            .get_mut(resource)
            .unwrap()
            .deleted = true;
        Ok(())
    }

    async fn deny(&self, resource: &str) -> Result<(), Unable> {
        self.store.state().secrets.get_mut(resource).unwrap().denied = true;
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
        // Even where the store has what the name leads to, the name is refused.
        for name in [
            "../outside",
            "a/../../outside",
            "outside?x=y",
            "outside#1",
            "a//b",
        ] {
            self.store.put(name, OUTSIDE);
        }
        let arns = [
            "arn:aws:s3:::outside",
            "arn:aws:secretsmanager:eu-central-1:1:secret:..",
        ];
        arns.map(str::to_owned).to_vec()
    }

    async fn calls(&self) -> Result<usize, Unable> {
        Ok(self.server.requests().len())
    }
}

/// All that the policy in the documents allows.
mod batches {
    use super::Scene;

    perennial_testkit::conformance! {
        start = || Scene::start(&[]),
        cannot = ["members_come_from_one_read"],
    }
}

/// The least that reading needs.
mod singles {
    use super::Scene;

    perennial_testkit::conformance! {
        start = || Scene::start(&["BatchGetSecretValue", "DescribeSecret"]),
        cannot = ["members_come_from_one_read"],
    }
}
