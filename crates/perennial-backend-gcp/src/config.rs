//! The settings: described once, then read from key and value or given by code.
//!
//! Nothing is looked up here: what a vendor's own variables say comes in as a setting, too.

use std::path::PathBuf;

use perennial_backend::{
    Error, ErrorKind, Field, FieldClass, FieldKind, Origin, Secret, SettingMap, Settings,
};

use crate::names;

/// The settings of this backend.
pub static SETTINGS: Settings = Settings::new(
    "gcp",
    "secrets of GCP Secret Manager",
    &[
        PROJECT_ID,
        OTHER_PROJECTS,
        LOCATION,
        ENDPOINT_URL,
        UNIVERSE_DOMAIN,
        AUTH_METHOD,
        AUTH_METHOD_ORDER,
        SERVICE_ACCOUNT,
        CREDENTIALS_FILE,
        HOME,
        METADATA_HOST,
        READ_SCHEDULE,
        RETIRE,
    ],
);

const PROJECT_ID: Field = Field::new(
    "project_id",
    FieldKind::Text,
    "Id or number of the project whose secrets are read.",
)
.with_example("my-project-1")
.with_conventions(&["GOOGLE_CLOUD_PROJECT"]);

const OTHER_PROJECTS: Field = Field::new(
    "other_projects",
    FieldKind::Boolean,
    "Whether full resource names may name other projects than `project_id`.",
)
.with_class(FieldClass::Address)
.with_default("false");

const LOCATION: Field = Field::new(
    "location",
    FieldKind::Text,
    "Region of regional secrets, which have an endpoint of their own.",
)
.with_class(FieldClass::Address)
.with_example("europe-west3")
.with_unset("secrets are global");

const ENDPOINT_URL: Field = Field::new(
    "endpoint_url",
    FieldKind::Url,
    "Where the service is, if not at its own address.",
)
.with_class(FieldClass::Address)
.with_example("http://127.0.0.1:8085")
.with_unset("the global or the regional endpoint");

const UNIVERSE_DOMAIN: Field = Field::new(
    "universe_domain",
    FieldKind::Text,
    "Domain of the cloud, if it is not the public one.",
)
.with_class(FieldClass::Address)
.with_unset("googleapis.com")
.with_conventions(&["GOOGLE_CLOUD_UNIVERSE_DOMAIN"]);

const AUTH_METHOD: Field = Field::new(
    "auth_method",
    FieldKind::Choice(&["auto", "metadata", "anonymous"]),
    "Who asks: what is given here or found on the machine, the metadata server alone, or nobody (emulators).",
)
.with_class(FieldClass::Address)
.with_default("auto");

const AUTH_METHOD_ORDER: Field = Field::new(
    "auth_method_order",
    FieldKind::Choice(&["adc", "legacy"]),
    "Whether a service account goes before the metadata server (`adc`) or after it (`legacy`).",
)
.with_class(FieldClass::Address)
.with_unset("legacy if the account came by GCP_SERVICE_ACCOUNT, else adc")
.with_conventions(&["GCP_AUTH_METHOD_ORDER"]);

const SERVICE_ACCOUNT: Field = Field::new(
    "service_account",
    FieldKind::Text,
    "Credentials as JSON text: a service account, an external account, an impersonation.",
)
.with_class(FieldClass::Credential)
.with_conventions(&["GCP_SERVICE_ACCOUNT"]);

const CREDENTIALS_FILE: Field = Field::new(
    "credentials_file",
    FieldKind::Path,
    "File with such credentials.",
)
.with_class(FieldClass::Address)
.with_example("/run/secrets/gcp.json")
.with_conventions(&["GOOGLE_APPLICATION_CREDENTIALS"]);

const HOME: Field = Field::new(
    "home",
    FieldKind::Path,
    "Home directory, below which `gcloud` keeps the application default credentials.",
)
.with_class(FieldClass::Address)
.with_conventions(if cfg!(windows) {
    &["APPDATA"]
} else {
    &["HOME"]
});

const METADATA_HOST: Field = Field::new(
    "metadata_host",
    FieldKind::Text,
    "Host, and port if need be, of the metadata server.",
)
.with_class(FieldClass::Address)
.with_unset("metadata.google.internal")
.with_conventions(&["GCE_METADATA_HOST"]);

const READ_SCHEDULE: Field = Field::new(
    "read_schedule",
    FieldKind::Boolean,
    "Whether to ask, once an hour and where it is permitted, when a secret expires and is rotated.",
)
.with_class(FieldClass::Address)
.with_default("true");

const RETIRE: Field = Field::new(
    "retire",
    FieldKind::Choice(&["disable", "destroy"]),
    "What becomes of a version that is retired: it can be enabled again, or is gone.",
)
.with_class(FieldClass::Address)
.with_default("disable");

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
        let given = self.service_account.is_some() || self.credentials_file.is_some();
        if given && self.auth_method != AuthMethod::Auto {
            let message = "setting `auth_method` leaves out the credentials that are given";
            return Err(AUTH_METHOD.invalid(message.to_owned()).with_help(
                "set it to `auto`, or leave out `service_account` and `credentials_file`",
            ));
        }
        for (field, text) in [(PROJECT_ID, &self.project_id), (LOCATION, &self.location)] {
            if let Some(text) = text
                && !names::is_segment(text)
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

/// Makes the error of a reference that names no project, in a vault that has none either.
pub(crate) fn no_project() -> Error {
    Error::new(ErrorKind::InvalidConfig, "no project is set for this vault").with_help(
        "set `project_id`, GOOGLE_CLOUD_PROJECT or KONG_VAULT_GCP_PROJECT_ID, or name the secret \
         in full: `projects%2F<project>%2Fsecrets%2F<name>`",
    )
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use perennial_backend::Setting;

    use super::*;

    fn read(settings: &SettingMap) -> Config {
        Config::from_settings(settings).unwrap()
    }

    fn by_variable(map: SettingMap, field: &str, variable: &str, text: &str) -> SettingMap {
        let mut map = map;
        map.insert(field, Setting::new(text, Origin::Variable(variable.into())));
        map
    }

    #[test]
    fn a_project_id_is_never_judged_by_its_spelling() {
        for id in ["my_project_id-1", "example.com:old", "123456789", "A"] {
            let config = read(&SettingMap::new().with("project_id", id));
            assert_eq!(config.project_id.as_deref(), Some(id));
        }
        for id in ["", "a/b", "..", ".", "a?b", "a#b", "a%2fb", "a\nb"] {
            let error = Config::from_settings(&SettingMap::new().with("project_id", id));
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{id}");
            assert!(error.message().contains("project_id"), "{error}");
        }
    }

    #[test]
    fn the_endpoint_follows_location_domain_and_override() {
        let check = |config: Config, expected: &str| assert_eq!(config.endpoint(), expected);
        check(Config::default(), "https://secretmanager.googleapis.com");
        check(
            Config::default().with_location("europe-west3"),
            "https://secretmanager.europe-west3.rep.googleapis.com",
        );
        check(
            Config::default().with_universe_domain("example.cloud"),
            "https://secretmanager.example.cloud",
        );
        check(
            Config::default()
                .with_location("x")
                .with_endpoint_url("http://127.0.0.1:1/"),
            "http://127.0.0.1:1",
        );
    }

    #[test]
    fn the_order_is_the_originals_where_its_variable_gives_the_account() {
        let check = |map: SettingMap, expected| assert_eq!(read(&map).auth_method_order, expected);
        let theirs = by_variable(
            SettingMap::new(),
            "service_account",
            "GCP_SERVICE_ACCOUNT",
            "{}",
        );
        check(theirs.clone(), AuthOrder::Legacy);
        check(
            theirs.clone().with("auth_method_order", "adc"),
            AuthOrder::Adc,
        );
        check(
            by_variable(theirs, "auth_method_order", "GCP_AUTH_METHOD_ORDER", "adc"),
            AuthOrder::Adc,
        );
        let ours = SettingMap::new().with("service_account", "{}");
        check(ours.clone(), AuthOrder::Adc);
        check(ours.with("auth_method_order", "legacy"), AuthOrder::Legacy);
    }

    #[test]
    fn what_is_configured_goes_before_the_vendors_variables() {
        let file = |map| {
            by_variable(
                map,
                "credentials_file",
                "GOOGLE_APPLICATION_CREDENTIALS",
                "/theirs",
            )
        };
        let config = read(&file(SettingMap::new().with("service_account", "{}")));
        assert!(config.service_account.is_some() && config.credentials_file.is_none());

        let both = by_variable(
            SettingMap::new().with("credentials_file", "/ours"),
            "service_account",
            "GCP_SERVICE_ACCOUNT",
            "{}",
        );
        let config = read(&both);
        assert!(config.service_account.is_none() && config.credentials_file.is_some());

        let explicit = SettingMap::new()
            .with("service_account", "canary")
            .with("credentials_file", "/ours");
        let error = Config::from_settings(&explicit).unwrap_err();
        assert!(error.message().contains("contradict"), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn given_credentials_and_a_method_that_uses_none_contradict_each_other() {
        for method in ["metadata", "anonymous"] {
            let given = SettingMap::new()
                .with("auth_method", method)
                .with("service_account", "canary");
            let error = Config::from_settings(&given).unwrap_err();
            assert!(error.message().contains("auth_method"), "{error}");
            assert!(!format!("{error:?}").contains("canary"));
            // What merely lies in the environment is not meant.
            let found = by_variable(
                SettingMap::new().with("auth_method", method),
                "service_account",
                "GCP_SERVICE_ACCOUNT",
                "canary",
            );
            assert!(read(&found).service_account.is_none());
        }
    }

    #[test]
    fn no_credential_is_in_debug() {
        let config = Config::default().with_service_account(Secret::from("canary"));
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn a_host_is_the_name_of_a_host() {
        for host in ["metadata", "127.0.0.1:8080", "[::1]:80", "a-b.example.com"] {
            read(&SettingMap::new().with("metadata_host", host));
        }
        for host in ["", "http://a", "a/b", "a?b", "a@b", "a b"] {
            let given = SettingMap::new().with("metadata_host", host);
            assert!(Config::from_settings(&given).is_err(), "{host:?}");
        }
    }
}
