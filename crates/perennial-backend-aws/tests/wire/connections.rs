//! Which connections calls take: new ones in place of one that is silent, and none through a proxy to
//! the machine's own link.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use perennial_backend::{Backend, Batch, Request, Secret};
use perennial_backend_aws::{Config, SecretsManager};
use perennial_testkit::LiveRuntime;
use perennial_testkit::http::{Answer, HttpServer, Identity};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::environment::{outcome, server};
use crate::scene::text;
use crate::store::{REGION, arn};

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let pair = identity.server();
    let certificate = CertificateDer::from_pem_slice(pair.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key_pem.as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks HTTP/2 and never answers on the first connection, as if a NAT had forgotten it. Returns the
/// address and the count of connections.
#[expect(
    clippy::disallowed_methods,
    reason = "a server of a test, which ends with its runtime"
)]
async fn silent_at_first(identity: &Identity) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (acceptor, count) = (acceptor(identity), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, number) = (acceptor.clone(), counter.fetch_add(1, Ordering::Relaxed));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(move |request: hyper::Request<Incoming>| async move {
                    if number == 0 {
                        std::future::pending::<()>().await;
                    }
                    let target = request.headers()["x-amz-target"].to_str().unwrap();
                    let one = format!(
                        r#"{{"ARN":"{}","Name":"db","VersionId":"v","VersionStages":["AWSCURRENT"],"SecretString":"one"}}"#,
                        arn("db")
                    );
                    let body = match target {
                        "secretsmanager.BatchGetSecretValue" => {
                            format!(r#"{{"SecretValues":[{one}]}}"#)
                        }
                        _ => one,
                    };
                    Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from(body))))
                });
                let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = connection
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (url, count)
}

#[tokio::test]
async fn a_connection_that_is_silent_is_replaced_once_a_call_was_given_up() {
    let identity = Identity::new("ours");
    let request = Request::new("db");
    let pair = [request.clone(), request.clone()];
    for batches in [false, true] {
        let (url, connections) = silent_at_first(&identity).await;
        let config = Config::default()
            .with_region(REGION)
            .with_endpoint_url(url)
            .with_access_key("AKIAEXAMPLE", Secret::from("canary-key"))
            .with_ca_text(identity.ca_pem())
            .with_read_schedule(false);
        let backend = SecretsManager::new(config).unwrap();
        let cx = LiveRuntime::new().context(Duration::from_secs(10));
        let call = async || match batches {
            false => backend.fetch(&cx, &request).await,
            true => {
                let mut batch = Batch::new(2);
                backend.fetch_many(&cx, &pair, &mut batch).await;
                batch.into_answers().remove(0)
            }
        };
        // Until the connection is there, nothing is known of it.
        let first = async {
            let waited = tokio::time::timeout(Duration::from_secs(1), call()).await;
            assert!(waited.is_err(), "the first connection answers");
        };
        first.await;
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        let second = tokio::time::timeout(Duration::from_secs(5), call()).await;
        let fetched = second.expect("the dead connection is used again").unwrap();
        assert_eq!(text(&fetched), "one");
        assert_eq!(text(&call().await.unwrap()), "one");
        assert_eq!(connections.load(Ordering::Relaxed), 2, "a good one is kept");
    }
}

#[test]
fn no_proxy_is_asked_for_what_is_on_the_link_of_the_machine() {
    let store = server(|_| None);
    let proxy = HttpServer::start(|_| Answer::new(502));
    let (url, through) = (store.url(), proxy.url());
    let mut variables = vec![
        ("HTTP_PROXY", through.as_str()),
        ("NO_PROXY", "127.0.0.1"),
        ("AWS_EC2_METADATA_DISABLED", "false"),
        // Not the address of the service, so that no machine gives its role to a test.
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.77.77"),
    ];
    let settings = [("region", REGION), ("endpoint_url", url.as_str())];
    let told = outcome(&settings, &variables);
    assert!(told.starts_with("unauthenticated"), "{told}");
    assert_eq!(proxy.requests().len(), 0);
    // The proxy is asked for what is elsewhere.
    variables[3].1 = "http://metadata.example.com";
    let told = outcome(&settings, &variables);
    assert!(told.starts_with("unauthenticated"), "{told}");
    assert!(!proxy.requests().is_empty());
}
