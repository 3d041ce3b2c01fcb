//! Whom to trust: certificates of other authorities, other names, and files that change.

mod mutual;

use perennial_backend::{ErrorKind, Request, Secret};
use perennial_backend_hcv::{Auth, Config, Kv, Source};
use perennial_testkit::http::{Answer, HttpServer, Identity, Received};

use crate::stand_in::both;
use crate::support::{kv, read};

fn answer(received: &Received) -> Answer {
    assert_eq!(received.header("x-vault-token"), Some("s.canary"));
    both()
}

fn config(url: &str) -> Config {
    let auth = Auth::token(Secret::from("s.canary"));
    let config = Config::default().with_address(url).with_auth(auth);
    config.with_engine(perennial_backend_hcv::Engine::V2)
}

async fn reads(kv: &Kv) -> Result<(), perennial_backend::Error> {
    read(kv, &Request::new("db")).await.map(|_| ())
}

async fn refused(kv: &Kv, code: &str) {
    let error = reads(kv).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(
        error.to_string(),
        "the certificate of the server is not trusted"
    );
    assert_eq!(
        error.cause().and_then(|cause| cause.code()),
        Some(code),
        "{error:?}"
    );
}

fn text(pem: &str) -> Source {
    Source::given(pem)
}

#[tokio::test]
async fn only_the_authority_that_was_given_is_trusted() {
    let identity = Identity::new("ours");
    let server = HttpServer::start_tls(&identity, answer);
    let ours = config(&server.url()).with_ca(text(identity.ca_pem()));
    reads(&kv(ours)).await.unwrap();
    let stranger = Identity::new("another");
    let theirs = config(&server.url()).with_ca(text(stranger.ca_pem()));
    refused(&kv(theirs), "UnknownIssuer").await;
    let both = format!("{}\n{}", stranger.ca_pem(), identity.ca_pem());
    reads(&kv(config(&server.url()).with_ca(text(&both))))
        .await
        .unwrap();
    refused(&kv(config(&server.url())), "UnknownIssuer").await;
    reads(&kv(config(&server.url()).with_verification(false)))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_name_in_the_certificate_is_that_of_the_host_or_the_one_that_was_set() {
    let identity = Identity::new("ours");
    let server = HttpServer::start_tls(&identity, answer);
    let named = |url: &str, name: &str| {
        let config = config(url).with_ca(text(identity.ca_pem()));
        kv(config.with_server_name(name))
    };
    let by_address = server.url();
    let by_name = by_address.replacen("127.0.0.1", "localhost", 1);
    for url in [&by_address, &by_name] {
        // That name leads nowhere, so whoever does not accept it was led to the server.
        reads(&named(url, "localhost")).await.unwrap();
        refused(&named(url, "vault.example.com"), "NotValidForName").await;
    }
}

#[tokio::test]
async fn a_file_of_certificates_that_changes_is_read_again() {
    let (old, new) = (Identity::new("old"), Identity::new("new"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, old.ca_pem()).unwrap();
    let server = HttpServer::start_tls(&new, answer);
    let kv = kv(config(&server.url()).with_ca(Source::file(&file)));
    refused(&kv, "UnknownIssuer").await;
    std::fs::write(&file, new.ca_pem()).unwrap();
    reads(&kv).await.unwrap();
}

#[tokio::test]
async fn what_is_no_certificate_is_a_mistake_in_the_settings() {
    let identity = Identity::new("ours");
    let server = HttpServer::start_tls(&identity, answer);
    let check = async |config: Config, expected: &str| {
        let error = reads(&kv(config)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
        assert_eq!(error.to_string(), expected);
    };
    let base = || config(&server.url());
    check(
        base().with_ca(text("canary")),
        "the trusted certificates are not PEM",
    )
    .await;
    let absent = Source::file("/nonexistent/ca.pem");
    check(
        base().with_ca(absent),
        "the file of setting `ca_file` does not exist",
    )
    .await;
    let pair = "the client certificate and its key are not a pair in PEM";
    let trusting = || base().with_ca(text(identity.ca_pem()));
    let client = identity.issue("app", &["app"]);
    let cert = || text(&client.certificate_pem);
    let key = || text(&client.key_pem);
    check(
        trusting().with_client_certificate(cert(), text("canary")),
        pair,
    )
    .await;
    check(
        trusting().with_client_certificate(text("canary"), key()),
        pair,
    )
    .await;
    let other = identity.issue("other", &["other"]);
    check(
        trusting().with_client_certificate(cert(), text(&other.key_pem)),
        pair,
    )
    .await;
    reads(&kv(trusting().with_client_certificate(cert(), key())))
        .await
        .unwrap();
}
