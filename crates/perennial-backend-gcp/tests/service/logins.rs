//! Who asks: every kind of credentials, the order in which they are tried, and their loss.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use perennial_backend::{ErrorKind, Origin, Secret, Setting, SettingMap};
use perennial_backend_gcp::{AuthMethod, AuthOrder, Config, SecretManager};
use perennial_testkit::http::{Answer, HttpServer, Received};
use serde_json::{Value, json};

use crate::{clean, payload, value};

pub(crate) const METADATA_TOKEN: &str =
    "/computeMetadata/v1/instance/service-accounts/default/token";

const OTHER: &str =
    "/v1/projects/-/serviceAccounts/other@p.iam.gserviceaccount.com:generateAccessToken";

/// A cloud in small: the service, the metadata server, and the places that give tokens.
pub(crate) fn cloud(metadata: bool) -> HttpServer {
    HttpServer::start(move |request| match request.path() {
        METADATA_TOKEN if metadata => {
            assert_eq!(request.header("metadata-flavor"), Some("Google"));
            token("canary-of-machine")
        }
        "/sts" => Answer::json(
            200,
            json!({
                "access_token": "canary-of-federation", "expires_in": 3600, "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            })
            .to_string(),
        ),
        "/oauth" => token("canary-of-user"),
        OTHER => Answer::json(
            200,
            json!({"accessToken": "canary-of-other", "expireTime": "2100-01-01T00:00:00Z"})
                .to_string(),
        ),
        path if path.ends_with(":access") => Answer::json(200, payload("")),
        _ => Answer::new(404),
    })
}

pub(crate) fn token(text: &str) -> Answer {
    let answer = json!({"access_token": text, "expires_in": 3600, "token_type": "Bearer"});
    Answer::json(200, answer.to_string())
}

pub(crate) fn config(server: &HttpServer) -> Config {
    Config::default()
        .with_project_id("p")
        .with_endpoint_url(server.url())
        .with_metadata_host(server.url().trim_start_matches("http://"))
        .without_schedule()
}

/// A key file of a service account, with a key made for these tests.
pub(crate) fn service_account() -> Secret {
    static KEY: OnceLock<String> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        pair.serialize_pem()
    });
    let json = json!({
        "type": "service_account",
        "client_email": "reader@p.iam.gserviceaccount.com",
        "private_key_id": "k1",
        "private_key": key,
        "project_id": "p",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    Secret::from(json.to_string())
}

pub(crate) fn user(server: &HttpServer) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "canary-client",
        "refresh_token": "canary-refresh",
        "token_uri": format!("{}/oauth", server.url()),
    })
}

/// Reads once and returns who the service was told asks.
async fn asker(server: &HttpServer, config: Config) -> String {
    let backend = SecretManager::new(config).unwrap();
    assert_eq!(value(&backend, "s").await.unwrap(), b"canary");
    assert!(!format!("{backend:?}").contains("canary"));
    let reads = server.requests();
    let read = reads.iter().rfind(|read| read.path().ends_with(":access"));
    let header = read.unwrap().header("authorization").unwrap_or_default();
    header.trim_start_matches("Bearer ").to_owned()
}

fn asked<'a>(requests: &'a [Received], path: &str) -> &'a Received {
    requests.iter().find(|read| read.path() == path).unwrap()
}

#[tokio::test]
async fn a_service_account_signs_for_itself() {
    let server = cloud(false);
    let jwt = asker(
        &server,
        config(&server).with_service_account(service_account()),
    )
    .await;
    let parts: Vec<_> = jwt.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "reader@p.iam.gserviceaccount.com");
    assert_eq!(
        claims["scope"],
        "https://www.googleapis.com/auth/cloud-platform"
    );
    assert_eq!(
        server.requests().len(),
        1,
        "no token has to be fetched for that"
    );
}

#[tokio::test]
async fn the_metadata_server_speaks_for_the_machine() {
    let server = cloud(true);
    let config = config(&server);
    let metadata = config.clone().with_auth_method(AuthMethod::Metadata);
    assert_eq!(asker(&server, metadata).await, "canary-of-machine");
    // It is what is left when nothing else is given.
    assert_eq!(asker(&server, config).await, "canary-of-machine");
}

#[tokio::test]
async fn both_of_the_originals_orders_are_kept() {
    let check = async |metadata: bool, order: AuthOrder, machine: bool| {
        let server = cloud(metadata);
        let config = config(&server)
            .with_service_account(service_account())
            .with_auth_method_order(order);
        let machine_asked = asker(&server, config).await == "canary-of-machine";
        assert_eq!(machine_asked, machine, "{metadata} {order:?}");
    };
    check(true, AuthOrder::Legacy, true).await;
    check(true, AuthOrder::Adc, false).await;
    check(false, AuthOrder::Legacy, false).await;
    check(false, AuthOrder::Adc, false).await;
}

#[tokio::test]
async fn the_originals_variables_are_enough() {
    let server = cloud(true);
    let text = service_account();
    let mut settings = SettingMap::new()
        .with("project_id", "p")
        .with("endpoint_url", server.url())
        .with("metadata_host", server.url().trim_start_matches("http://"));
    let mut variable = |field: &str, name: &str, text: &str| {
        settings.insert(field, Setting::new(text, Origin::Variable(name.into())));
        settings.clone()
    };
    let legacy = variable(
        "service_account",
        "GCP_SERVICE_ACCOUNT",
        text.expose_str().unwrap(),
    );
    let legacy = Config::from_settings(&legacy).unwrap();
    assert_eq!(asker(&server, legacy).await, "canary-of-machine");
    let adc = variable("auth_method_order", "GCP_AUTH_METHOD_ORDER", "adc");
    let adc = Config::from_settings(&adc).unwrap();
    assert_ne!(asker(&server, adc).await, "canary-of-machine");
}

#[tokio::test]
async fn a_workload_identity_exchanges_the_token_of_its_file() {
    let server = cloud(false);
    let folder = tempfile::tempdir().unwrap();
    let subject = folder.path().join("token");
    std::fs::write(&subject, "canary-of-pod").unwrap();
    let json = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", server.url()),
        "credential_source": { "file": subject },
    });
    let file = folder.path().join("credentials.json");
    std::fs::write(&file, json.to_string()).unwrap();
    let config = config(&server).with_credentials_file(file);
    assert_eq!(asker(&server, config).await, "canary-of-federation");
    let requests = server.requests();
    let exchange = asked(&requests, "/sts").text();
    for part in [
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
        "subject_token=canary-of-pod",
        "workloadIdentityPools%2Fa%2Fproviders%2Fb",
    ] {
        assert!(exchange.contains(part), "{exchange}");
    }
}

#[tokio::test]
async fn what_gcloud_wrote_is_found_below_the_home_directory() {
    let server = cloud(true);
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("application_default_credentials.json");
    std::fs::write(file, user(&server).to_string()).unwrap();
    let config = config(&server).with_home(home.path());
    assert_eq!(asker(&server, config).await, "canary-of-user");
    let requests = server.requests();
    assert!(asked(&requests, "/oauth").text().contains("canary-refresh"));
}

#[tokio::test]
async fn another_account_is_impersonated() {
    let server = cloud(false);
    let json = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": format!("{}{OTHER}", server.url()),
        "delegates": [],
        "source_credentials": user(&server),
    });
    let config = config(&server).with_service_account(Secret::from(json.to_string()));
    assert_eq!(asker(&server, config).await, "canary-of-other");
    let requests = server.requests();
    let asked = asked(&requests, OTHER);
    assert_eq!(asked.header("authorization"), Some("Bearer canary-of-user"));
}

#[tokio::test]
async fn credentials_of_the_wrong_form_are_named_and_not_repeated() {
    let server = cloud(false);
    let check = async |text: &str, message: &str| {
        let config = config(&server).with_service_account(Secret::from(text));
        let backend = SecretManager::new(config).unwrap();
        let error = value(&backend, "s").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.help().is_some());
        clean(&error);
    };
    check("canary", "not JSON").await;
    check(r#"{"private_key":"canary"}"#, "no `type`").await;
    check(r#"{"type":"canary"}"#, "no `type`").await;
    check(
        r#"{"type":"service_account","private_key":"canary"}"#,
        "not of the form",
    )
    .await;
    let file = config(&server).with_credentials_file("/nonexistent/key.json");
    let error = value(&SecretManager::new(file).unwrap(), "s")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("credentials_file"), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn without_any_credentials_the_error_says_what_to_set() {
    let server = cloud(false);
    let backend = SecretManager::new(config(&server)).unwrap();
    let error = value(&backend, "s").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(
        error
            .help()
            .unwrap()
            .contains("GOOGLE_APPLICATION_CREDENTIALS")
    );
}

#[tokio::test]
async fn a_home_that_is_not_ours_to_read_is_passed_over() {
    let server = cloud(true);
    for home in ["/dev/null", "/nonexistent"] {
        let config = config(&server).with_home(home);
        assert_eq!(asker(&server, config).await, "canary-of-machine");
    }
}

#[tokio::test]
async fn a_machine_without_a_service_account_is_told_from_one_without_a_metadata_server() {
    let server = cloud(false);
    for method in [AuthMethod::Auto, AuthMethod::Metadata] {
        let backend = SecretManager::new(config(&server).with_auth_method(method)).unwrap();
        let error = value(&backend, "s").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(error.to_string().contains("gives no token"), "{error}");
    }
    server.down(true);
    let backend = SecretManager::new(config(&server)).unwrap();
    let error = value(&backend, "s").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("no metadata server"), "{error}");
}
