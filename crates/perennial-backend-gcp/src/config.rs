//! The settings: described once, then read from key and value or given by code.
//!
//! Nothing is looked up here: what a vendor's own variables say comes in as a setting, too.

mod fields;

use std::path::PathBuf;

use perennial_backend::{Error, Origin, Secret, SettingMap};

pub use fields::SETTINGS;
use fields::{
    AUTH_METHOD, AUTH_METHOD_ORDER, CREDENTIALS_FILE, ENDPOINT_URL, HOME, LOCATION, METADATA_HOST,
    OTHER_PROJECTS, PROJECT_ID, READ_SCHEDULE, RETIRE, SERVICE_ACCOUNT, UNIVERSE_DOMAIN,
};

/// How the service is reached, and as whom.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// Id or number of the project whose secrets are read; without it references have to give full
    /// resource names.
    pub project_id: Option<String>,
    /// Whether full resource names may name other projects than [`project_id`](Self::project_id).
    pub other_projects: bool,
    /// Region of regional secrets.
    pub location: Option<String>,
    /// Where the service is, if not at its own address.
    pub endpoint_url: Option<String>,
    /// Domain of the cloud; `googleapis.com` if there is none.
    pub universe_domain: Option<String>,
    /// Who asks.
    pub auth_method: AuthMethod,
    /// Whether a service account goes before the metadata server.
    pub auth_method_order: AuthOrder,
    /// Credentials as JSON text.
    pub service_account: Option<Secret>,
    /// File with such credentials.
    pub credentials_file: Option<PathBuf>,
    /// Home directory, below which `gcloud` keeps the application default credentials; they are not
    /// looked for without it.
    pub home: Option<PathBuf>,
    /// Host of the metadata server.
    pub metadata_host: Option<String>,
    /// Whether never to ask when a secret expires and is rotated.
    pub without_schedule: bool,
    /// What becomes of a version that is retired.
    pub retire: Retirement,
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMethod {
    /// Whoever the given credentials speak for; without any, the application default credentials,
    /// then the metadata server.
    #[default]
    Auto,
    /// Whoever the metadata server names.
    Metadata,
    /// Nobody: emulators do not ask.
    Anonymous,
}

/// Which of two possible identities goes first, where a service account is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthOrder {
    /// The service account.
    #[default]
    Adc,
    /// The metadata server, if there is one.
    Legacy,
}

/// What becomes of a version that is retired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retirement {
    /// It is disabled, and can be enabled again.
    #[default]
    Disable,
    /// Its payload is gone.
    Destroy,
}

impl Config {
    /// Reads the configuration from settings.
    ///
    /// # Errors
    /// Fails if a setting is unknown, has the wrong form, or contradicts another; the error names
    /// it.
    pub fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        SETTINGS.check(settings)?;
        let text = |field| settings.text(field).map(str::to_owned);
        let given = |field| {
            let setting = settings.setting(field)?;
            Some(matches!(setting.origin(), Origin::Variable(name)
                if field.conventions().contains(&&**name)))
        };
        let by_convention = |field| given(field) == Some(true);
        let mut config = Self {
            project_id: text(&PROJECT_ID),
            other_projects: settings.boolean(&OTHER_PROJECTS).unwrap_or_default(),
            location: text(&LOCATION),
            endpoint_url: text(&ENDPOINT_URL),
            universe_domain: text(&UNIVERSE_DOMAIN),
            auth_method: match settings.text(&AUTH_METHOD) {
                Some("metadata") => AuthMethod::Metadata,
                Some("anonymous") => AuthMethod::Anonymous,
                _ => AuthMethod::Auto,
            },
            auth_method_order: match settings.text(&AUTH_METHOD_ORDER) {
                Some("legacy") => AuthOrder::Legacy,
                None if by_convention(&SERVICE_ACCOUNT) => AuthOrder::Legacy,
                _ => AuthOrder::Adc,
            },
            service_account: settings.text(&SERVICE_ACCOUNT).map(Secret::from),
            credentials_file: settings.text(&CREDENTIALS_FILE).map(PathBuf::from),
            home: settings.text(&HOME).map(PathBuf::from),
            metadata_host: text(&METADATA_HOST),
            without_schedule: settings.boolean(&READ_SCHEDULE) == Some(false),
            retire: match settings.text(&RETIRE) {
                Some("destroy") => Retirement::Destroy,
                _ => Retirement::Disable,
            },
        };
        // What was configured goes before what the vendors' variables say.
        match (given(&SERVICE_ACCOUNT), given(&CREDENTIALS_FILE)) {
            (Some(false) | Some(true), Some(true)) => config.credentials_file = None,
            (Some(true), Some(false)) => config.service_account = None,
            _ => {}
        }
        if config.auth_method != AuthMethod::Auto {
            if by_convention(&SERVICE_ACCOUNT) {
                config.service_account = None;
            }
            if by_convention(&CREDENTIALS_FILE) {
                config.credentials_file = None;
            }
        }
        config.check()?;
        Ok(config)
    }

    /// Says whose secrets are read, by the project's id or number.
    #[must_use]
    pub fn with_project_id(mut self, project: impl Into<String>) -> Self {
        self.project_id = Some(project.into());
        self
    }

    /// Allows full resource names to name other projects.
    #[must_use]
    pub fn with_other_projects(mut self) -> Self {
        self.other_projects = true;
        self
    }

    /// Says in which region the secrets are.
    #[must_use]
    pub fn with_location(mut self, region: impl Into<String>) -> Self {
        self.location = Some(region.into());
        self
    }

    /// Says where the service is.
    #[must_use]
    pub fn with_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Says which domain the cloud has.
    #[must_use]
    pub fn with_universe_domain(mut self, domain: impl Into<String>) -> Self {
        self.universe_domain = Some(domain.into());
        self
    }

    /// Says who asks.
    #[must_use]
    pub fn with_auth_method(mut self, method: AuthMethod) -> Self {
        self.auth_method = method;
        self
    }

    /// Says whether a service account goes before the metadata server.
    #[must_use]
    pub fn with_auth_method_order(mut self, order: AuthOrder) -> Self {
        self.auth_method_order = order;
        self
    }

    /// Gives credentials as JSON text.
    #[must_use]
    pub fn with_service_account(mut self, json: Secret) -> Self {
        self.service_account = Some(json);
        self
    }

    /// Names a file with credentials.
    #[must_use]
    pub fn with_credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials_file = Some(path.into());
        self
    }

    /// Names the home directory, below which `gcloud` keeps the application default credentials.
    #[must_use]
    pub fn with_home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Says where the metadata server is: a host, and a port if need be.
    #[must_use]
    pub fn with_metadata_host(mut self, host: impl Into<String>) -> Self {
        self.metadata_host = Some(host.into());
        self
    }

    /// Never asks when a secret expires and is rotated.
    #[must_use]
    pub fn without_schedule(mut self) -> Self {
        self.without_schedule = true;
        self
    }

    /// Says what becomes of a version that is retired.
    #[must_use]
    pub fn with_retire(mut self, retire: Retirement) -> Self {
        self.retire = retire;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.service_account.is_some() && self.credentials_file.is_some() {
            let message = "settings `service_account` and `credentials_file` contradict each other";
            return Err(CREDENTIALS_FILE
                .invalid(message.to_owned())
                .with_help("keep one of them"));
        }
        if let Some(url) = &self.endpoint_url {
            ENDPOINT_URL.check(url)?;
        }
        let given = self.service_account.is_some() || self.credentials_file.is_some();
        if given && self.auth_method != AuthMethod::Auto {
            let message = "setting `auth_method` leaves out the credentials that are given";
            return Err(AUTH_METHOD.invalid(message.to_owned()).with_help(
                "set it to `auto`, or leave out `service_account` and `credentials_file`",
            ));
        }
        for (field, text) in [(PROJECT_ID, &self.project_id), (LOCATION, &self.location)] {
            if let Some(text) = text
                && !is_segment(text)
            {
                return Err(field.invalid(format!(
                    "setting `{}` is one segment of a path, not `{}`",
                    field.name(),
                    text.escape_debug()
                )));
            }
        }
        for (field, text) in [
            (METADATA_HOST, &self.metadata_host),
            (UNIVERSE_DOMAIN, &self.universe_domain),
        ] {
            if let Some(text) = text
                && (text.is_empty() || !text.bytes().all(is_of_host))
            {
                return Err(field.invalid(format!(
                    "setting `{}` takes the name of a host, not `{}`",
                    field.name(),
                    text.escape_debug()
                )));
            }
        }
        Ok(())
    }

    /// Returns where the service is, with its scheme.
    pub(crate) fn endpoint(&self) -> String {
        if let Some(url) = &self.endpoint_url {
            return url.trim_end_matches('/').to_owned();
        }
        let domain = self.universe_domain();
        match &self.location {
            Some(region) => format!("https://secretmanager.{region}.rep.{domain}"),
            None => format!("https://secretmanager.{domain}"),
        }
    }

    pub(crate) fn universe_domain(&self) -> &str {
        self.universe_domain.as_deref().unwrap_or("googleapis.com")
    }
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
}

/// Whether a text stays one segment of a path, however it is spelled otherwise.
pub(crate) fn is_segment(text: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'~');
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(plain)
}

#[cfg(test)]
mod tests;
