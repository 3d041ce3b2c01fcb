//! GCP Secret Manager, against drongo, a stand-in that speaks its REST API.
//!
//! What drongo lacks or does otherwise than the service is tested against a scripted server, beside
//! the backend.

mod conformance;
mod stories;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::server::Server;

/// A running drongo.
struct Drongo {
    server: Server,
    client: reqwest::Client,
}

impl Drongo {
    fn start() -> Self {
        let server = Server::start("PERENNIAL_LIVE_DRONGO", |port, _| {
            let port = port.to_string();
            ["server", "--host", "127.0.0.1", "--port", &port]
                .map(str::to_owned)
                .to_vec()
        });
        Self {
            server,
            // Kept connections would be those of a server that was stopped in between.
            client: reqwest::Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
        }
    }

    /// Sends a call of the API and returns its answer; fails the test unless it is a good one.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_call(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    async fn try_call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/v1/{path}", self.server.url());
        let request = self
            .client
            .request(method.parse().unwrap(), url)
            .json(body)
            .send();
        let response = request.await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// Adds a version to a secret, which is made if it is not there.
    async fn add(&self, project: &str, secret: &str, value: &[u8]) {
        let replication = json!({"replication": {"automatic": {}}});
        let make = format!("projects/{project}/secrets?secretId={secret}");
        self.try_call("POST", &make, &replication).await;
        let payload = json!({"payload": {"data": STANDARD.encode(value)}});
        let add = format!("projects/{project}/secrets/{secret}:addVersion");
        self.call("POST", &add, &payload).await;
    }

    async fn delete(&self, secret: &str) {
        let path = format!("projects/p/secrets/{secret}");
        self.call("DELETE", &path, &Value::Null).await;
    }
}
