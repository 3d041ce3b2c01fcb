//! The configuration: read from settings or given by code, and checked as a whole.
//!
//! No file is looked at here, and nothing is looked up: what the vendors' own variables say comes
//! in as settings, too.

use std::fmt;
use std::path::PathBuf;

use perennial_backend::{Error, Field, Secret, SettingMap};

use crate::auth::{Auth, Source, contradiction, invalid};
use crate::fields::{self, SETTINGS, is_conventional};
use crate::names;
use crate::transport::Target;

/// Which version of the KV engine a mount has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// KV 1: one value for each name, and no versions.
    V1,
    /// KV 2: versions, deletion and destruction.
    V2,
}

impl Engine {
    /// Returns the word that the setting `kv` has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "v1" => Some(Self::V1),
            "v2" => Some(Self::V2),
            _ => None,
        }
    }
}

/// Whom to trust, and with which certificate to come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tls {
    /// Whether the server's certificate is verified.
    pub verify: bool,
    /// The certificates that are trusted in place of the system's, as PEM.
    pub ca: Option<Source>,
    /// The client certificate, as PEM.
    pub client_cert: Option<Source>,
    /// The key of the client certificate, as PEM.
    pub client_key: Option<Source>,
    /// The name that the server's certificate must have, where it is not the host's.
    pub server_name: Option<String>,
}

impl Default for Tls {
    /// Returns what trusts the system's certificates and brings none.
    fn default() -> Self {
        Self {
            verify: true,
            ca: None,
            client_cert: None,
            client_key: None,
            server_name: None,
        }
    }
}

/// Where the server is, what is read there, and who asks.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where the server is: a URL with scheme and host.
    pub address: String,
    /// The namespace in which the login and the secrets are.
    pub namespace: Option<String>,
    /// The path at which the KV engine is mounted.
    pub mount: String,
    /// The version of the KV engine; the mount is asked where there is none.
    pub engine: Option<Engine>,
    /// How the server gets to know who asks.
    pub auth: Option<Auth>,
    /// Whom to trust, and with which certificate to come.
    pub tls: Tls,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is refused as an address may have a password in it.
        let address = Target::parse(&self.address).ok();
        let address = address.map(|target| format!("{}{}", target.origin, target.prefix));
        f.debug_struct("Config")
            .field("address", &address)
            .field("namespace", &self.namespace)
            .field("mount", &self.mount)
            .field("engine", &self.engine)
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .finish()
    }
}

impl Default for Config {
    /// Returns the defaults of all settings; there is none for how to log in.
    fn default() -> Self {
        Self {
            address: "http://127.0.0.1:8200".to_owned(),
            namespace: None,
            mount: "secret".to_owned(),
            engine: None,
            auth: None,
            tls: Tls::default(),
        }
    }
}

impl Config {
    /// Reads the configuration from settings.
    ///
    /// # Errors
    /// [`InvalidConfig`](perennial_backend::ErrorKind::InvalidConfig) if a setting is unknown, has
    /// the wrong form, is missing, or contradicts another one;
    /// [`Unsupported`](perennial_backend::ErrorKind::Unsupported) for an auth method that is
    /// planned. The error names the setting.
    pub fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        SETTINGS.check(settings)?;
        let text = |field| {
            let text = settings.text(field);
            text.filter(|text| !text.trim().is_empty())
        };
        let mut config = Self {
            address: address(settings)?,
            auth: Some(Auth::from_settings(settings)?),
            engine: text(&fields::KV).and_then(Engine::parse),
            ..Self::default()
        };
        config.namespace = text(&fields::NAMESPACE).map(str::to_owned);
        if let Some(mount) = settings.text(&fields::MOUNT) {
            config = config.with_mount(mount);
        }
        config.tls = tls(settings, is_plain(&config.address))?;
        config.check()?;
        Ok(config)
    }

    /// Says where the server is.
    #[must_use]
    pub fn with_address(mut self, url: impl Into<String>) -> Self {
        self.address = url.into();
        self
    }

    /// Says in which namespace the login and the secrets are.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Says at which path the KV engine is mounted; slashes at its ends do not count.
    #[must_use]
    pub fn with_mount(mut self, mount: &str) -> Self {
        self.mount = names::trimmed(mount).to_owned();
        self
    }

    /// Says which version the KV engine has.
    #[must_use]
    pub fn with_engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Says how the server gets to know who asks.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Says which certificates are trusted in place of the system's, as PEM.
    #[must_use]
    pub fn with_ca(mut self, ca: Source) -> Self {
        self.tls.ca = Some(ca);
        self
    }

    /// Says with which client certificate to come, as PEM.
    #[must_use]
    pub fn with_client_certificate(mut self, cert: Source, key: Source) -> Self {
        self.tls.client_cert = Some(cert);
        self.tls.client_key = Some(key);
        self
    }

    /// Says which name the server's certificate must have, where it is not the host's.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// Says whether the server's certificate is verified.
    #[must_use]
    pub fn with_verification(mut self, verify: bool) -> Self {
        self.tls.verify = verify;
        self
    }

    /// Checks what was given by code as well as by settings, and returns how to log in.
    pub(crate) fn check(&self) -> Result<Auth, Error> {
        if let Some(flaw) = names::flaw(&self.mount) {
            let message = format!("setting `mount` {flaw}");
            return Err(invalid(message, &fields::MOUNT).with_help("for example `secret`"));
        }
        if let Some(flaw) = self.namespace.as_deref().and_then(namespace_flaw) {
            let message = format!("setting `namespace` {flaw}");
            return Err(invalid(message, &fields::NAMESPACE).with_help("for example `team-a`"));
        }
        let Some(auth) = &self.auth else {
            return Err(invalid("there is no token".to_owned(), &fields::TOKEN)
                .with_help("say how to log in"));
        };
        auth.check()?;
        let tls = &self.tls;
        let comes_with_one = auth.method() == "cert" || tls.client_cert.is_some();
        if comes_with_one && is_plain(&self.address) {
            let message = "a client certificate needs `protocol` `https`".to_owned();
            return Err(invalid(message, &fields::CLIENT_CERT_FILE)
                .with_help("set `protocol` to `https`, or let `address` begin with it"));
        }
        match (&tls.client_cert, &tls.client_key) {
            (Some(_), None) => {
                let message = "a client certificate is of no use without its key".to_owned();
                return Err(invalid(message, &fields::CLIENT_KEY_FILE));
            }
            (None, Some(_)) => {
                let message = "the key of a client certificate is of no use without it".to_owned();
                return Err(invalid(message, &fields::CLIENT_CERT_FILE));
            }
            (None, None) if auth.method() == "cert" => {
                let message = "auth method `cert` needs a client certificate".to_owned();
                return Err(invalid(message, &fields::CLIENT_CERT_FILE).with_help(
                    "set `client_cert_file` and `client_key_file`, or `cert_auth_cert` and \
                     `cert_auth_cert_key`",
                ));
            }
            _ => {}
        }
        Ok(auth.clone())
    }
}

/// Returns what is wrong with a namespace, which goes into a header.
pub(crate) fn namespace_flaw(namespace: &str) -> Option<&'static str> {
    let inner = names::trimmed(namespace);
    names::flaw(inner).or_else(|| {
        let fits = inner
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        (!fits).then_some("has a sign that is not ASCII")
    })
}

/// Makes the URL of the server: of its address, or else of its parts.
fn address(settings: &SettingMap) -> Result<String, Error> {
    let (whole, parts) = (
        &fields::ADDRESS,
        [&fields::PROTOCOL, &fields::HOST, &fields::PORT],
    );
    let part = parts.iter().find(|field| settings.setting(field).is_some());
    match (settings.setting(whole), part) {
        (Some(given), Some(part)) if !is_conventional(whole, given) => {
            return Err(contradiction(whole, part));
        }
        (Some(given), None) => return Ok(given.text().to_owned()),
        _ => {}
    }
    let [protocol, host, port] = parts.map(|field| settings.text(field).unwrap_or_default());
    let fits = |sign: char| sign.is_alphanumeric() || ".-_:[]".contains(sign);
    if host.is_empty() || !host.chars().all(fits) {
        // What was given is not repeated: there may be a password in it.
        let message = "setting `host` takes a name or an address".to_owned();
        return Err(invalid(message, &fields::HOST).with_help("for example `vault.example.com`"));
    }
    // An address of IPv6 stands in brackets, and nothing else has two colons.
    let bare = host.matches(':').count() > 1 && !host.starts_with('[');
    Ok(if bare {
        format!("{protocol}://[{host}]:{port}")
    } else {
        format!("{protocol}://{host}:{port}")
    })
}

/// Returns whether an address is one without TLS.
fn is_plain(address: &str) -> bool {
    Target::parse(address).is_ok_and(|target| !target.tls)
}

fn tls(settings: &SettingMap, plain: bool) -> Result<Tls, Error> {
    // What is configured goes before what the environment says, and two that are configured
    // contradict each other. A certificate of the environment is for another server than one
    // without TLS.
    let text = |field| given(settings, field).filter(|(_, vendor)| !(plain && *vendor));
    let either = |pem: &'static Field, file: &'static Field| match (text(pem), text(file)) {
        (Some(_), Some((_, false))) => Err(contradiction(pem, file)),
        (Some((pem, _)), _) => Ok(Some(Source::Given(Secret::from(pem)))),
        (None, Some((path, _))) => Ok(Some(Source::File(PathBuf::from(path)))),
        (None, None) => Ok(None),
    };
    Ok(Tls {
        verify: settings.boolean(&fields::SSL_VERIFY).unwrap_or(true),
        ca: either(&fields::CA_TEXT, &fields::CA_FILE)?,
        client_cert: either(&fields::CERT_AUTH_CERT, &fields::CLIENT_CERT_FILE)?,
        client_key: either(&fields::CERT_AUTH_CERT_KEY, &fields::CLIENT_KEY_FILE)?,
        server_name: text(&fields::SERVER_NAME).map(|(name, _)| name.to_owned()),
    })
}

/// Returns a text that is not only blanks, and whether it is one of the vendors' variables.
fn given<'s>(settings: &'s SettingMap, field: &Field) -> Option<(&'s str, bool)> {
    let setting = settings.setting(field)?;
    let text = Some(setting.text()).filter(|text| !text.trim().is_empty())?;
    Some((text, is_conventional(field, setting)))
}

#[cfg(test)]
mod tests;
