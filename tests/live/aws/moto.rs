//! The emulator, and what tests do to it by other means than the backend.

use std::time::Duration;

use perennial::aws::{Config, SecretsManager};
use perennial_backend::{Backend, Context, Error, Fetched, Payload, Request, Secret, VaultSpec};
use perennial_resolver::Resolver;
use perennial_testkit::LiveRuntime;
use serde_json::{Value, json};

use crate::server::Server;

/// A running emulator of Secrets Manager, STS and IAM; it holds all in memory.
pub(crate) struct Moto {
    pub(crate) server: Server,
    http: reqwest::Client,
}

pub(crate) const REGION: &str = "eu-central-1";

impl Moto {
    pub(crate) async fn start() -> Self {
        let server = Server::start("PERENNIAL_LIVE_MOTO", |port, _| {
            ["-H", "127.0.0.1", "-p", &port.to_string()]
                .map(str::to_owned)
                .to_vec()
        });
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let moto = Self { server, http };
        moto.is_ready().await;
        moto
    }

    /// Waits until it answers: it takes connections a little earlier.
    pub(crate) async fn is_ready(&self) {
        let url = format!("{}/moto-api/", self.server.url());
        for _ in 0..100 {
            let answer = self.http.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("moto does not answer");
    }

    /// Ends it and starts it again, which empties it.
    pub(crate) async fn restart(&mut self) {
        self.server.start_again();
        self.is_ready().await;
    }

    /// Makes one call of Secrets Manager, and expects it to succeed.
    pub(crate) async fn call(&self, operation: &str, body: Value) -> Value {
        let scope = format!("AKIATEST/20260101/{REGION}/secretsmanager/aws4_request");
        let request = self
            .http
            .post(self.server.url())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}"),
            )
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{operation}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Makes one call of IAM, and returns its answer, which is XML.
    pub(crate) async fn iam(&self, parameters: &[(&str, &str)]) -> String {
        let scope = format!("AKIATEST/20260101/{REGION}/iam/aws4_request");
        let request = self
            .http
            .post(self.server.url())
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}"),
            )
            .form(parameters);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{parameters:?}: {status} {text}");
        text
    }

    /// Lets it check signatures and policies from now on, or no longer.
    pub(crate) async fn enforce(&self, enforce: bool) {
        let after = if enforce { "0" } else { "99999999" };
        let url = format!("{}/moto-api/reset-auth", self.server.url());
        let answer = self.http.post(url).body(after).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Returns the sessions of roles that were given so far.
    pub(crate) async fn sessions(&self) -> Vec<Value> {
        let url = format!("{}/moto-api/data.json", self.server.url());
        let text = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let data: Value = serde_json::from_str(&text).unwrap();
        data["sts"]["AssumedRole"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) async fn create(&self, name: &str, value: &str) -> Value {
        self.call("CreateSecret", json!({"Name": name, "SecretString": value}))
            .await
    }

    /// Gives a secret a new version in force.
    pub(crate) async fn put(&self, name: &str, value: &str) {
        self.call(
            "PutSecretValue",
            json!({"SecretId": name, "SecretString": value}),
        )
        .await;
    }

    pub(crate) fn config(&self) -> Config {
        Config::default()
            .with_region(REGION)
            .with_endpoint_url(self.server.url())
            .with_sts_endpoint_url(self.server.url())
            .with_access_key("AKIATEST", Secret::from("canary-key"))
    }

    pub(crate) fn backend(&self) -> SecretsManager {
        SecretsManager::new(self.config()).unwrap()
    }

    /// Makes a resolver whose vault `moto` reads from here, with these settings beside.
    pub(crate) fn resolver(&self, settings: &[(&str, &str)]) -> Resolver {
        let spec = VaultSpec::named("moto", "aws")
            .unwrap()
            .with("region", REGION)
            .with("endpoint_url", self.server.url())
            .with("access_key_id", "AKIATEST")
            .with("secret_access_key", "canary-key");
        let spec = settings
            .iter()
            .fold(spec, |spec, (name, value)| spec.with(*name, *value));
        Resolver::builder()
            .backends(perennial::backends())
            .vault(spec)
            .build()
            .unwrap()
    }
}

pub(crate) fn cx() -> Context {
    LiveRuntime::new().context(Duration::from_secs(20))
}

pub(crate) async fn read(backend: &SecretsManager, name: &str) -> Result<String, Error> {
    let fetched = backend.fetch(&cx(), &Request::new(name)).await?;
    Ok(text(&fetched))
}

pub(crate) fn text(fetched: &Fetched) -> String {
    match fetched.payload() {
        Payload::Secret(secret) => secret.expose_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}
