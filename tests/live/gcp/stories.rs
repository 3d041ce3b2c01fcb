//! Whole stories: what the resolver makes of what happens to the store.

use perennial::VaultSpec;
use perennial_backend::{ErrorKind, async_trait};
use serde_json::json;

use super::Drongo;
use crate::stories::{self, Place, fresh, resolver, stale};

#[async_trait]
impl Place for Drongo {
    fn vault(&self, name: &str) -> VaultSpec {
        VaultSpec::named(name, "gcp")
            .unwrap()
            .with("project_id", "p")
            .with("auth_method", "anonymous")
            .with("endpoint_url", self.server.url())
    }

    fn reference(&self, vault: &str) -> String {
        format!("{{vault://{vault}/db/}}")
    }

    async fn write(&mut self, value: &str) {
        self.add("p", "db", value.as_bytes()).await;
    }

    async fn remove(&mut self) {
        self.delete("db").await;
    }

    async fn stop(&mut self) {
        self.server.stop();
    }

    async fn start_again(&mut self, value: &str) {
        self.server.start_again();
        self.write(value).await;
    }

    fn freeze(&self, frozen: bool) {
        if frozen {
            self.server.freeze();
        } else {
            self.server.thaw();
        }
    }
}

#[tokio::test]
#[ignore = "needs drongo: cargo xtask live gcp"]
async fn a_secret_is_rotated_while_it_is_read() {
    stories::rotated_while_it_is_read(&mut Drongo::start()).await;
}

#[tokio::test]
#[ignore = "needs drongo: cargo xtask live gcp"]
async fn the_server_is_stopped_and_comes_back() {
    stories::stopped_and_back(&mut Drongo::start()).await;
}

#[tokio::test]
#[ignore = "needs drongo: cargo xtask live gcp"]
async fn a_frozen_server_holds_up_no_other_vault() {
    stories::frozen_while_another_goes_on(&mut Drongo::start(), &mut Drongo::start()).await;
}

#[tokio::test]
#[ignore = "needs drongo: cargo xtask live gcp"]
async fn a_secret_is_removed_and_comes_back() {
    stories::removed_and_back(&mut Drongo::start()).await;
}

#[tokio::test]
#[ignore = "needs drongo: cargo xtask live gcp"]
async fn a_version_is_disabled_and_enabled_again() {
    let mut drongo = Drongo::start();
    drongo.write("first").await;
    let vault = drongo.vault("store").with("ttl", "1");
    let secrets = resolver([vault]);
    let handle = secrets.watch("{vault://store/db/#1}").await.unwrap();
    let version = "projects/p/secrets/db/versions/1";
    drongo
        .call("POST", &format!("{version}:disable"), &json!({}))
        .await;
    let (_, kind) = stale(&handle);
    assert_eq!(kind, ErrorKind::PermissionDenied);
    drongo
        .call("POST", &format!("{version}:enable"), &json!({}))
        .await;
    // A refusal is asked about again once a minute; whoever knows better says so.
    secrets.refresh(["{vault://store/db/#1}"]).await;
    fresh(&handle, "first");
}

#[tokio::test]
#[ignore = "needs drongo: cargo xtask live gcp"]
async fn a_member_and_a_version_are_read_by_reference() {
    let drongo = Drongo::start();
    drongo.add("p", "my-secret-name", br#"{"foo":"one"}"#).await;
    drongo.add("p", "my-secret-name", br#"{"foo":"two"}"#).await;
    let secrets = resolver([drongo.vault("gcp-certs")]);
    for (reference, value) in [
        ("{vault://gcp-certs/my-secret-name/foo}", "two"),
        ("{vault://gcp-certs/my-secret-name/foo#1}", "one"),
        ("{vault://gcp-certs/my-secret-name}", r#"{"foo":"two"}"#),
    ] {
        let found = secrets.get(reference).await.unwrap();
        assert_eq!(found.secret().expose(), value.as_bytes(), "{reference}");
    }
}
