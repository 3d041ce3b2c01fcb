//! The three stores, each a scripted server that holds what the page's references name and counts
//! how often each secret is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perennial_testkit::http::{Answer, HttpServer, Received};
use serde_json::{Value, json};

pub(crate) struct Stores {
    pub(crate) aws: HttpServer,
    pub(crate) gcp: HttpServer,
    pub(crate) hcv: HttpServer,
}

/// The value of each secret: an object, of which the references name a member.
fn secret(name: &str) -> Option<Value> {
    match name {
        "my-secret-name" => Some(json!({"foo": "bar"})),
        "certs" => Some(json!({"web-site": "certificate"})),
        _ => None,
    }
}

impl Stores {
    pub(crate) fn start() -> Self {
        Self {
            aws: HttpServer::start(aws),
            gcp: HttpServer::start(gcp),
            hcv: HttpServer::start(hcv),
        }
    }

    /// The settings by which a vault of this type reaches its server, in capitals.
    pub(crate) fn reached_by(&self, backend: &str) -> Vec<(&'static str, String)> {
        match backend {
            "AWS" => vec![
                ("ENDPOINT_URL", self.aws.url()),
                ("ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
                ("SECRET_ACCESS_KEY", "wJalrXUtnFEMI".to_owned()),
            ],
            "GCP" => vec![
                ("ENDPOINT_URL", self.gcp.url()),
                ("AUTH_METHOD", "anonymous".to_owned()),
            ],
            _ => vec![
                ("HOST", "127.0.0.1".to_owned()),
                ("PORT", self.hcv.port().to_string()),
            ],
        }
    }

    /// How often each store was read for the secret: AWS, GCP, Vault.
    pub(crate) fn reads(&self, name: &str) -> [usize; 3] {
        let count = |server: &HttpServer, is: &dyn Fn(&Received) -> bool| {
            server
                .requests()
                .iter()
                .filter(|request| is(request))
                .count()
        };
        [
            count(&self.aws, &|request| {
                target(request) == "secretsmanager.GetSecretValue" && asked(request) == name
            }),
            count(&self.gcp, &|request| {
                request
                    .path()
                    .ends_with(&format!("/secrets/{name}/versions/latest:access"))
            }),
            count(&self.hcv, &|request| {
                request.path() == format!("/v1/secret/data/{name}")
            }),
        ]
    }
}

fn target(request: &Received) -> &str {
    request.header("x-amz-target").unwrap_or_default()
}

fn asked(request: &Received) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    body["SecretId"].as_str().unwrap_or_default().to_owned()
}

fn aws(request: &Received) -> Answer {
    let refuse = |kind: &str| {
        let body = json!({"__type": kind, "Message": "no"}).to_string();
        Answer::new(400)
            .with_header("content-type", "application/x-amz-json-1.1")
            .with_body(body)
    };
    let name = asked(request);
    match (target(request), secret(&name)) {
        ("secretsmanager.GetSecretValue", Some(value)) => {
            let body = json!({
                "ARN": format!("arn:aws:secretsmanager:us-east-1:1:secret:{name}-AbCdEf"),
                "Name": name,
                "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE",
                "VersionStages": ["AWSCURRENT"],
                "SecretString": value.to_string(),
            });
            Answer::new(200)
                .with_header("content-type", "application/x-amz-json-1.1")
                .with_body(body.to_string())
        }
        ("secretsmanager.GetSecretValue", None) => refuse("ResourceNotFoundException"),
        _ => refuse("AccessDeniedException"),
    }
}

fn gcp(request: &Received) -> Answer {
    let path = request.path().strip_suffix("/versions/latest:access");
    let name = path.and_then(|path| path.rsplit('/').next());
    match name.and_then(secret) {
        Some(value) => {
            let data = STANDARD.encode(value.to_string());
            let name = "projects/1/secrets/s/versions/1";
            Answer::json(
                200,
                json!({"name": name, "payload": {"data": data}}).to_string(),
            )
        }
        None => Answer::json(
            403,
            json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}})
                .to_string(),
        ),
    }
}

/// KV of the second version, mounted where the settings say it is by default.
fn hcv(request: &Received) -> Answer {
    let answer = |data: Value| {
        let envelope = json!({
            "request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0,
            "wrap_info": null, "warnings": null, "auth": null, "data": data,
        });
        Answer::json(200, envelope.to_string())
    };
    if request.path() == "/v1/sys/internal/ui/mounts/secret" {
        return answer(json!({"type": "kv", "path": "secret/", "options": {"version": "2"}}));
    }
    let name = request.path().strip_prefix("/v1/secret/data/");
    match name.and_then(secret) {
        Some(value) => answer(json!({
            "data": value,
            "metadata": {
                "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false,
                "version": 1, "custom_metadata": null,
            },
        })),
        None => Answer::json(403, r#"{"errors":["permission denied"]}"#),
    }
}
