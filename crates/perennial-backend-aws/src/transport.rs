//! Whom TLS trusts on the way to AWS: authorities of the settings, or those of the system.
//!
//! The SDK's own client takes no authorities of ours; this one does. Which way a request takes is not
//! decided here.

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
use crate::routes::Routes;

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

    /// Returns whether it comes from files, which somebody may have mended since they were read.
    pub(crate) fn is_from_files(&self) -> bool {
        self.file.is_some() || self.text.is_none()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Makes the ways to AWS. It reads files, those of the system's authorities among them, and so runs
/// where it holds up nobody.
pub(crate) async fn connect(cx: &Context, trust: &Trust) -> Result<Routes, Error> {
    let trust = trust.clone();
    cx.run_blocking(move || make(&trust)).await?
}

fn make(trust: &Trust) -> Result<Routes, Error> {
    let authorities = authorities(trust)?;
    let trusts = !authorities.is_empty();
    let mut store = TrustStore::empty();
    for certificate in authorities {
        store.add_pem_certificate(certificate);
    }
    let context = TlsContext::builder().with_trust_store(store).build();
    let context = context.map_err(|_| {
        Error::new(
            ErrorKind::Unexpected,
            "the client for TLS could not be made",
        )
        .with_operation(Operation::Build)
    })?;
    Ok(Routes::new(trusts, move |proxy| {
        client(&context, proxy.clone())
    }))
}

/// Makes a client for HTTP with connections of its own.
fn client(context: &TlsContext, proxy: ProxyConfig) -> SharedHttpClient {
    let context = context.clone();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    })
}

/// Returns the authorities to trust, each in PEM: those that are given, else those of the system,
/// of which there may be none.
fn authorities(trust: &Trust) -> Result<Vec<String>, Error> {
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
        // The client would load them by itself, and panic or call them untrusted without any.
        let found = rustls_native_certs::load_native_certs().certs;
        return Ok(found.into_iter().filter_map(pem).collect());
    }
    let mut authorities = Vec::new();
    for (field, pem) in given {
        authorities.extend(usable(field, &pem)?);
    }
    Ok(authorities)
}

/// Returns a certificate in PEM, if the client can use it. It would panic on any other, and bundles of
/// systems have some.
fn pem(certificate: CertificateDer<'_>) -> Option<String> {
    let text = STANDARD.encode(&certificate);
    RootCertStore::empty().add(certificate).ok()?;
    Some(format!(
        "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    ))
}

/// Returns the usable certificates of a setting, in PEM, one by one.
fn usable(field: &Field, bundle: &[u8]) -> Result<Vec<String>, Error> {
    let wrong = || {
        broken(
            field,
            format!("setting `{}` has no usable certificates", field.name()),
        )
    };
    let mut usable = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        usable.extend(pem(certificate.map_err(|_| wrong())?));
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
            let error = authorities(&trust).unwrap_err();
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
