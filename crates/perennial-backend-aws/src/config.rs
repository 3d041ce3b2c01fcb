//! The settings, read from key and value or given by code.
//!
//! Nothing is looked up here: neither the environment nor a file.

mod fields;

use std::path::PathBuf;

use perennial_backend::{Error, Field, Secret, SettingMap};

pub use fields::SETTINGS;
use fields::{
    ACCESS_KEY_ID, ASSUME_ROLE_ARN, ASSUME_ROLE_EXTERNAL_ID, CONFIG_FILE, CREDENTIALS_FILE,
    ENDPOINT_URL, PROFILE, READ_SCHEDULE, REGION, ROLE_SESSION_NAME, SECRET_ACCESS_KEY,
    SESSION_TOKEN, STS_ENDPOINT_URL, USE_DUALSTACK, USE_FIPS,
};
pub(crate) use fields::{CA_FILE, CA_TEXT};

/// Where Secrets Manager is, and who asks it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The region; that of the SDK's own chain if there is none.
    pub region: Option<String>,
    /// Where Secrets Manager is, if not at its public address.
    pub endpoint_url: Option<String>,
    /// The profile that alone gives the credentials.
    pub profile: Option<String>,
    /// The shared configuration file.
    pub config_file: Option<PathBuf>,
    /// The shared credentials file.
    pub credentials_file: Option<PathBuf>,
    /// The id of an access key.
    pub access_key_id: Option<Secret>,
    /// The secret of the access key.
    pub secret_access_key: Option<Secret>,
    /// The session token of the access key.
    pub session_token: Option<Secret>,
    /// The roles to assume, one after another.
    pub assume_role_arn: Vec<String>,
    /// The name of the sessions of the roles.
    pub role_session_name: String,
    /// The external id that the last of the roles asks for.
    pub assume_role_external_id: Option<Secret>,
    /// Where roles are assumed.
    pub sts_endpoint_url: Option<String>,
    /// Whether the FIPS endpoints are used.
    pub use_fips: Option<bool>,
    /// Whether the endpoints with IPv6 are used.
    pub use_dualstack: Option<bool>,
    /// A PEM file of the authorities to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The PEM text of authorities to trust in place of the system's.
    pub ca_text: Option<String>,
    /// Whether the dates of rotations are asked for.
    pub read_schedule: bool,
}

impl Default for Config {
    /// Returns the defaults of all settings: the SDK's own chains for region and credentials.
    fn default() -> Self {
        Self {
            region: None,
            endpoint_url: None,
            profile: None,
            config_file: None,
            credentials_file: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            assume_role_arn: Vec::new(),
            role_session_name: "KongVault".to_owned(),
            assume_role_external_id: None,
            sts_endpoint_url: None,
            use_fips: None,
            use_dualstack: None,
            ca_file: None,
            ca_text: None,
            read_schedule: true,
        }
    }
}

impl Config {
    /// Reads the configuration from settings.
    ///
    /// # Errors
    /// Fails if a setting is unknown, has the wrong form, or does not go with another one; the
    /// error names it.
    pub fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        SETTINGS.check(settings)?;
        let text = |field: &Field| settings.text(field).map(str::to_owned);
        let path = |field: &Field| settings.text(field).map(PathBuf::from);
        let secret = |field: &Field| settings.text(field).map(Secret::from);
        let config = Self {
            region: text(&REGION),
            endpoint_url: text(&ENDPOINT_URL),
            profile: text(&PROFILE),
            config_file: path(&CONFIG_FILE),
            credentials_file: path(&CREDENTIALS_FILE),
            access_key_id: secret(&ACCESS_KEY_ID),
            secret_access_key: secret(&SECRET_ACCESS_KEY),
            session_token: secret(&SESSION_TOKEN),
            assume_role_arn: roles(settings),
            role_session_name: text(&ROLE_SESSION_NAME).unwrap_or_default(),
            assume_role_external_id: secret(&ASSUME_ROLE_EXTERNAL_ID),
            sts_endpoint_url: text(&STS_ENDPOINT_URL),
            use_fips: settings.boolean(&USE_FIPS),
            use_dualstack: settings.boolean(&USE_DUALSTACK),
            ca_file: path(&CA_FILE),
            ca_text: text(&CA_TEXT),
            read_schedule: settings.boolean(&READ_SCHEDULE).unwrap_or(true),
        };
        config.check()?;
        Ok(config)
    }

    /// Says in which region the secrets are.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Says where Secrets Manager is.
    #[must_use]
    pub fn with_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Says which profile of the shared files gives the credentials.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Says where the shared configuration file is.
    #[must_use]
    pub fn with_config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Says where the shared credentials file is.
    #[must_use]
    pub fn with_credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials_file = Some(path.into());
        self
    }

    /// Gives an access key, in place of all other credentials.
    #[must_use]
    pub fn with_access_key(mut self, id: impl Into<Secret>, secret: Secret) -> Self {
        self.access_key_id = Some(id.into());
        self.secret_access_key = Some(secret);
        self
    }

    /// Gives the session token of a temporary access key.
    #[must_use]
    pub fn with_session_token(mut self, token: Secret) -> Self {
        self.session_token = Some(token);
        self
    }

    /// Adds a role, assumed with the credentials of the one before.
    #[must_use]
    pub fn with_assume_role_arn(mut self, arn: impl Into<String>) -> Self {
        self.assume_role_arn.push(arn.into());
        self
    }

    /// Says what the sessions of the roles are called.
    #[must_use]
    pub fn with_role_session_name(mut self, name: impl Into<String>) -> Self {
        self.role_session_name = name.into();
        self
    }

    /// Gives the external id that the last of the roles asks for.
    #[must_use]
    pub fn with_assume_role_external_id(mut self, id: Secret) -> Self {
        self.assume_role_external_id = Some(id);
        self
    }

    /// Says where roles are assumed.
    #[must_use]
    pub fn with_sts_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.sts_endpoint_url = Some(url.into());
        self
    }

    /// Says whether the FIPS endpoints are used.
    #[must_use]
    pub fn with_use_fips(mut self, fips: bool) -> Self {
        self.use_fips = Some(fips);
        self
    }

    /// Says whether the endpoints with IPv6 are used.
    #[must_use]
    pub fn with_use_dualstack(mut self, dualstack: bool) -> Self {
        self.use_dualstack = Some(dualstack);
        self
    }

    /// Says which file has the authorities to trust in place of the system's.
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Gives the authorities to trust in place of the system's.
    #[must_use]
    pub fn with_ca_text(mut self, pem: impl Into<String>) -> Self {
        self.ca_text = Some(pem.into());
        self
    }

    /// Says whether the dates of rotations are asked for.
    #[must_use]
    pub fn with_read_schedule(mut self, reads: bool) -> Self {
        self.read_schedule = reads;
        self
    }

    /// Checks what no single field can tell.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (field, text) in [
            (REGION, &self.region),
            (ENDPOINT_URL, &self.endpoint_url),
            (PROFILE, &self.profile),
            (STS_ENDPOINT_URL, &self.sts_endpoint_url),
        ] {
            let Some(text) = text else { continue };
            field.check(text)?;
            if text.is_empty() {
                return Err(field.invalid(format!("setting `{}` is empty", field.name())));
            }
        }
        if let Some(region) = &self.region
            && !is_region(region)
        {
            // It becomes part of a host name.
            return Err(REGION.invalid(format!(
                "setting `region` takes letters, digits and dashes, not `{}`",
                region.escape_debug()
            )));
        }
        self.check_key()?;
        self.check_roles()?;
        let special = [
            (USE_FIPS, self.use_fips),
            (USE_DUALSTACK, self.use_dualstack),
        ];
        let places = [
            (ENDPOINT_URL, &self.endpoint_url),
            (STS_ENDPOINT_URL, &self.sts_endpoint_url),
        ];
        for (field, wanted) in special {
            let place = places.iter().find(|(_, url)| url.is_some());
            if let (Some(true), Some((place, _))) = (wanted, place) {
                let (name, place) = (field.name(), place.name());
                return Err(field.invalid(format!(
                    "setting `{name}` chooses the endpoint, and `{place}` gives another one"
                )));
            }
        }
        Ok(())
    }

    fn check_key(&self) -> Result<(), Error> {
        let missing = match (&self.access_key_id, &self.secret_access_key) {
            (None, Some(_)) => Some(ACCESS_KEY_ID),
            (Some(_), None) => Some(SECRET_ACCESS_KEY),
            (None, None) if self.session_token.is_some() => Some(ACCESS_KEY_ID),
            _ => None,
        };
        if let Some(field) = missing {
            return Err(field.missing());
        }
        let texts = [
            (ACCESS_KEY_ID, &self.access_key_id),
            (SECRET_ACCESS_KEY, &self.secret_access_key),
            (SESSION_TOKEN, &self.session_token),
            (ASSUME_ROLE_EXTERNAL_ID, &self.assume_role_external_id),
        ];
        for (field, secret) in texts {
            if secret
                .as_ref()
                .is_some_and(|secret| secret.expose_str().is_err())
            {
                return Err(field.invalid(format!("setting `{}` is no text", field.name())));
            }
        }
        Ok(())
    }

    fn check_roles(&self) -> Result<(), Error> {
        for role in &self.assume_role_arn {
            if !role.starts_with("arn:") || !role.contains(":role/") {
                return Err(ASSUME_ROLE_ARN.invalid(format!(
                    "setting `assume_role_arn` takes ARNs of roles, not `{}`",
                    role.escape_debug()
                )));
            }
        }
        let name = &self.role_session_name;
        let sign = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&name.len()) || !name.chars().all(sign) {
            return Err(ROLE_SESSION_NAME.invalid(format!(
                "setting `role_session_name` takes 2 to 64 letters, digits and `_+=,.@-`, not `{}`",
                name.escape_debug()
            )));
        }
        if self.assume_role_external_id.is_some() && self.assume_role_arn.is_empty() {
            return Err(ASSUME_ROLE_ARN.missing());
        }
        Ok(())
    }
}

/// Reads the list of roles. A role's name may have commas in it, so what does not begin like an
/// ARN belongs to the one before.
fn roles(settings: &SettingMap) -> Vec<String> {
    let mut roles: Vec<String> = Vec::new();
    for part in settings.list(&ASSUME_ROLE_ARN) {
        match roles.last_mut() {
            Some(last) if !part.starts_with("arn:") => {
                last.push(',');
                last.push_str(part);
            }
            _ => roles.push(part.to_owned()),
        }
    }
    roles
}

fn is_region(text: &str) -> bool {
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests;
