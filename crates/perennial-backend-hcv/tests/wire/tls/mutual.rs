//! A server that wants to know the certificate of its client.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{ErrorKind, Request, Upkeep};
use perennial_backend_hcv::{Config, Kv, Source};
use perennial_testkit::http::{Identity, Pair};
use perennial_testkit::{SimClock, SimRuntime};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use super::{config, reads, text};
use crate::support::{kv, read_with};

/// Starts a server that accepts the clients of `trusted`, for as long as the process lives.
#[expect(
    clippy::disallowed_methods,
    reason = "the scripted server asks for no certificates, so this one needs a thread of its own"
)]
fn start(
    identity: &Identity,
    trusted: &Identity,
    version: &'static SupportedProtocolVersion,
) -> String {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(trusted.ca_pem().as_bytes());
    roots.add(ca.unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let server = identity.server();
    let certificate = CertificateDer::from_pem_slice(server.certificate_pem.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(server.key_pem.as_bytes());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate.unwrap()], key.unwrap())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever has no certificate is told, and gone.
            let _ = serve(Arc::clone(&config), stream.unwrap());
        }
    });
    format!("https://127.0.0.1:{port}")
}

fn serve(config: Arc<ServerConfig>, stream: TcpStream) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if let Err(error) = stream.read_exact(&mut byte) {
            // What the client is still sending is read, so that the alert is not lost on its way.
            let _ = stream.sock.shutdown(std::net::Shutdown::Write);
            let _ = stream.sock.read_to_end(&mut Vec::new());
            return Err(error);
        }
        request.push(byte[0]);
    }
    // It does for a token, for its renewal, and for a secret.
    let body = r#"{"data":{"ttl":3600,"renewable":true,"data":{"a":"b"},"metadata":{"version":1}},
        "auth":{"client_token":"s.canary","lease_duration":3600,"renewable":true}}"#;
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn with(config: Config, pair: &Pair) -> Config {
    config.with_client_certificate(text(&pair.certificate_pem), text(&pair.key_pem))
}

#[tokio::test]
async fn a_server_that_refuses_our_certificate_is_told_from_one_that_is_not_trusted() {
    let (ours, theirs) = (Identity::new("ours"), Identity::new("theirs"));
    let good = ours.issue("app", &["app"]);
    let stranger = theirs.issue("app", &["app"]);
    for version in [&TLS12, &TLS13] {
        let url = start(&ours, &ours, version);
        let base = || config(&url).with_ca(text(ours.ca_pem()));
        reads(&kv(with(base(), &good))).await.unwrap();
        for config in [base(), with(base(), &stranger)] {
            let error = reads(&kv(config)).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "the server does not accept the client certificate",
                "{version:?} {error:?}"
            );
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.help().unwrap().contains("`client_cert_file`"));
        }
    }
}

/// A client certificate and its key in files, which may be replaced.
struct Files(tempfile::TempDir);

impl Files {
    fn cert(&self) -> PathBuf {
        self.0.path().join("cert")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key")
    }

    fn write(&self, pair: &Pair) {
        std::fs::write(self.cert(), &pair.certificate_pem).unwrap();
        std::fs::write(self.key(), &pair.key_pem).unwrap();
    }

    /// A client that shows the certificate and trusts this authority.
    fn client(&self, url: &str, authority: &Identity) -> Kv {
        let config = config(url)
            .with_ca(text(authority.ca_pem()))
            .with_client_certificate(Source::file(self.cert()), Source::file(self.key()));
        kv(config)
    }
}

#[tokio::test]
async fn a_client_certificate_that_was_refused_is_read_again() {
    let (ours, theirs) = (Identity::new("ours"), Identity::new("theirs"));
    let url = start(&ours, &ours, &TLS13);
    let files = Files(tempfile::tempdir().unwrap());
    files.write(&theirs.issue("app", &["app"]));
    let kv = files.client(&url, &ours);
    reads(&kv).await.unwrap_err();
    files.write(&ours.issue("app", &["app"]));
    reads(&kv).await.unwrap();
    // Half a pair costs nothing: what works goes on.
    std::fs::write(files.key(), "canary").unwrap();
    reads(&kv).await.unwrap();
}

#[tokio::test]
async fn whoever_renews_and_never_logs_in_comes_with_the_certificate_of_the_day() {
    let (ours, theirs) = (Identity::new("ours"), Identity::new("theirs"));
    let url = start(&ours, &ours, &TLS13);
    let files = Files(tempfile::tempdir().unwrap());
    files.write(&ours.issue("app", &["app"]));
    let kv = files.client(&url, &ours);
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let renewed = async || {
        clock.advance_to(kv.due().unwrap());
        let cx = runtime.context(Duration::from_secs(10));
        kv.upkeep(&cx).await
    };
    let cx = runtime.context(Duration::from_secs(10));
    read_with(&kv, &cx, &Request::new("db")).await.unwrap();
    renewed().await.unwrap();
    // The server refuses the next one, which shows that it came.
    files.write(&theirs.issue("app", &["app"]));
    let error = renewed().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server does not accept the client certificate"
    );
    files.write(&ours.issue("app", &["app"]));
    renewed().await.unwrap();
}
