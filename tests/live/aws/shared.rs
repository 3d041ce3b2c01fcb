//! The stories that every store is put through.

use perennial::VaultSpec;
use perennial_backend::async_trait;
use serde_json::json;

use super::moto::{Moto, REGION};
use crate::stories::{self, Place};

/// An emulator, and whether the secret of the story is there.
struct Scene {
    moto: Moto,
    made: bool,
}

impl Scene {
    async fn start() -> Self {
        Self {
            moto: Moto::start().await,
            made: false,
        }
    }
}

#[async_trait]
impl Place for Scene {
    fn vault(&self, name: &str) -> VaultSpec {
        VaultSpec::named(name, "aws")
            .unwrap()
            .with("region", REGION)
            .with("endpoint_url", self.moto.server.url())
            .with("access_key_id", "AKIATEST")
            .with("secret_access_key", "canary-key")
    }

    fn reference(&self, vault: &str) -> String {
        format!("{{vault://{vault}/app/db/}}")
    }

    async fn write(&mut self, value: &str) {
        if self.made {
            self.moto.put("app/db", value).await;
        } else {
            self.moto.create("app/db", value).await;
            self.made = true;
        }
    }

    async fn remove(&mut self) {
        let gone = json!({"SecretId": "app/db", "ForceDeleteWithoutRecovery": true});
        self.moto.call("DeleteSecret", gone).await;
        self.made = false;
    }

    async fn stop(&mut self) {
        self.moto.server.stop();
    }

    async fn start_again(&mut self, value: &str) {
        self.moto.restart().await;
        self.made = false;
        self.write(value).await;
    }

    fn freeze(&self, frozen: bool) {
        if frozen {
            self.moto.server.freeze();
        } else {
            self.moto.server.thaw();
        }
    }
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_secret_is_rotated_while_it_is_read() {
    stories::rotated_while_it_is_read(&mut Scene::start().await).await;
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_server_is_stopped_and_back() {
    stories::stopped_and_back(&mut Scene::start().await).await;
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_server_is_frozen_while_another_goes_on() {
    let (mut frozen, mut other) = (Scene::start().await, Scene::start().await);
    stories::frozen_while_another_goes_on(&mut frozen, &mut other).await;
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_secret_is_removed_and_comes_back() {
    stories::removed_and_back(&mut Scene::start().await).await;
}
