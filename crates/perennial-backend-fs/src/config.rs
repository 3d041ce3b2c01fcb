//! The settings: described once, then read from key and value or given by code.
//!
//! The file system is not looked at here.

use std::path::PathBuf;

use perennial_backend::{
    ContextKey, Error, ErrorKind, Field, FieldClass, FieldKind, Operation, Request, SettingMap,
    Settings,
};

/// The settings of this backend.
pub static SETTINGS: Settings = Settings::new(
    "fs",
    "files and directories of secrets",
    &[PREFIX, TRIM, MAX_SIZE, MAX_FILES, MAX_TOTAL, WATCH],
);

pub(crate) const PREFIX: Field = Field::new(
    "prefix",
    FieldKind::Path,
    "The directory below which all secrets lie, from the root of the file system.",
)
.with_class(FieldClass::Address)
.with_example("/run/secrets")
.required();

pub(crate) const TRIM: Field = Field::new(
    "trim",
    FieldKind::Choice(&["newline", "none"]),
    "Whether one newline at the end of a text file is dropped.",
)
.with_default("newline");

pub(crate) const MAX_SIZE: Field = Field::new(
    "max_size",
    FieldKind::Integer {
        min: 1,
        max: MOST_BYTES,
    },
    "The most bytes that a file may have.",
)
.with_default("1048576");

pub(crate) const MAX_FILES: Field = Field::new(
    "max_files",
    FieldKind::Integer {
        min: 1,
        max: 100_000,
    },
    "The most files that a directory may have, if it is read as one secret.",
)
.with_default("1000");

pub(crate) const MAX_TOTAL: Field = Field::new(
    "max_total",
    FieldKind::Integer {
        min: 1,
        max: MOST_BYTES,
    },
    "The most bytes that the files of a directory may have together.",
)
.with_default("16777216");

pub(crate) const WATCH: Field = Field::new(
    "watch",
    FieldKind::Choice(&["auto", "poll", "none"]),
    "How changes of what is held are noticed.",
)
// It is about the vault as a whole, so no reference may set it.
.with_class(FieldClass::Address)
.with_default("auto");

/// Where the files are, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The directory below which all secrets lie.
    pub prefix: PathBuf,
    /// Whether one newline at the end of a text file is dropped.
    pub trim: Trim,
    /// The most bytes that a file may have.
    pub max_size: u64,
    /// The most files that a directory may have.
    pub max_files: u64,
    /// The most bytes that the files of a directory may have together.
    pub max_total: u64,
    /// How changes of what is held are noticed.
    pub watch: Watch,
}

/// Whether one newline at the end of a text file is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trim {
    /// One `\n` or `\r\n` at the end of a file that is UTF-8 is dropped.
    #[default]
    Newline,
    /// Every byte is kept.
    None,
}

/// How changes of what is held are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Watch {
    /// The system tells of them; where it cannot, it is as with [`Poll`](Watch::Poll).
    #[default]
    Auto,
    /// Somebody looks every two seconds.
    Poll,
    /// Not at all: a change is seen by the next fetch.
    None,
}

impl Config {
    /// Reads the configuration from settings.
    ///
    /// # Errors
    /// Fails if a setting is unknown, has the wrong form, or is required and missing; the error
    /// names it.
    pub fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        SETTINGS.check(settings)?;
        let prefix = settings.text(&PREFIX).ok_or_else(|| PREFIX.missing())?;
        let mut config = Self::default().with_prefix(prefix);
        for field in SETTINGS.fields() {
            if let Some(text) = settings.text(field) {
                config.set(field, text);
            }
        }
        config.check()?;
        Ok(config)
    }

    /// Says below which directory all secrets lie.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<PathBuf>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Says whether one newline at the end of a text file is dropped.
    #[must_use]
    pub fn with_trim(mut self, trim: Trim) -> Self {
        self.trim = trim;
        self
    }

    /// Says how many bytes a file may have.
    #[must_use]
    pub fn with_max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes;
        self
    }

    /// Says how many files a directory may have.
    #[must_use]
    pub fn with_max_files(mut self, files: u64) -> Self {
        self.max_files = files;
        self
    }

    /// Says how many bytes the files of a directory may have together.
    #[must_use]
    pub fn with_max_total(mut self, bytes: u64) -> Self {
        self.max_total = bytes;
        self
    }

    /// Says how changes of what is held are noticed.
    #[must_use]
    pub fn with_watch(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.prefix.as_os_str().is_empty() {
            return Err(PREFIX
                .missing()
                .with_context(ContextKey::Backend, SETTINGS.backend()));
        }
        // What the working directory is, is no setting: it must not decide where secrets are.
        let nul = self.prefix.as_os_str().as_encoded_bytes().contains(&0);
        if !self.prefix.is_absolute() || nul {
            let shown = self.prefix.to_string_lossy();
            return Err(PREFIX.invalid(format!(
                "setting `prefix` takes a path from the root of the file system, not `{}`",
                shown.escape_debug()
            )));
        }
        let limits = [
            (MAX_SIZE, self.max_size),
            (MAX_FILES, self.max_files),
            (MAX_TOTAL, self.max_total),
        ];
        limits
            .iter()
            .try_for_each(|(field, limit)| field.check(&limit.to_string()))
    }

    /// Returns this configuration with what a reference set in its place.
    pub(crate) fn with_options(&self, request: &Request) -> Result<Self, Error> {
        let mut config = self.clone();
        for field in SETTINGS.fields() {
            // A vault cannot let references set anything of another class; asked anyway, it is
            // left as it is.
            let text = match field.class() {
                FieldClass::Plain => request.option(field.name()),
                _ => None,
            };
            let Some(text) = text else { continue };
            field.check(text).map_err(|error| {
                let message = error.message().replacen("setting", "option", 1);
                Error::new(ErrorKind::InvalidReference, message)
                    .with_operation(Operation::Fetch)
                    .with_context(ContextKey::Option, field.name())
                    .with_context(ContextKey::Resource, request.resource())
            })?;
            config.set(field, text);
        }
        Ok(config)
    }

    /// Takes over a text whose form was checked.
    fn set(&mut self, field: &Field, text: &str) {
        let limit = match field.name() {
            "trim" => {
                self.trim = match text {
                    "none" => Trim::None,
                    _ => Trim::Newline,
                };
                return;
            }
            "watch" => {
                self.watch = match text {
                    "poll" => Watch::Poll,
                    "none" => Watch::None,
                    _ => Watch::Auto,
                };
                return;
            }
            "max_size" => &mut self.max_size,
            "max_files" => &mut self.max_files,
            "max_total" => &mut self.max_total,
            _ => return,
        };
        if let Ok(number) = text.parse() {
            *limit = number;
        }
    }
}

impl Default for Config {
    /// Returns the defaults of all settings; there is none for the prefix.
    fn default() -> Self {
        Self {
            prefix: PathBuf::new(),
            trim: Trim::Newline,
            max_size: 1024 * 1024,
            max_files: 1000,
            max_total: 16 * 1024 * 1024,
            watch: Watch::Auto,
        }
    }
}

const MOST_BYTES: i64 = 1024 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> SettingMap {
        SettingMap::new().with("prefix", "/run/secrets")
    }

    #[test]
    fn settings_become_a_configuration() {
        let given = base()
            .with("trim", "none")
            .with("max_size", "5")
            .with("max_files", "6")
            .with("max_total", "7")
            .with("watch", "poll");
        let expected = Config::default()
            .with_prefix("/run/secrets")
            .with_trim(Trim::None)
            .with_max_size(5)
            .with_max_files(6)
            .with_max_total(7)
            .with_watch(Watch::Poll);
        assert_eq!(Config::from_settings(&given).unwrap(), expected);
    }

    #[test]
    fn the_documented_defaults_are_those_of_the_code() {
        let expected = Config::default().with_prefix("/run/secrets");
        assert_eq!(Config::from_settings(&base()).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        let check = |given: SettingMap, expected: &str| {
            let error = Config::from_settings(&given).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            let found = format!("{error} | {}", error.help().unwrap_or("-"));
            assert_eq!(found, expected);
        };
        check(
            SettingMap::new(),
            "setting `prefix` is required | set `prefix`, for example `/run/secrets`",
        );
        check(
            SettingMap::new().with("prefix", ""),
            "setting `prefix` takes a path, not `` | for example `/run/secrets`",
        );
        check(
            SettingMap::new().with("prefix", "secrets"),
            "setting `prefix` takes a path from the root of the file system, not `secrets` | for \
             example `/run/secrets`",
        );
        check(
            SettingMap::new().with("prefix", "/run\0"),
            "setting `prefix` takes a path from the root of the file system, not `/run\\0` | for \
             example `/run/secrets`",
        );
        check(
            base().with("trim", "both"),
            "setting `trim` takes one of newline, none, not `both` | for example `newline`",
        );
        check(
            base().with("max_size", "0"),
            "setting `max_size` takes a whole number from 1 to 1073741824, not `0` | for example \
             `1048576`",
        );
        check(
            base().with("watch", "never"),
            "setting `watch` takes one of auto, poll, none, not `never` | for example `auto`",
        );
        check(
            base().with("max_filez", "1"),
            "there is no setting `max_filez` | did you mean `max_files`?",
        );
    }

    #[test]
    fn limits_given_by_code_are_checked_as_well() {
        let config = Config::default().with_prefix("/x");
        assert!(config.check().is_ok());
        for wrong in [
            Config::default(),
            config.clone().with_prefix("x"),
            config.clone().with_max_size(0),
            config.clone().with_max_size(u64::MAX),
            config.clone().with_max_files(0),
            config.with_max_total(0),
        ] {
            assert_eq!(
                wrong.check().unwrap_err().kind(),
                ErrorKind::InvalidConfig,
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_reference_sets_everything_but_the_prefix_and_the_watch() {
        let config = Config::default().with_prefix("/run/secrets");
        let given = |name: &str, value: &str| {
            let options: [(Box<str>, Box<str>); 1] = [(name.into(), value.into())];
            config.with_options(&Request::new("db").with_options(options))
        };
        assert_eq!(given("trim", "none").unwrap().trim, Trim::None);
        assert_eq!(given("max_size", "9").unwrap().max_size, 9);
        assert_eq!(given("prefix", "/etc").unwrap(), config);
        assert_eq!(given("watch", "none").unwrap(), config);
        let error = given("max_files", "many").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference);
        assert_eq!(
            error.message(),
            "option `max_files` takes a whole number from 1 to 100000, not `many`"
        );
    }
}
