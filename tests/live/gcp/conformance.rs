//! The contract, rule by rule.

use std::sync::{Arc, Mutex};

use perennial::gcp::{AuthMethod, Config, SecretManager};
use perennial_backend::{Backend, async_trait};
use perennial_testkit::{Harness, OUTSIDE, Unable};

use super::Drongo;

struct Scene {
    drongo: Mutex<Option<Drongo>>,
    /// What was written, since drongo forgets it when it ends.
    written: Mutex<Vec<(String, Vec<u8>)>>,
    backend: Arc<SecretManager>,
}

impl Scene {
    async fn start() -> Self {
        let drongo = Drongo::start();
        drongo.add("other", "outside", OUTSIDE).await;
        let config = Config::default()
            .with_project_id("p")
            .with_auth_method(AuthMethod::Anonymous)
            .with_endpoint_url(drongo.server.url());
        Self {
            drongo: Mutex::new(Some(drongo)),
            written: Mutex::default(),
            backend: Arc::new(SecretManager::new(config).unwrap()),
        }
    }

    /// Takes the server for the length of a call.
    async fn with<T>(&self, work: impl AsyncFnOnce(&mut Drongo) -> T) -> T {
        let mut drongo = self.drongo.lock().unwrap().take().unwrap();
        let done = work(&mut drongo).await;
        *self.drongo.lock().unwrap() = Some(drongo);
        done
    }
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<SecretManager>::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        self.update(label, value).await?;
        Ok(label.to_owned())
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        let written = (resource.to_owned(), value.to_vec());
        self.written.lock().unwrap().push(written);
        self.with(async |drongo| drongo.add("p", resource, value).await)
            .await;
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        self.with(async |drongo| drongo.delete(resource).await)
            .await;
        Ok(())
    }

    async fn deny(&self, _resource: &str) -> Result<(), Unable> {
        Err(Unable::new("drongo knows no permissions"))
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        let written = self.written.lock().unwrap().clone();
        self.with(async |drongo| {
            if down {
                return drongo.server.stop();
            }
            drongo.server.start_again();
            for (resource, value) in written {
                drongo.add("p", &resource, &value).await;
            }
        })
        .await;
        Ok(())
    }

    async fn hang(&self, hung: bool) -> Result<(), Unable> {
        self.with(async |drongo| match hung {
            true => drongo.server.freeze(),
            false => drongo.server.thaw(),
        })
        .await;
        Ok(())
    }

    async fn escapes(&self) -> Vec<String> {
        [
            "projects/other/secrets/outside",
            "../../other/secrets/outside",
            "%2e%2e/%2e%2e/other/secrets/outside",
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

perennial_testkit::conformance! {
    start = Scene::start,
    cannot = [
        "denied_secret_is_permission_denied",
        "members_come_from_one_read",
    ],
    ignore = "needs drongo: cargo xtask live gcp",
}
