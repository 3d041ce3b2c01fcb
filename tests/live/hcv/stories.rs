//! The stories that every store is put through, with the token of an application.

use perennial::VaultSpec;
use perennial_backend::async_trait;
use serde_json::json;

use super::vault::{POLICY, Vault};
use crate::stories::{self, Place};

/// A Vault, and a token that may read the one secret.
struct Scene {
    vault: Vault,
    token: String,
}

impl Scene {
    async fn start() -> Self {
        let vault = Vault::start().await;
        vault.policy("app", POLICY).await;
        let token = vault.token(json!({})).await;
        Self { vault, token }
    }
}

#[async_trait]
impl Place for Scene {
    fn vault(&self, name: &str) -> VaultSpec {
        VaultSpec::named(name, "hcv")
            .unwrap()
            .with("address", self.vault.url())
            .with("token", self.token.as_str())
    }

    fn reference(&self, vault: &str) -> String {
        format!("{{vault://{vault}/app/db/password}}")
    }

    async fn write(&mut self, value: &str) {
        self.vault.write("app/db", json!({"password": value})).await;
    }

    async fn remove(&mut self) {
        let path = "secret/metadata/app/db";
        self.vault.ask("DELETE", path, None).await.unwrap();
    }

    async fn stop(&mut self) {
        self.vault.stop();
    }

    async fn start_again(&mut self, value: &str) {
        self.vault.start_again().await;
        self.write(value).await;
    }

    fn freeze(&self, frozen: bool) {
        if frozen {
            self.vault.freeze();
        } else {
            self.vault.thaw();
        }
    }
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_secret_is_rotated_while_it_is_read() {
    stories::rotated_while_it_is_read(&mut Scene::start().await).await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_server_is_stopped_and_back() {
    stories::stopped_and_back(&mut Scene::start().await).await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_server_is_frozen_while_another_goes_on() {
    let (mut one, mut other) = (Scene::start().await, Scene::start().await);
    stories::frozen_while_another_goes_on(&mut one, &mut other).await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_secret_is_removed_with_all_its_versions_and_back() {
    stories::removed_and_back(&mut Scene::start().await).await;
}
