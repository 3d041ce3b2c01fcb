//! The contract, rule by rule, against the emulator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use perennial::aws::SecretsManager;
use perennial_backend::{Backend, Context, async_trait};
use perennial_testkit::{Harness, LiveRuntime, Unable};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::moto::Moto;

/// An emulator that the rules may fill, change and break.
struct Scene {
    moto: Mutex<Moto>,
    backend: Arc<SecretsManager>,
    /// The last value of each secret: the emulator forgets all when it is ended.
    written: Mutex<BTreeMap<String, Value>>,
}

impl Scene {
    async fn start() -> Self {
        let moto = Moto::start().await;
        let backend = Arc::new(moto.backend());
        Self {
            moto: Mutex::new(moto),
            backend,
            written: Mutex::default(),
        }
    }
}

/// Puts a value into the form that fits it.
fn body(value: &[u8]) -> Value {
    match std::str::from_utf8(value) {
        Ok(text) => json!({"SecretString": text}),
        // The one value of the suite that is no text.
        Err(_) => {
            assert_eq!(value, [0xff, 0x01, 0xfe, b'\n', 0x80, 0xc0]);
            json!({"SecretBinary": "/wH+CoDA"})
        }
    }
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<SecretsManager>::clone(&self.backend)
    }

    fn context(&self) -> Context {
        LiveRuntime::new().context(Duration::from_secs(15))
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        if value.is_empty() {
            return Err(Unable::new(
                "moto does not keep an empty value, and neither does AWS",
            ));
        }
        let body = with(body(value), "Name", label.into());
        self.moto
            .lock()
            .await
            .call("CreateSecret", body.clone())
            .await;
        self.written.lock().await.insert(label.to_owned(), body);
        Ok(label.to_owned())
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        let body = with(body(value), "SecretId", resource.into());
        self.moto.lock().await.call("PutSecretValue", body).await;
        Ok(())
    }

    async fn prepare(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        let body = with(body(value), "SecretId", resource.into());
        let body = with(body, "VersionStages", json!(["AWSPENDING"]));
        self.moto.lock().await.call("PutSecretValue", body).await;
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        let body = json!({"SecretId": resource});
        self.moto.lock().await.call("DeleteSecret", body).await;
        Ok(())
    }

    async fn deny(&self, _resource: &str) -> Result<(), Unable> {
        Err(Unable::new(
            "moto has no policies that forbid one secret and allow another",
        ))
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        let mut moto = self.moto.lock().await;
        if down {
            moto.server.stop();
            return Ok(());
        }
        moto.restart().await;
        for body in self.written.lock().await.values() {
            moto.call("CreateSecret", body.clone()).await;
        }
        Ok(())
    }

    async fn hang(&self, hung: bool) -> Result<(), Unable> {
        let moto = self.moto.lock().await;
        if hung {
            moto.server.freeze();
        } else {
            moto.server.thaw();
        }
        Ok(())
    }
}

perennial_testkit::conformance! {
    start = Scene::start,
    cannot = [
        "denied_secret_is_permission_denied",
        "empty_value_is_a_value",
        "members_come_from_one_read",
    ],
    ignore = "needs moto: cargo xtask live aws",
}
