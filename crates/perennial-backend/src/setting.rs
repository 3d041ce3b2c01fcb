//! The values given for a vault's fields, and where each came from.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::Field;
use crate::field::{parse_boolean, parse_duration};

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The program set it.
    Code,
    /// This environment variable.
    Variable(Box<str>),
    /// The reference itself.
    Reference,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built-in default"),
            Self::Code => f.write_str("the program"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Reference => f.write_str("the reference"),
        }
    }
}

/// A value that somebody gave for a field; `Debug` does not show it, since it may be a credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    text: Box<str>,
    origin: Origin,
}

impl Setting {
    /// Makes a setting.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>, origin: Origin) -> Self {
        Self {
            text: text.into(),
            origin,
        }
    }

    /// Returns the text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns where it came from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The values given for a vault's fields, by field name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingMap {
    settings: BTreeMap<Box<str>, Setting>,
}

impl SettingMap {
    /// Makes an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value that the program gives.
    #[must_use]
    pub fn with(mut self, name: impl Into<Box<str>>, text: impl Into<Box<str>>) -> Self {
        self.insert(name, Setting::new(text, Origin::Code));
        self
    }

    /// Sets a value; one that is there already is replaced and returned.
    pub fn insert(&mut self, name: impl Into<Box<str>>, setting: Setting) -> Option<Setting> {
        self.settings.insert(name.into(), setting)
    }

    /// Returns the setting with exactly this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name)
    }

    /// Returns what was given for a field, under its name or else under an alias.
    #[must_use]
    pub fn setting(&self, field: &Field) -> Option<&Setting> {
        std::iter::once(field.name())
            .chain(field.aliases().iter().copied())
            .find_map(|name| self.get(name))
    }

    /// Returns the text given for a field, or its default.
    #[must_use]
    pub fn text(&self, field: &Field) -> Option<&str> {
        self.setting(field).map(Setting::text).or(field.default())
    }

    /// Returns the value of a boolean field; `None` if there is none or it has another form.
    #[must_use]
    pub fn boolean(&self, field: &Field) -> Option<bool> {
        parse_boolean(self.text(field)?)
    }

    /// Returns the value of an integer field; `None` if there is none or it has another form.
    #[must_use]
    pub fn integer(&self, field: &Field) -> Option<i64> {
        self.text(field)?.parse().ok()
    }

    /// Returns the value of a duration field; `None` if there is none or it has another form.
    #[must_use]
    pub fn duration(&self, field: &Field) -> Option<Duration> {
        parse_duration(self.text(field)?)
    }

    /// Returns the values of a list field, without blanks around them and without empty ones.
    pub fn list<'a>(&'a self, field: &Field) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self
            .setting(field)
            .map(Setting::text)
            .or(field.default())
            .unwrap_or("");
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
    }

    /// Returns all settings in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings
            .iter()
            .map(|(name, setting)| (&**name, setting))
    }

    /// Returns whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }
}
