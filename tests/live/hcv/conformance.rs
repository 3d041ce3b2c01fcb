//! The contract, rule by rule, for KV 1 and KV 2.

use std::sync::{Arc, Mutex};

use perennial::backend::{
    Backend, Capabilities, Context, Error, Facets, Fetched, Payload, Request, Secret, async_trait,
};
use perennial_testkit::{Harness, OUTSIDE, Unable};
use serde_json::{Value, json};

use super::vault::{POLICY, Vault};

/// A mount that the rules may fill, change and break, and a token that may read in it.
struct Scene {
    vault: Vault,
    mount: &'static str,
    rules: Mutex<String>,
    backend: Arc<Member>,
}

impl Scene {
    async fn start(mount: &'static str) -> Self {
        let vault = Vault::start().await;
        // Names that would lead outside may be read, so that nothing but the backend keeps them in.
        let rules = format!(
            "{POLICY}\npath \"{mount}/*\" {{ capabilities = [\"read\"] }}\n\
             path \"cubbyhole/*\" {{ capabilities = [\"read\"] }}"
        );
        vault.policy("app", &rules).await;
        let token = vault.token(json!({})).await;
        let engine = if mount == "old" { "v1" } else { "v2" };
        let mut settings = vec![("token", token.as_str()), ("mount", mount)];
        // KV 2 is found out by asking.
        if engine == "v1" {
            settings.push(("kv", engine));
        }
        let backend = Arc::new(Member(vault.backend(&settings)));
        let rules = Mutex::new(rules);
        Self {
            vault,
            mount,
            rules,
            backend,
        }
    }

    fn path(&self, name: &str) -> String {
        match self.mount {
            "old" => format!("old/{name}"),
            mount => format!("{mount}/data/{name}"),
        }
    }

    async fn write(&self, name: &str, value: &[u8]) -> Result<(), Unable> {
        let text =
            str::from_utf8(value).map_err(|_| Unable::new("KV keeps JSON, which is text"))?;
        let object = json!({"value": text, "other": 1});
        let body = match self.mount {
            "old" => object,
            _ => json!({"data": object}),
        };
        self.vault.put(&self.path(name), body).await;
        Ok(())
    }
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<Member>::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        let name = format!("app/{label}");
        self.write(&name, value).await?;
        Ok(name)
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.write(resource, value).await
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        self.vault
            .ask("DELETE", &self.path(resource), None)
            .await
            .unwrap();
        Ok(())
    }

    async fn deny(&self, resource: &str) -> Result<(), Unable> {
        let closed = format!(
            "\npath \"{}\" {{ capabilities = [\"deny\"] }}",
            self.path(resource)
        );
        let rules = self.rules.lock().unwrap().clone() + &closed;
        self.vault.policy("app", &rules).await;
        Ok(())
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        if down {
            self.vault.stop();
        } else {
            self.vault.start_again().await;
        }
        Ok(())
    }

    async fn hang(&self, hung: bool) -> Result<(), Unable> {
        if hung {
            self.vault.freeze();
            self.vault.stands_still().await;
        } else {
            self.vault.thaw();
        }
        Ok(())
    }

    async fn escapes(&self) -> Vec<String> {
        for name in ["outside", "a/outside", "b"] {
            self.write(name, OUTSIDE).await.unwrap();
        }
        let names = [
            "%2e%2e%2foutside",
            "%252e%252e/outside",
            "a/%2E%2E/outside",
            "x/..%2foutside",
            "outside%3fversion=1",
            "../metadata/outside",
            "../../sys/health",
            "\u{2028}/../outside",
        ];
        names.map(str::to_owned).to_vec()
    }
}

/// Takes the member `value` out of every secret, as a reference with that key does.
#[derive(Debug)]
struct Member(Arc<dyn Backend>);

#[async_trait]
impl Backend for Member {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let fetched = self.0.fetch(cx, request).await?;
        let Payload::Secret(object) = fetched.payload() else {
            panic!("a secret of KV comes as one object");
        };
        let object: Value = serde_json::from_slice(object.expose()).unwrap();
        let taken = Fetched::secret(Secret::from(object["value"].as_str().unwrap()));
        Ok(match fetched.version() {
            Some(version) => taken.with_version(version.clone()),
            None => taken,
        })
    }

    fn facets(&self) -> Facets<'_> {
        self.0.facets()
    }
}

mod second {
    use super::Scene;

    perennial_testkit::conformance! {
        start = || Scene::start("secret"),
        cannot = [
            "binary_value_is_kept",
            "members_come_from_one_read",
        ],
        ignore = "needs Vault: cargo xtask live hcv",
    }
}

mod first {
    use super::Scene;

    perennial_testkit::conformance! {
        start = || Scene::start("old"),
        cannot = [
            "binary_value_is_kept",
            "members_come_from_one_read",
        ],
        ignore = "needs Vault: cargo xtask live hcv",
    }
}
