//! A Vault of a test's own: initialised, unsealed, with KV 2 at `secret` and KV 1 at `old`.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use perennial::backend::{Backend, Context, Request, SettingMap};
use perennial::{Resolver, VaultSpec};
use perennial_testkit::LiveRuntime;
use serde_json::{Value, json};

use crate::server::Server;

/// A running Vault and its root token.
pub(crate) struct Vault {
    server: Mutex<Server>,
    url: String,
    client: reqwest::Client,
    key: String,
    root: String,
}

impl Vault {
    /// Starts one over plain HTTP.
    pub(crate) async fn start() -> Self {
        let server = Server::start("PERENNIAL_LIVE_VAULTD", |port, folder| {
            arguments(port, &folder.join("data").display().to_string(), &[])
        });
        let url = server.url();
        Self::open(server, url, client(reqwest::Client::builder())).await
    }

    /// Starts one that speaks TLS with this certificate, and trusts this authority.
    pub(crate) async fn start_tls(certificate: &str, key: &str, ca: &str) -> Self {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let server = Server::start("PERENNIAL_LIVE_VAULTD", |port, folder| {
            let (cert_file, key_file) = (folder.join("cert.pem"), folder.join("key.pem"));
            std::fs::write(&cert_file, &certificate).unwrap();
            std::fs::write(&key_file, &key).unwrap();
            let (cert_file, key_file) = (
                cert_file.display().to_string(),
                key_file.display().to_string(),
            );
            let tls = ["-tls-cert", &cert_file, "-tls-key", &key_file];
            arguments(port, &folder.join("data").display().to_string(), &tls)
        });
        let url = server.url().replacen("http:", "https:", 1);
        let trusted = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([trusted]);
        Self::open(server, url, client(builder)).await
    }

    async fn open(server: Server, url: String, client: reqwest::Client) -> Self {
        let mut vault = Self {
            server: Mutex::new(server),
            url,
            client,
            key: String::new(),
            root: String::new(),
        };
        let shares = json!({"secret_shares": 1, "secret_threshold": 1});
        let made = vault.ask("PUT", "sys/init", Some(shares)).await.unwrap();
        vault.key = made["keys_base64"][0].as_str().unwrap().to_owned();
        vault.root = made["root_token"].as_str().unwrap().to_owned();
        vault.unseal().await;
        vault
            .put(
                "sys/mounts/secret",
                json!({"type": "kv", "options": {"version": "2"}}),
            )
            .await;
        vault
            .put(
                "sys/mounts/old",
                json!({"type": "kv", "options": {"version": "1"}}),
            )
            .await;
        // A mount of KV 2 that was just made is not ready at once.
        let ready = async || {
            let made = vault.ask(
                "POST",
                "secret/data/ready",
                Some(json!({"data": {"a": "b"}})),
            );
            made.await.ok()
        };
        eventually("the mount is ready", ready).await;
        vault
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Asks the API as root; a refusal is its status and body.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        self.ask_as(&self.root, method, path, body).await
    }

    pub(crate) async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}/v1/{path}", self.url);
        let mut request = self
            .client
            .request(method, url)
            .header("X-Vault-Token", token);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        answer(request).await
    }

    /// Asks the API as root and lets the answer be wrapped; returns the wrapping token.
    pub(crate) async fn wrapped(&self, path: &str) -> String {
        let url = format!("{}/v1/{path}", self.url);
        let request = self
            .client
            .post(url)
            .header("X-Vault-Token", &self.root)
            .header("X-Vault-Wrap-TTL", "300s");
        let wrapped = answer(request).await.unwrap();
        wrapped["wrap_info"]["token"].as_str().unwrap().to_owned()
    }

    /// Writes something as root.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, Some(body)).await.unwrap()
    }

    /// Writes a version of a secret of KV 2.
    pub(crate) async fn write(&self, name: &str, data: Value) {
        self.put(&format!("secret/data/{name}"), json!({"data": data}))
            .await;
    }

    /// Gives a policy its rules.
    pub(crate) async fn policy(&self, name: &str, rules: &str) {
        let path = format!("sys/policies/acl/{name}");
        self.put(&path, json!({"policy": rules})).await;
    }

    /// Makes a token with the policy `app` and these terms.
    pub(crate) async fn token(&self, mut terms: Value) -> String {
        terms["policies"] = json!(["app"]);
        let made = self.put("auth/token/create", terms).await;
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn unseal(&self) {
        let body = json!({"key": self.key});
        let unseal = async || {
            let answer = self
                .ask("PUT", "sys/unseal", Some(body.clone()))
                .await
                .ok()?;
            (answer["sealed"] == false).then_some(())
        };
        eventually("it is unsealed", unseal).await;
        let active = async || self.ask("GET", "sys/mounts", None).await.ok();
        eventually("it is active", active).await;
    }

    pub(crate) async fn seal(&self) {
        self.ask("PUT", "sys/seal", None).await.unwrap();
    }

    pub(crate) fn stop(&self) {
        self.server.lock().unwrap().stop();
    }

    /// Starts it again, with what it held, and unseals it.
    pub(crate) async fn start_again(&self) {
        self.server.lock().unwrap().start_again();
        self.unseal().await;
    }

    pub(crate) fn freeze(&self) {
        self.server.lock().unwrap().freeze();
    }

    /// Waits until a server that was frozen stands still, which takes the system a moment.
    pub(crate) async fn stands_still(&self) {
        let silent = async || {
            let asked = self.ask("GET", "sys/health", None);
            let answered = tokio::time::timeout(Duration::from_millis(100), asked).await;
            answered.is_err().then_some(())
        };
        eventually("it stands still", silent).await;
    }

    pub(crate) fn thaw(&self) {
        self.server.lock().unwrap().thaw();
    }

    /// Makes a backend of settings, as a vault of a configuration is made.
    pub(crate) fn backend(&self, settings: &[(&str, &str)]) -> Arc<dyn Backend> {
        let mut map = SettingMap::new().with("address", self.url.as_str());
        for (name, text) in settings {
            map = map.with(*name, *text);
        }
        perennial::hcv::backend_type().build(&map).unwrap()
    }

    /// Makes a resolver with one vault, `hcv-live`.
    pub(crate) fn resolver(&self, settings: &[(&str, &str)]) -> Resolver {
        let mut spec = VaultSpec::named("hcv-live", "hcv").unwrap();
        spec = spec.with("address", self.url.as_str());
        for (name, text) in settings {
            spec = spec.with(*name, *text);
        }
        Resolver::builder()
            .backends(perennial::backends())
            .vault(spec)
            .build()
            .unwrap()
    }
}

/// Reads a secret and returns it as text, or why not.
pub(crate) async fn fetch(
    backend: &Arc<dyn Backend>,
    request: &Request,
) -> Result<String, perennial::backend::Error> {
    let fetched = backend.fetch(&context(), request).await?;
    match fetched.payload() {
        perennial::backend::Payload::Secret(secret) => Ok(secret.expose_str().unwrap().to_owned()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn context() -> Context {
    LiveRuntime::new().context(Duration::from_secs(10))
}

/// Asks again and again until there is an answer; gives up after half a minute.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "not seen: {what}"
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Ends a test that takes too long.
pub(crate) async fn bounded<F: Future>(test: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(90), test).await {
        Ok(output) => output,
        Err(_) => panic!("the test takes too long"),
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("{status}: {text}"));
    }
    Ok(if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap()
    })
}

fn client(builder: reqwest::ClientBuilder) -> reqwest::Client {
    builder
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
        .unwrap()
}

fn arguments(port: u16, data: &str, more: &[&str]) -> Vec<String> {
    let listen = format!("127.0.0.1:{port}");
    let given = ["-listen", &listen, "-storage", data];
    let all = given.iter().chain(more);
    all.map(|text| (*text).to_owned()).collect()
}

/// The least that an application has to be allowed.
pub(crate) const POLICY: &str = r#"
path "secret/data/app/*" { capabilities = ["read"] }
path "old/app/*" { capabilities = ["read"] }
"#;
