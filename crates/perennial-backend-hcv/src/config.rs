//! The settings: described once, then read from key and value or given by code.
//!
//! Nothing is looked up here: what a vendor's own variables say comes in as a setting, too.

use perennial_backend::{Error, Field, FieldClass, FieldKind, Secret, SettingMap, Settings};

/// The settings of this backend.
pub static SETTINGS: Settings = Settings::new("hcv", "secrets of Hcv", &[ADDRESS, TOKEN]);

const ADDRESS: Field = Field::new("address", FieldKind::Url, "Where the store is.")
    .with_class(FieldClass::Address)
    .with_example("https://secrets.example.com")
    .required();

const TOKEN: Field = Field::new("token", FieldKind::Text, "What the store knows us by.")
    .with_class(FieldClass::Credential);

/// How the store is reached.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// Where the store is.
    pub address: String,
    /// What the store knows us by.
    pub token: Option<Secret>,
}

impl Config {
    /// Reads the configuration from settings.
    ///
    /// # Errors
    /// Fails if a setting is unknown, has the wrong form, or is required and missing; the error
    /// names it.
    pub fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        SETTINGS.check(settings)?;
        let address = settings.text(&ADDRESS).ok_or_else(|| ADDRESS.missing())?;
        let mut config = Self::default().with_address(address);
        config.token = settings.text(&TOKEN).map(Secret::from);
        Ok(config)
    }

    /// Says where the store is.
    #[must_use]
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Says what the store knows us by.
    #[must_use]
    pub fn with_token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }
}

#[cfg(test)]
mod tests {
    use perennial_backend::ErrorKind;

    use super::*;

    const PLACE: &str = "https://secrets.example.com";

    #[test]
    fn settings_become_a_configuration() {
        let given = SettingMap::new().with("address", PLACE).with("token", "t");
        let config = Config::from_settings(&given).unwrap();
        assert_eq!(config.address, PLACE);
        assert_eq!(config.token.unwrap().expose(), b"t");
    }

    #[test]
    fn unknown_and_missing_settings_are_refused_by_name() {
        let check = |given: SettingMap, name: &str| {
            let error = Config::from_settings(&given).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.message().contains(name), "{error}");
        };
        check(SettingMap::new(), "address");
        check(
            SettingMap::new().with("address", PLACE).with("tokn", "t"),
            "tokn",
        );
    }
}
