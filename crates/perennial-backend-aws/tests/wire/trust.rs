//! Whom TLS trusts: authorities of the settings in place of the system's.

use perennial_backend::{Backend, ErrorKind, Request, Secret};
use perennial_backend_aws::{Config, SecretsManager};
use perennial_testkit::LiveRuntime;
use perennial_testkit::http::{HttpServer, Identity};

use crate::scene::{shows_nothing, text};
use crate::store::{REGION, Store};

fn server(identity: &Identity) -> HttpServer {
    let store = Store::default();
    store.put("db", b"canary-value");
    HttpServer::start_tls(identity, move |request| store.answer(request))
}

fn backend(server: &HttpServer, trust: impl FnOnce(Config) -> Config) -> SecretsManager {
    let config = Config::default()
        .with_region(REGION)
        .with_endpoint_url(server.url())
        .with_access_key("AKIAEXAMPLE", Secret::from("canary-key"))
        .with_read_schedule(false);
    SecretsManager::new(trust(config)).unwrap()
}

async fn read(backend: &SecretsManager) -> Result<String, perennial_backend::Error> {
    let cx = LiveRuntime::new().context(std::time::Duration::from_secs(10));
    backend
        .fetch(&cx, &Request::new("db"))
        .await
        .map(|fetched| text(&fetched))
}

#[tokio::test]
async fn an_authority_of_the_settings_is_trusted_and_another_one_is_not() {
    let (ours, other) = (Identity::new("ours"), Identity::new("other"));
    let server = server(&ours);
    let trusting = backend(&server, |config| config.with_ca_text(ours.ca_pem()));
    assert_eq!(read(&trusting).await.unwrap(), "canary-value");

    let both = format!("{}{}", other.ca_pem(), ours.ca_pem());
    let trusting = backend(&server, |config| config.with_ca_text(both));
    assert_eq!(read(&trusting).await.unwrap(), "canary-value");

    let odd = "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n";
    let bundle = format!("# A bundle\n{odd}{}\n{odd}", ours.ca_pem());
    let trusting = backend(&server, |config| config.with_ca_text(bundle));
    assert_eq!(read(&trusting).await.unwrap(), "canary-value");

    server.forget();
    let distrusting = [
        backend(&server, |config| config.with_ca_text(other.ca_pem())),
        backend(&server, |config| config),
    ];
    for backend in distrusting {
        let error = read(&backend).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.message(), "the certificate of AWS is not trusted");
        shows_nothing(&error);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_file_of_authorities_that_was_mended_is_read_again() {
    let (ours, other) = (Identity::new("ours"), Identity::new("other"));
    let server = server(&ours);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let backend = backend(&server, |config| config.with_ca_file(&file));
    assert_eq!(
        read(&backend).await.unwrap_err().kind(),
        ErrorKind::InvalidConfig
    );
    std::fs::write(&file, "canary").unwrap();
    let error = read(&backend).await.unwrap_err();
    assert_eq!(
        error.message(),
        "setting `ca_file` has no usable certificates"
    );
    shows_nothing(&error);
    std::fs::write(&file, other.ca_pem()).unwrap();
    assert_eq!(
        read(&backend).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    std::fs::write(&file, ours.ca_pem()).unwrap();
    assert_eq!(read(&backend).await.unwrap(), "canary-value");
}

#[tokio::test]
async fn what_speaks_no_tls_is_not_called_untrusted() {
    let identity = Identity::new("ours");
    let plain = HttpServer::start(|_| perennial_testkit::http::Answer::new(200));
    let backend = backend(&plain, |config| {
        let url = plain.url().replace("http:", "https:");
        config
            .with_endpoint_url(url)
            .with_ca_text(identity.ca_pem())
    });
    let error = read(&backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.message(), "TLS with AWS failed");
}
