//! How bytes get to AWS: whom TLS trusts, and which proxy is used.
//!
//! The SDK's own client honours proxies but takes no authorities of ours; this one does both.

use std::fmt;
use std::path::PathBuf;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perennial_backend::{Cause, Context, Error, ErrorKind, Field, Operation};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::{CA_FILE, CA_TEXT, Config};

/// Whom TLS trusts, as the settings say it.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    file: Option<PathBuf>,
    text: Option<String>,
}

impl Trust {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            file: config.ca_file.clone(),
            text: config.ca_text.clone(),
        }
    }

    /// Returns whether it comes from a file, which somebody may have mended since it was read.
    pub(crate) fn is_from_file(&self) -> bool {
        self.file.is_some()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Makes the client for HTTP. It reads files, those of the system's authorities among them, and so
/// runs where it holds up nobody.
pub(crate) async fn connect(cx: &Context, trust: &Trust) -> Result<SharedHttpClient, Error> {
    let trust = trust.clone();
    cx.run_blocking(move || make(&trust)).await?
}

fn make(trust: &Trust) -> Result<SharedHttpClient, Error> {
    let store = store(trust)?;
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|_| {
            Error::new(
                ErrorKind::Unexpected,
                "the client for TLS could not be made",
            )
            .with_operation(Operation::Build)
        })?;
    let connector = move || {
        ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
    };
    // The first one reads the system's authorities, which later ones share.
    drop(connector().build());
    Ok(
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = connector().proxy_config(ProxyConfig::from_env());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector.build()
        }),
    )
}

fn store(trust: &Trust) -> Result<TrustStore, Error> {
    let mut given = Vec::new();
    if let Some(path) = &trust.file {
        let pem = std::fs::read(path).map_err(|error| {
            let shown = path.display();
            broken(
                &CA_FILE,
                format!("the file `{shown}` of setting `ca_file` cannot be read"),
            )
            .with_cause(Cause::new().with_message(error.kind().to_string()))
        })?;
        given.push((&CA_FILE, pem));
    }
    if let Some(text) = &trust.text {
        given.push((&CA_TEXT, text.clone().into_bytes()));
    }
    if given.is_empty() {
        return Ok(TrustStore::default());
    }
    let mut store = TrustStore::empty();
    for (field, pem) in given {
        for certificate in usable(field, &pem)? {
            store.add_pem_certificate(certificate);
        }
    }
    Ok(store)
}

/// Returns the certificates that the client can use, in PEM, one by one. It would panic on any other,
/// and bundles of systems have some.
fn usable(field: &Field, pem: &[u8]) -> Result<Vec<String>, Error> {
    let wrong = || {
        broken(
            field,
            format!("setting `{}` has no usable certificates", field.name()),
        )
    };
    let mut usable = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| wrong())?;
        let text = STANDARD.encode(&certificate);
        if RootCertStore::empty().add(certificate).is_ok() {
            usable.push(format!(
                "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
            ));
        }
    }
    if usable.is_empty() {
        Err(wrong())
    } else {
        Ok(usable)
    }
}

fn broken(field: &Field, message: String) -> Error {
    field.invalid(message).with_help(format!(
        "`{}` takes certificates in PEM, each between `-----BEGIN CERTIFICATE-----` and its end",
        field.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_by_the_name_of_its_setting() {
        let check = |trust: Trust, expected: &str| {
            let error = store(&trust).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert_eq!(error.message(), expected);
            assert!(!format!("{trust:?}{error:?}").contains("canary"));
        };
        let text = |text: &str| Trust {
            text: Some(text.to_owned()),
            ..Trust::default()
        };
        let unusable = "setting `ca_text` has no usable certificates";
        check(text(""), unusable);
        check(text("canary"), unusable);
        check(
            text("-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n"),
            unusable,
        );
        check(
            text("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"),
            unusable,
        );
        let absent = Trust {
            file: Some("/nowhere/ca.pem".into()),
            ..Trust::default()
        };
        check(
            absent,
            "the file `/nowhere/ca.pem` of setting `ca_file` cannot be read",
        );
    }
}
