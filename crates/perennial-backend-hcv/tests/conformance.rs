//! The contract, rule by rule: a test that fails names the rule and what it asks.

use std::future::{Ready, ready};
use std::sync::Arc;

use perennial_backend::{Backend, async_trait};
use perennial_backend_hcv::{Config, Store};
use perennial_testkit::{Harness, Unable};

/// A store that the rules may fill, change and break.
struct Scene {
    backend: Arc<Store>,
}

impl Scene {
    /// Starts a store for one rule; make it `async` once there is something to wait for.
    fn start() -> Ready<Self> {
        let config = Config::default().with_address("http://127.0.0.1:1");
        ready(Self {
            backend: Arc::new(Store::new(config)),
        })
    }
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<Store>::clone(&self.backend)
    }

    async fn seed(&self, _label: &str, _value: &[u8]) -> Result<String, Unable> {
        Err(Unable::new("`seed` is not written yet"))
    }

    async fn update(&self, _resource: &str, _value: &[u8]) -> Result<(), Unable> {
        Err(Unable::new("`update` is not written yet"))
    }

    async fn delete(&self, _resource: &str) -> Result<(), Unable> {
        Err(Unable::new("`delete` is not written yet"))
    }

    async fn deny(&self, _resource: &str) -> Result<(), Unable> {
        Err(Unable::new("`deny` is not written yet"))
    }

    async fn outage(&self, _down: bool) -> Result<(), Unable> {
        Err(Unable::new("`outage` is not written yet"))
    }
}

perennial_testkit::conformance! {
    start = Scene::start,
    cannot = [],
}
