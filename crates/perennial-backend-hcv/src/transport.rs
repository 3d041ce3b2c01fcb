//! The HTTP client: made of the configuration on first use, and the one file that sends.
//!
//! It follows no redirect to another host, retries nothing, and keeps no answer. What an answer
//! means is not known here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use perennial_backend::{Context, Error, Secret};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Identity, redirect, retry};
use zeroize::Zeroizing;

use crate::auth::{Source, invalid};
use crate::config::{Config, Tls};
use crate::endpoints;
use crate::error::{self, Broken};
use crate::fields;
use crate::files;

/// Where calls go: an origin without a path, and the path of a proxy below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) origin: String,
    pub(crate) prefix: String,
    host: String,
    pub(crate) tls: bool,
}

impl Target {
    /// Takes a URL apart.
    pub(crate) fn parse(address: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            // The address itself is not repeated: somebody may have put a password into it.
            invalid(format!("the address of the server {why}"), &fields::ADDRESS)
                .with_help("for example `https://vault.example.com:8200`")
        };
        let url = reqwest::Url::parse(address).map_err(|_| wrong("is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("begins with neither http:// nor https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user or a password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a query or a fragment"));
        }
        let host = url.host_str().ok_or_else(|| wrong("has no host"))?;
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            prefix: url.path().trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            tls: url.scheme() == "https",
        })
    }

    /// Returns whether calls may pass a proxy of the environment; `host` is where they really go.
    ///
    /// A proxy of plain HTTP reads the token and the values, and one that is told another name
    /// than that of the host cannot find it.
    fn may_pass_a_proxy(&self, host: &str) -> bool {
        let bare = host.trim_matches(['[', ']']);
        let here = match bare.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => {
                let name = bare.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
        };
        self.tls && !here && !self.is_named_otherwise(host)
    }

    /// Returns whether the name in the certificate is not that of the host.
    fn is_named_otherwise(&self, host: &str) -> bool {
        let named = reqwest::Url::parse(&self.origin).ok();
        named.is_some_and(|url| url.host_str() != Some(host))
    }

    /// Puts another host in the place of this one, which then stands in the certificate.
    fn named(&self, name: &str) -> Result<Self, Error> {
        let wrong = || {
            let message = format!("setting `server_name` takes a host name, not `{name}`");
            invalid(message, &fields::SERVER_NAME)
        };
        let fits = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
        if !name.chars().all(fits) {
            return Err(wrong());
        }
        let mut url = reqwest::Url::parse(&self.origin).map_err(|_| wrong())?;
        url.set_host(Some(name)).map_err(|_| wrong())?;
        // To an address a call would go by itself, wherever the server is.
        if url.domain().is_none() {
            return Err(wrong());
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            ..self.clone()
        })
    }
}

/// What the server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the server sent us to another one.
    pub(crate) elsewhere: bool,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Sends calls.
pub(crate) struct Transport {
    pub(crate) target: Target,
    host: String,
    tls: Tls,
    built: Mutex<Option<Built>>,
    /// Whether the files of certificates may be others by now than those of the client.
    doubted: AtomicBool,
    /// Held while a client is made, so that one is made at a time.
    making: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Built {
    client: Client,
    material: Arc<Material>,
}

/// What was read from files for a client.
#[derive(Default)]
struct Material {
    ca: Option<Secret>,
    identity: Option<(Secret, Secret)>,
}

impl Material {
    fn is_same(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.parts(), other.parts());
        mine.iter().zip(&theirs).all(|(one, two)| one == two)
    }

    fn parts(&self) -> [Option<&[u8]>; 3] {
        let identity = self.identity.as_ref();
        [
            self.ca.as_ref().map(Secret::expose),
            identity.map(|(cert, _)| cert.expose()),
            identity.map(|(_, key)| key.expose()),
        ]
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let there = Target::parse(&config.address)?;
        let target = match &config.tls.server_name {
            Some(name) if there.tls => there.named(name)?,
            _ => there.clone(),
        };
        Ok(Self {
            target,
            host: there.host,
            tls: config.tls.clone(),
            built: Mutex::new(None),
            doubted: AtomicBool::new(false),
            making: tokio::sync::Mutex::new(()),
        })
    }

    /// Sends a call and returns the whole answer, whatever its status.
    pub(crate) async fn send(
        &self,
        cx: &Context,
        request: Request<Vec<u8>>,
    ) -> Result<Answer, Error> {
        let client = self.client(cx).await?;
        // The body is wiped by whoever holds it last, which is the client.
        let (parts, body) = request.into_parts();
        let body = Bytes::from_owner(Zeroizing::new(body));
        let request = reqwest::Request::try_from(Request::from_parts(parts, body))
            .map_err(|failure| error::broken(&failure, Broken::Sending))?;
        let sent = client.execute(request).await;
        let mut response = sent.map_err(|failure| self.failed(&failure, Broken::Sending))?;
        let status = response.status();
        let mut body = Body::with_room(response.content_length());
        loop {
            let read = response.chunk().await;
            match read.map_err(|failure| self.failed(&failure, Broken::Reading))? {
                Some(chunk) if body.fits(&chunk) => body.push(&chunk),
                Some(_) => return Err(error::too_large(MOST_BYTES)),
                None => break,
            }
        }
        Ok(Answer {
            status: status.as_u16(),
            retry_after: endpoints::retry_after(response.headers()),
            elsewhere: status.is_redirection(),
            body: body.bytes,
        })
    }

    /// Looks whether the files of certificates are others by now, and makes another client if so.
    /// The one that is there stays until then.
    ///
    /// # Errors
    /// Those of a client that cannot be made, if there is none yet.
    pub(crate) async fn look_again(&self, cx: &Context) -> Result<(), Error> {
        self.doubt();
        self.client(cx).await.map(drop)
    }

    /// Shows what the client comes with, part by part; nothing where no client was made yet.
    pub(crate) fn with_client_certificate(&self, mut show: impl FnMut(&[u8])) {
        if let Some((cert, key)) = self
            .held()
            .and_then(|built| built.material.identity.clone())
        {
            show(cert.expose());
            show(key.expose());
        }
    }

    fn failed(&self, failure: &reqwest::Error, when: Broken) -> Error {
        let error = error::broken(failure, when);
        if error::is_about_certificates(&error) {
            // The next call reads them.
            self.doubt();
        }
        error
    }

    fn has_files(&self) -> bool {
        let tls = &self.tls;
        [&tls.ca, &tls.client_cert, &tls.client_key]
            .into_iter()
            .any(|source| matches!(source, Some(Source::File(_))))
    }

    fn held(&self) -> Option<Built> {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.clone()
    }

    fn doubt(&self) {
        if self.has_files() {
            self.doubted.store(true, Ordering::Release);
        }
    }

    /// Returns the client, unless there is none or it may have to be another one.
    fn undoubted(&self) -> Option<Client> {
        let doubted = self.doubted.load(Ordering::Acquire);
        self.held().filter(|_| !doubted).map(|built| built.client)
    }

    async fn client(&self, cx: &Context) -> Result<Client, Error> {
        if let Some(client) = self.undoubted() {
            return Ok(client);
        }
        let _making = self.making.lock().await;
        if let Some(client) = self.undoubted() {
            return Ok(client);
        }
        let held = self.held();
        match (self.make(cx, held.as_ref()).await, held) {
            (Ok(client), _) => {
                self.doubted.store(false, Ordering::Release);
                Ok(client)
            }
            // Files that are being written cost no client that may work.
            (Err(_), Some(held)) => Ok(held.client),
            (Err(error), None) => Err(error),
        }
    }

    /// Makes a client of what the files hold now, unless that is what the one that is held is
    /// made of.
    async fn make(&self, cx: &Context, held: Option<&Built>) -> Result<Client, Error> {
        let material = Arc::new(self.material(cx).await?);
        if let Some(held) = held.filter(|built| built.material.is_same(&material)) {
            return Ok(held.client.clone());
        }
        let (tls, target, host) = (self.tls.clone(), self.target.clone(), self.host.clone());
        let given = Arc::clone(&material);
        // The system's certificates are read from disk.
        let client = cx
            .run_blocking(move || build(&tls, &target, &host, &given))
            .await??;
        let built = Built {
            client: client.clone(),
            material,
        };
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(built);
        Ok(client)
    }

    async fn material(&self, cx: &Context) -> Result<Material, Error> {
        if !self.target.tls {
            return Ok(Material::default());
        }
        let tls = &self.tls;
        let ca = match &tls.ca {
            Some(source) => Some(files::read(cx, source, &fields::CA_FILE).await?),
            None => None,
        };
        let identity = match (&tls.client_cert, &tls.client_key) {
            (Some(cert), Some(key)) => Some((
                files::read(cx, cert, &fields::CLIENT_CERT_FILE).await?,
                files::read(cx, key, &fields::CLIENT_KEY_FILE).await?,
            )),
            _ => None,
        };
        Ok(Material { ca, identity })
    }
}

fn build(tls: &Tls, target: &Target, host: &str, material: &Material) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .tls_backend_rustls()
        .retry(retry::never())
        .redirect(redirect::Policy::custom(same_origin_only))
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        // A call that is dropped takes its connection with it, so one that hangs is not met again.
        .http1_only()
        .pool_idle_timeout(IDLE_LIMIT)
        .user_agent(concat!("perennial/", env!("CARGO_PKG_VERSION")));
    if !target.tls {
        // Nothing is verified, so the system's certificates need not be read.
        builder = builder.tls_certs_only([]);
    } else if !tls.verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    } else if let Some(ca) = &material.ca {
        let wrong = || {
            invalid(
                "the trusted certificates are not PEM".to_owned(),
                &fields::CA_FILE,
            )
            .with_help("a file or text with `-----BEGIN CERTIFICATE-----`")
        };
        let certificates = Certificate::from_pem_bundle(ca.expose()).map_err(|_| wrong())?;
        if certificates.is_empty() {
            return Err(wrong());
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some((cert, key)) = &material.identity {
        let room = cert.expose().len() + key.expose().len() + 1;
        let mut pem = Zeroizing::new(Vec::with_capacity(room));
        pem.extend_from_slice(key.expose());
        pem.push(b'\n');
        pem.extend_from_slice(cert.expose());
        let identity = Identity::from_pem(&pem).map_err(|_| not_an_identity())?;
        builder = builder.identity(identity);
    }
    if !target.may_pass_a_proxy(host) {
        builder = builder.no_proxy();
    }
    let named = reqwest::Url::parse(&target.origin).ok();
    if let Some(name) = named.as_ref().and_then(reqwest::Url::host_str)
        && name != host
    {
        let bare = host.trim_matches(['[', ']']);
        builder = match bare.parse::<IpAddr>() {
            Ok(address) => builder.resolve(name, SocketAddr::new(address, 0)),
            Err(_) => builder.dns_resolver(Arc::new(Elsewhere(bare.into()))),
        };
    }
    builder.build().map_err(|_| match material.identity {
        // The client says no more than that something does not fit.
        Some(_) => not_an_identity(),
        None => error::no_client(),
    })
}

fn not_an_identity() -> Error {
    invalid(
        "the client certificate and its key are not a pair in PEM".to_owned(),
        &fields::CLIENT_CERT_FILE,
    )
    .with_help("the certificate first of a chain, and a key that is not encrypted")
}

/// Follows a redirect only to the same scheme, host and port, so that the token stays there.
fn same_origin_only(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt
        .previous()
        .last()
        .is_some_and(|from| from.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Resolves every name to where the server really is.
struct Elsewhere(Arc<str>);

impl Resolve for Elsewhere {
    fn resolve(&self, _: Name) -> Resolving {
        let host = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((&*host, 0)).await?;
            let addresses: Vec<_> = found.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A body as it comes in; what it outgrows is wiped.
struct Body {
    bytes: Zeroizing<Vec<u8>>,
}

impl Body {
    fn with_room(announced: Option<u64>) -> Self {
        let room = announced
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(FIRST_ROOM)
            .min(MOST_BYTES);
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(room)),
        }
    }

    fn fits(&self, chunk: &[u8]) -> bool {
        self.bytes.len() + chunk.len() <= MOST_BYTES
    }

    fn push(&mut self, chunk: &[u8]) {
        let needed = self.bytes.len() + chunk.len();
        if needed > self.bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.bytes.len())));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(chunk);
    }
}

/// The most bytes of an answer. A server keeps secrets of 1 MiB at the most unless it is told
/// otherwise, and escaping may double that.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const FIRST_ROOM: usize = 4096;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const IDLE_LIMIT: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 3;

#[cfg(test)]
mod tests;
