//! The backend: from the name of a secret to the value of a variable.

use std::ffi::OsString;
use std::fmt;

use perennial_backend::{
    Backend, Capabilities, Context, Error, Fetched, Numbering, Request, Secret, Selector,
    async_trait,
};

use crate::config::{Config, is_prefix};
use crate::error::{self, Lookup};
use crate::source::{ProcessEnvironment, Source};

/// Reads secrets from environment variables, anew each time.
///
/// ```
/// use perennial_backend::Backend;
/// use perennial_backend_env::{Config, Environment};
///
/// let environment = Environment::new(Config::default().with_prefix("SECRETS_"))?;
/// assert!(environment.capabilities().supports(&perennial_backend::Selector::Previous));
/// # Ok::<(), perennial_backend::Error>(())
/// ```
pub struct Environment {
    config: Config,
    source: Box<dyn Source>,
}

impl Environment {
    /// Makes a backend that reads the environment of this process.
    ///
    /// # Errors
    /// [`InvalidConfig`](perennial_backend::ErrorKind::InvalidConfig) if the prefix is none.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            config,
            source: Box::new(ProcessEnvironment),
        })
    }

    /// Reads variables from another source, such as a closure.
    ///
    /// ```
    /// use perennial_backend_env::{Config, Environment};
    ///
    /// let scripted = Environment::new(Config::default())?
    ///     .with_source(|name: &str| (name == "DB_PASSWORD").then(|| "hunter2".into()));
    /// # Ok::<(), perennial_backend::Error>(())
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Source) -> Self {
        self.source = Box::new(source);
        self
    }

    fn read(&self, request: &Request) -> Result<Secret, Error> {
        let resource = request.resource();
        let prefix = request.option("prefix").unwrap_or(&self.config.prefix);
        if !is_prefix(prefix) {
            return Err(error::invalid_option(prefix, resource));
        }
        let suffix = match request.selector() {
            Selector::Current => "",
            Selector::Previous => PREVIOUS,
            other => return Err(self.capabilities().unsupported(other)),
        };
        let name = format!("{prefix}{resource}{suffix}");
        let dashless = name.replace('-', "_");
        let variable = dashless.to_ascii_uppercase();
        let lookup = Lookup {
            resource,
            prefix,
            variable: &variable,
        };
        if resource.is_empty() || resource.contains(['=', '\0']) {
            return Err(error::impossible(lookup));
        }
        match self.source.variable(&variable) {
            Some(value) => secret(value, lookup),
            None => {
                // Both spellings lie below the prefix, so the hint tells of nothing outside it.
                let near = [&name, &dashless]
                    .into_iter()
                    .find(|&name| *name != variable && self.is_set(name));
                Err(error::unset(lookup, near.map(String::as_str)))
            }
        }
    }

    fn is_set(&self, name: &str) -> bool {
        let value = self.source.variable(name);
        // Whatever it holds may be a secret, too: it is wiped when it is dropped here.
        value
            .map(|value| Secret::new(value.into_encoded_bytes()))
            .is_some()
    }
}

#[async_trait]
impl Backend for Environment {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
            .with_previous()
            .with_numbering(Numbering::Generations)
    }

    async fn fetch(&self, _cx: &Context, request: &Request) -> Result<Fetched, Error> {
        self.read(request).map(Fetched::secret)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Takes over the bytes of a value: the buffer is the secret's from here on.
#[cfg(unix)]
fn secret(value: OsString, _lookup: Lookup<'_>) -> Result<Secret, Error> {
    Ok(Secret::new(std::os::unix::ffi::OsStringExt::into_vec(
        value,
    )))
}

/// Takes over the bytes of a value, if there are bytes that mean the same everywhere.
#[cfg(not(unix))]
fn secret(value: OsString, lookup: Lookup<'_>) -> Result<Secret, Error> {
    let secret = Secret::new(value.into_encoded_bytes());
    match secret.expose_str() {
        Ok(_) => Ok(secret),
        Err(_) => Err(error::not_unicode(lookup)),
    }
}

/// What the name of the previous value ends in.
const PREVIOUS: &str = "_PREVIOUS";
