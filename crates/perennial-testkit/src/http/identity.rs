//! Certificates for scripted servers: an authority made up for one test, and what it signs.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority of a test's own, with the certificate of a server on `127.0.0.1` and `localhost`.
#[derive(Debug)]
pub struct Identity {
    authority: Issuer<'static, KeyPair>,
    authority_pem: String,
    server: Pair,
}

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pair {
    /// The certificate.
    pub certificate_pem: String,
    /// The key.
    pub key_pem: String,
}

impl Identity {
    /// Makes an authority with this name.
    ///
    /// # Panics
    /// Panics if no key can be made, which ends the test.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a test cannot go on without it")]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let authority_pem = params.self_signed(&key).unwrap().pem();
        let authority = Issuer::new(params, key);
        let server = issue(&authority, "server", &["127.0.0.1", "localhost"]);
        Self {
            authority,
            authority_pem,
            server,
        }
    }

    /// Returns the certificate of the authority, in PEM: what a client has to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority_pem
    }

    /// Returns the certificate of the server.
    #[must_use]
    pub fn server(&self) -> &Pair {
        &self.server
    }

    /// Signs a certificate for somebody else, such as a client.
    ///
    /// # Panics
    /// Panics if no key can be made, which ends the test.
    #[must_use]
    pub fn issue(&self, common_name: &str, alternative_names: &[&str]) -> Pair {
        issue(&self.authority, common_name, alternative_names)
    }

    #[expect(clippy::unwrap_used, reason = "a test cannot go on without it")]
    pub(super) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        let certificate = CertificateDer::from_pem_slice(self.server.certificate_pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.server.key_pem.as_bytes());
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.unwrap()], key.unwrap())
            .unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config))
    }
}

#[expect(clippy::unwrap_used, reason = "a test cannot go on without it")]
fn issue(authority: &Issuer<'_, KeyPair>, common_name: &str, names: &[&str]) -> Pair {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    let key = KeyPair::generate().unwrap();
    Pair {
        certificate_pem: params.signed_by(&key, authority).unwrap().pem(),
        key_pem: key.serialize_pem(),
    }
}
