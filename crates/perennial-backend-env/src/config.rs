//! The settings: described once, then read from key and value or given by code.
//!
//! The environment itself is not looked at here.

use perennial_backend::{Error, Field, FieldKind, SettingMap, Settings};

/// The settings of this backend.
pub static SETTINGS: Settings =
    Settings::new("env", "environment variables of this process", &[PREFIX]);

pub(crate) const PREFIX: Field = Field::new(
    "prefix",
    FieldKind::Text,
    "What is put before each name, upper-cased as the name is.",
)
.with_example("SECRETS_");

/// Which variables are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What is put before each name; nothing if it is empty.
    pub prefix: String,
}

impl Config {
    /// Reads the configuration from settings.
    ///
    /// # Errors
    /// Fails if a setting is unknown or has the wrong form; the error names it.
    pub fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        SETTINGS.check(settings)?;
        let prefix = settings.text(&PREFIX).unwrap_or_default();
        let config = Self::default().with_prefix(prefix);
        config.check()?;
        Ok(config)
    }

    /// Says what is put before each name.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if is_prefix(&self.prefix) {
            return Ok(());
        }
        Err(PREFIX.invalid(format!("setting {}", complaint(&self.prefix))))
    }
}

/// Returns whether a text can stand before names: a letter, `_` or `-`, then digits as well.
pub(crate) fn is_prefix(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Says what is wrong with a prefix.
pub(crate) fn complaint(prefix: &str) -> String {
    format!(
        "`prefix` takes letters, digits, `_` and `-`, and no digit at its beginning, not `{}`",
        prefix.escape_debug()
    )
}

#[cfg(test)]
mod tests {
    use perennial_backend::ErrorKind;

    use super::*;

    #[test]
    fn a_prefix_begins_with_a_letter_underscore_or_dash() {
        let check = |text: &str, right: bool| {
            let config = Config::from_settings(&SettingMap::new().with("prefix", text));
            assert_eq!(config.is_ok(), right, "{text:?}");
            if let Ok(config) = config {
                assert_eq!(config.prefix, text);
            }
        };
        for text in ["", "S", "secrets-again-", "_", "-", "a1", "_1", "SECRETS_"] {
            check(text, true);
        }
        for text in ["1a", "a b", "a=", "a.", "ä", "a/", "\0", "a\n"] {
            check(text, false);
        }
    }

    #[test]
    fn a_wrong_setting_is_refused_by_name_and_with_an_example() {
        let check = |name: &str, text: &str, expected: &str| {
            let error = Config::from_settings(&SettingMap::new().with(name, text)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            let found = format!("{error} | {}", error.help().unwrap_or("-"));
            assert_eq!(found, expected);
        };
        check(
            "prefix",
            "1st\n",
            "setting `prefix` takes letters, digits, `_` and `-`, and no digit at its beginning, \
             not `1st\\n` | for example `SECRETS_`",
        );
        check(
            "prefx",
            "S",
            "there is no setting `prefx` | did you mean `prefix`?",
        );
        check(
            "ttl",
            "5",
            "there is no setting `ttl` | known settings: prefix",
        );
    }
}
