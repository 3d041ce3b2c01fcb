//! What each login sends, and that it sends nothing else.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perennial_backend::{ErrorKind, Request, Secret, SettingMap, Upkeep};
use perennial_backend_hcv::{Auth, AwsKeys, Config, Engine, Source};
use perennial_testkit::http::{Answer, HttpServer, Identity, Received};
use serde_json::{Value, json};

use crate::stand_in::{data, granted, refused};
use crate::support::{kv, read};

/// A server that grants every login and has one secret, for the token that it granted.
fn server(refuse: bool) -> HttpServer {
    HttpServer::start(script(refuse))
}

fn script(refuse: bool) -> impl Fn(&Received) -> Answer + Send + Sync + 'static {
    move |received| {
        if received.path().contains("/login") {
            if refuse {
                let echo = json!({"errors": [received.text()]});
                return Answer::json(400, echo.to_string());
            }
            return granted("s.canary-granted", 60, true);
        }
        if received.path() == "/v1/sys/wrapping/unwrap" {
            assert_eq!(received.header("x-vault-token"), Some("s.canary-wrapping"));
            return data(&json!({"secret_id": "canary-secret"}));
        }
        assert_eq!(received.header("x-vault-token"), Some("s.canary-granted"));
        match received.path() {
            "/v1/sys/internal/ui/mounts/secret" => refused(&["permission denied"]),
            _ => data(&json!({"data": {"a": "b"}, "metadata": {"version": 1}})),
        }
    }
}

/// Logs in and returns what was sent until then.
async fn sent(auth: Auth) -> Vec<Received> {
    let identity = Identity::new("ours");
    let with_tls = auth.method() == "cert";
    let server = match with_tls {
        true => HttpServer::start_tls(&identity, script(false)),
        false => server(false),
    };
    let config = Config::default().with_address(server.url());
    let mut config = config.with_namespace("team").with_auth(auth);
    if with_tls {
        let client = identity.issue("app", &["app"]);
        config = config
            .with_ca(Source::given(identity.ca_pem()))
            .with_client_certificate(
                Source::given(client.certificate_pem.as_str()),
                Source::given(client.key_pem.as_str()),
            );
    }
    let kv = kv(config);
    assert_eq!(
        read(&kv, &Request::new("db")).await.unwrap(),
        r#"{"a":"b"}"#
    );
    let received = server.requests();
    let login = received
        .iter()
        .position(|request| request.path().contains("/login"));
    received[..=login.unwrap()].to_vec()
}

async fn check(auth: Auth, path: &str, body: Value) {
    let method = auth.method();
    let sent = sent(auth).await;
    let login = sent.last().unwrap();
    assert_eq!(
        (login.method.as_str(), login.target.as_str()),
        ("POST", path),
        "{method}"
    );
    let found: Value = serde_json::from_slice(&login.body).unwrap();
    assert_eq!(found, body, "{method}");
    assert_eq!(login.header("x-vault-token"), None, "{method}");
    assert_eq!(login.header("x-vault-namespace"), Some("team"), "{method}");
    assert_eq!(
        login.header("content-type"),
        Some("application/json"),
        "{method}"
    );
}

fn written(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("file");
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn each_login_goes_to_its_path_with_what_its_method_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "canary-file\n");
    let role = || Secret::from("canary-role");
    let approle = Auth::approle(role(), Source::given("canary\"secret"));
    let body = json!({"role_id": "canary-role", "secret_id": "canary\"secret"});
    check(approle, "/v1/auth/approle/login", body).await;
    let approle = Auth::approle(role(), Source::file(&file)).with_path("/team/approle/");
    let body = json!({"role_id": "canary-role", "secret_id": "canary-file"});
    check(approle, "/v1/auth/team/approle/login", body).await;
    let alone = Auth::approle_without_secret(role());
    let body = json!({"role_id": "canary-role"});
    check(alone, "/v1/auth/approle/login", body).await;
    let kubernetes = Auth::kubernetes("app", &file);
    let body = json!({"role": "app", "jwt": "canary-file"});
    check(kubernetes, "/v1/auth/kubernetes/login", body.clone()).await;
    check(Auth::jwt(Some("app"), &file), "/v1/auth/jwt/login", body).await;
    let body = json!({"jwt": "canary-file"});
    check(Auth::jwt(None, &file), "/v1/auth/jwt/login", body).await;
    check(
        Auth::cert(Some("app")),
        "/v1/auth/cert/login",
        json!({"name": "app"}),
    )
    .await;
    check(Auth::cert(None), "/v1/auth/cert/login", json!({})).await;
    let userpass = Auth::userpass("al ice", Source::given("canary"));
    let body = json!({"password": "canary"});
    check(userpass, "/v1/auth/userpass/login/al%20ice", body).await;
}

#[tokio::test]
async fn a_wrapped_secret_id_is_unwrapped_before_the_login() {
    let wrapping = Source::given("s.canary-wrapping");
    let sent = sent(Auth::approle_wrapped(Secret::from("r"), wrapping)).await;
    let lines: Vec<_> = sent.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(lines, ["/v1/sys/wrapping/unwrap", "/v1/auth/approle/login"]);
    let body: Value = serde_json::from_slice(&sent[1].body).unwrap();
    assert_eq!(body, json!({"role_id": "r", "secret_id": "canary-secret"}));
}

#[tokio::test]
async fn an_agent_that_adds_a_token_is_sent_none_and_asked_about_none() {
    let server = HttpServer::start(|received| {
        assert_eq!(received.header("x-vault-token"), None);
        assert_eq!(received.header("x-vault-request"), Some("true"));
        match received.path() {
            "/v1/secret/data/closed" => refused(&["permission denied"]),
            "/v1/secret/data/dead" => refused(&["permission denied", "invalid token"]),
            "/v1/secret/data/none" => Answer::json(400, r#"{"errors":["missing client token"]}"#),
            _ => data(&json!({"data": {"a": "b"}, "metadata": {"version": 1}})),
        }
    });
    let config = Config::default().with_address(server.url());
    let kv = kv(config.with_auth(Auth::none()).with_engine(Engine::V2));
    let check = async |name: &str, kind, expected: &str| {
        server.forget();
        let error = read(&kv, &Request::new(name)).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, expected));
        assert!(error.help().unwrap().contains("agent") || name == "dead");
        assert_eq!(server.requests().len(), 1);
    };
    let denied = "the token may not read `secret/data/closed`";
    check("closed", ErrorKind::PermissionDenied, denied).await;
    let dead = "the token of the agent or proxy was refused";
    check("dead", ErrorKind::Unauthenticated, dead).await;
    check("none", ErrorKind::Unauthenticated, "no token came").await;
    assert_eq!(
        read(&kv, &Request::new("db")).await.unwrap(),
        r#"{"a":"b"}"#
    );
    assert_eq!(kv.due(), None);
}

#[tokio::test]
async fn a_login_by_aws_carries_a_signed_request_and_no_key() {
    let keys = AwsKeys::new("AKIDEXAMPLE", Secret::from("canary-key"));
    let auth = Auth::aws_iam("app", "eu-central-1", keys).with_aws(None, Some("vault.example.com"));
    let sent = sent(auth).await;
    let login = sent.last().unwrap();
    assert_eq!(login.target, "/v1/auth/aws/login");
    let body: Value = serde_json::from_slice(&login.body).unwrap();
    assert_eq!(
        (&body["role"], &body["iam_http_request_method"]),
        (&json!("app"), &json!("POST"))
    );
    let decoded = |name: &str| {
        let bytes = STANDARD.decode(body[name].as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(
        decoded("iam_request_url"),
        "https://sts.eu-central-1.amazonaws.com/"
    );
    let call = "Action=GetCallerIdentity&Version=2011-06-15";
    assert_eq!(decoded("iam_request_body"), call);
    let headers = decoded("iam_request_headers");
    assert!(headers.contains("Credential=AKIDEXAMPLE/"), "{headers}");
    assert!(!headers.contains("canary"), "{headers}");
}

#[tokio::test]
async fn a_refused_login_shows_nothing_of_what_was_sent() {
    let server = server(true);
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "canary");
    for auth in [
        Auth::approle(Secret::from("canary"), Source::given("canary")),
        Auth::userpass("alice", Source::given("canary")),
        Auth::jwt(None, &file),
        Auth::aws_iam(
            "r",
            "us-east-1",
            AwsKeys::new("canary", Secret::from("canary")),
        ),
    ] {
        let method = auth.method();
        let config = Config::default().with_address(server.url()).with_auth(auth);
        let error = read(&kv(config), &Request::new("db")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{method}");
        assert_eq!(
            error.to_string(),
            format!("the login by `{method}` was refused")
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_yet_is_read_by_the_next_call() {
    let server = server(false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let auth = Auth::kubernetes("app", &path);
    let kv = kv(Config::default().with_address(server.url()).with_auth(auth));
    let failed = |text: &'static str| {
        let kv = &kv;
        async move {
            let error = read(kv, &Request::new("db")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
            assert_eq!(error.to_string(), text);
        }
    };
    failed("the file of setting `kube_api_token_file` does not exist").await;
    std::fs::write(&path, " \n").unwrap();
    failed("the file of setting `kube_api_token_file` is empty").await;
    std::fs::write(&path, "canary").unwrap();
    read(&kv, &Request::new("db")).await.unwrap();
}

#[tokio::test]
async fn whoever_has_not_logged_in_is_told_to() {
    let server = server(false);
    let home = tempfile::tempdir().unwrap();
    let settings = SettingMap::new()
        .with("address", server.url())
        .with("home", home.path().to_str().unwrap());
    let kv = kv(Config::from_settings(&settings).unwrap());
    let error = read(&kv, &Request::new("db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(
        error.to_string().contains("nobody has logged in"),
        "{error}"
    );
    assert!(error.help().unwrap().contains("vault login"));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_a_login_brings_is_a_token_or_an_error_and_no_panic() {
    let round = AtomicUsize::new(0);
    let bad = [
        r#"{"auth":{"client_token":"s.canary\nx","lease_duration":60}}"#,
        r#"{"auth":{"client_token":"","lease_duration":60}}"#,
        r#"{"auth":{"client_token":"canary ü"}}"#,
        r#"{"auth":{"client_token":5}}"#,
        r#"{"auth":null,"data":{"client_token":"canary"}}"#,
        "canary",
    ];
    let server = HttpServer::start(move |_| {
        let index = round.fetch_add(1, Ordering::Relaxed);
        Answer::json(200, bad[index % bad.len()])
    });
    let auth = Auth::userpass("a", Source::given("canary"));
    let kv = kv(Config::default().with_address(server.url()).with_auth(auth));
    for _ in bad {
        let error = read(&kv, &Request::new("db")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error:?}");
    }
    assert_eq!(server.requests().len(), bad.len());
}
