//! The fields of a backend's configuration, described once, and the values given for them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::{ContextKey, Error, ErrorKind, Operation};

/// The description of a backend's settings.
///
/// It serves validation, help texts, documentation and schemas alike.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    backend: &'static str,
    summary: &'static str,
    fields: &'static [Field],
}

impl Settings {
    /// Describes the settings of a backend type.
    #[must_use]
    pub const fn new(
        backend: &'static str,
        summary: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self {
            backend,
            summary,
            fields,
        }
    }

    /// Returns the name of the backend type, such as `aws`.
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// Returns what the backend reads from, in a few words.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }

    /// Returns all fields in the order in which they are documented.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// Returns the field with this name or alias.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.is_called(name))
    }

    /// Checks every value, and that there is one for every required field.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] with the name of the first field that is unknown, has a value of
    /// the wrong form, or is missing.
    pub fn check(&self, values: &SettingMap) -> Result<(), Error> {
        for (name, setting) in values.iter() {
            let Some(field) = self.field(name) else {
                return Err(unknown_field(name, self.fields.iter().map(Field::name))
                    .with_context(ContextKey::Backend, self.backend));
            };
            field.check(setting.text())?;
        }
        match self
            .fields
            .iter()
            .find(|field| field.required && values.text(field).is_none())
        {
            Some(field) => Err(field
                .missing()
                .with_context(ContextKey::Backend, self.backend)),
            None => Ok(()),
        }
    }
}

/// What a field's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// Any text.
    Text,
    /// A whole number between two bounds, both included.
    Integer {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// `true`, `false`, `on` or `off`.
    Boolean,
    /// Seconds, or a number with one of `s`, `m`, `h`, `d`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path of the local file system.
    Path,
    /// A URL with its scheme.
    Url,
    /// Several texts, separated by commas.
    List,
}

impl FieldKind {
    /// Returns the name of the kind: `duration`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Choice(_) => "choice",
            Self::Path => "path",
            Self::Url => "url",
            Self::List => "list",
        }
    }
}

/// What a field is about, which decides who may set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldClass {
    /// Chooses among what the vault can read: a reference may set it where the vault allows it.
    #[default]
    Plain,
    /// Says where the store is: never set by a reference.
    Address,
    /// Says who asks: never set by a reference, and never shown.
    Credential,
    /// Says whom to trust: never set by a reference.
    Trust,
}

/// The description of one field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    name: &'static str,
    summary: &'static str,
    kind: FieldKind,
    class: FieldClass,
    required: bool,
    default: Option<&'static str>,
    unset: Option<&'static str>,
    example: Option<&'static str>,
    aliases: &'static [&'static str],
    conventions: &'static [&'static str],
}

impl Field {
    /// Describes a field by its name, the form of its value, and what it does in one sentence.
    #[must_use]
    pub const fn new(name: &'static str, kind: FieldKind, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            kind,
            class: FieldClass::Plain,
            required: false,
            default: None,
            unset: None,
            example: None,
            aliases: &[],
            conventions: &[],
        }
    }

    /// Says what it is about.
    #[must_use]
    pub const fn with_class(mut self, class: FieldClass) -> Self {
        self.class = class;
        self
    }

    /// Says that there is no vault without it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Says what holds where nothing is given.
    #[must_use]
    pub const fn with_default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Says in words what holds where nothing is given and no one value says it.
    #[must_use]
    pub const fn with_unset(mut self, meaning: &'static str) -> Self {
        self.unset = Some(meaning);
        self
    }

    /// Adds an example value for the documentation.
    #[must_use]
    pub const fn with_example(mut self, value: &'static str) -> Self {
        self.example = Some(value);
        self
    }

    /// Adds other names that mean the same.
    #[must_use]
    pub const fn with_aliases(mut self, names: &'static [&'static str]) -> Self {
        self.aliases = names;
        self
    }

    /// Adds the vendor's own environment variables, the first of which that is set counts, below
    /// everything that was configured.
    #[must_use]
    pub const fn with_conventions(mut self, variables: &'static [&'static str]) -> Self {
        self.conventions = variables;
        self
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it does, in one sentence.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }

    /// Returns the form of its value.
    #[must_use]
    pub const fn kind(&self) -> FieldKind {
        self.kind
    }

    /// Returns what it is about.
    #[must_use]
    pub const fn class(&self) -> FieldClass {
        self.class
    }

    /// Returns whether there is no vault without it.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }

    /// Returns what holds where nothing is given.
    #[must_use]
    pub const fn default(&self) -> Option<&'static str> {
        self.default
    }

    /// Returns in words what holds where nothing is given and no one value says it.
    #[must_use]
    pub const fn unset(&self) -> Option<&'static str> {
        self.unset
    }

    /// Returns an example value.
    #[must_use]
    pub const fn example(&self) -> Option<&'static str> {
        self.example
    }

    /// Returns other names that mean the same.
    #[must_use]
    pub const fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// Returns the vendor's own environment variables.
    #[must_use]
    pub const fn conventions(&self) -> &'static [&'static str] {
        self.conventions
    }

    /// Returns whether this is its name or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Checks the form of a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], naming the field, what it takes, and, unless it is a
    /// credential, what was given.
    pub fn check(&self, text: &str) -> Result<(), Error> {
        let expected = match self.kind {
            FieldKind::Text | FieldKind::List => return Ok(()),
            FieldKind::Path if !text.is_empty() => return Ok(()),
            FieldKind::Path => "a path".to_owned(),
            FieldKind::Integer { min, max } => match text.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => return Ok(()),
                _ => format!("a whole number from {min} to {max}"),
            },
            FieldKind::Boolean if parse_boolean(text).is_some() => return Ok(()),
            FieldKind::Boolean => "`true` or `false`".to_owned(),
            FieldKind::Duration if parse_duration(text).is_some() => return Ok(()),
            FieldKind::Duration => "seconds, or a number with s, m, h or d".to_owned(),
            FieldKind::Choice(words) if words.contains(&text) => return Ok(()),
            FieldKind::Choice(words) => format!("one of {}", words.join(", ")),
            FieldKind::Url if is_url(text) => return Ok(()),
            FieldKind::Url => "a URL that begins with http:// or https://".to_owned(),
        };
        let found = match self.class {
            FieldClass::Credential => String::new(),
            _ => format!(", not `{text}`"),
        };
        Err(self.invalid(format!("setting `{}` takes {expected}{found}", self.name)))
    }

    /// Makes the error for a value that this field does not take.
    #[must_use]
    pub fn invalid(&self, message: String) -> Error {
        let error = Error::new(ErrorKind::InvalidConfig, message)
            .with_operation(Operation::Build)
            .with_context(ContextKey::Field, self.name);
        match self.example.or(self.default) {
            Some(value) => error.with_help(format!("for example `{value}`")),
            None => error,
        }
    }

    /// Makes the error for a required field without a value.
    #[must_use]
    pub fn missing(&self) -> Error {
        let example = self.example.map(|value| format!(", for example `{value}`"));
        Error::new(
            ErrorKind::InvalidConfig,
            format!("setting `{}` is required", self.name),
        )
        .with_operation(Operation::Build)
        .with_context(ContextKey::Field, self.name)
        .with_help(format!(
            "set `{}`{}",
            self.name,
            example.unwrap_or_default()
        ))
    }
}

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
        std::iter::once(&field.name)
            .chain(field.aliases)
            .find_map(|name| self.get(name))
    }

    /// Returns the text given for a field, or its default.
    #[must_use]
    pub fn text(&self, field: &Field) -> Option<&str> {
        self.setting(field).map(Setting::text).or(field.default)
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
            .or(field.default)
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

/// Makes the error for a field that does not exist, with the nearest one that does.
#[must_use]
pub fn unknown_field(name: &str, known: impl IntoIterator<Item = &'static str>) -> Error {
    let known: Vec<_> = known.into_iter().collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("known settings: {}", known.join(", ")),
    };
    Error::new(
        ErrorKind::InvalidConfig,
        format!("there is no setting `{name}`"),
    )
    .with_operation(Operation::Build)
    .with_context(ContextKey::Field, name)
    .with_help(help)
}

/// Returns the known name that was most likely meant, if one is near enough.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_ascii_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&folded, &candidate.replace('-', "_")),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Reads `true`, `false`, `on` or `off`, as the original's configuration writes them.
#[must_use]
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "on" => Some(true),
        "false" | "off" => Some(false),
        _ => None,
    }
}

/// Reads a duration in the form that references have too: `300`, `30s`, `5m`, `6h`, `1d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    perennial_reference::parse_duration(text)
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| text.strip_prefix(scheme))
        .any(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Field = Field::new("region", FieldKind::Text, "The region.").with_example("eu-1");
    const PORT: Field = Field::new(
        "port",
        FieldKind::Integer { min: 1, max: 65535 },
        "The port.",
    )
    .with_default("8200");
    const TOKEN: Field =
        Field::new("token", FieldKind::Url, "Not really a URL.").with_class(FieldClass::Credential);
    const DECODE: Field =
        Field::new("base64_decode", FieldKind::Boolean, "Decode.").with_aliases(&["decode_base64"]);
    const PREFIX: Field = Field::new("prefix", FieldKind::Path, "Where.").required();
    const FIELDS: &[Field] = &[REGION, PORT, TOKEN, DECODE, PREFIX];
    const SETTINGS: Settings = Settings::new("toy", "a toy", FIELDS);

    #[track_caller]
    fn check(values: &SettingMap, expected: Result<(), &str>) {
        let found = SETTINGS
            .check(values)
            .map_err(|e| format!("{e} | {}", e.help().unwrap_or("-")));
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn every_value_is_checked_by_the_kind_of_its_field() {
        let base = SettingMap::new().with("prefix", "/run");
        check(&base, Ok(()));
        check(
            &base.clone().with("port", "65536"),
            Err(
                "setting `port` takes a whole number from 1 to 65535, not `65536` | for example `8200`",
            ),
        );
        check(&base.clone().with("decode_base64", "on"), Ok(()));
        check(
            &base.clone().with("base64_decode", "yes"),
            Err("setting `base64_decode` takes `true` or `false`, not `yes` | -"),
        );
        check(
            &base.clone().with("regin", "x"),
            Err("there is no setting `regin` | did you mean `region`?"),
        );
        check(
            &base.with("frobnicate", "x"),
            Err(
                "there is no setting `frobnicate` | known settings: region, port, token, base64_decode, prefix",
            ),
        );
        check(
            &SettingMap::new(),
            Err("setting `prefix` is required | set `prefix`"),
        );
    }

    #[test]
    fn a_credential_is_never_repeated() {
        let error = TOKEN.check("s.canary").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
        let map = SettingMap::new().with("token", "s.canary");
        assert!(!format!("{map:?}").contains("canary"));
    }

    #[test]
    fn a_field_is_read_by_its_name_before_its_aliases() {
        let map = SettingMap::new()
            .with("decode_base64", "on")
            .with("base64_decode", "off");
        assert_eq!(map.boolean(&DECODE), Some(false));
        assert_eq!(SettingMap::new().integer(&PORT), Some(8200));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("tttl", ["ttl", "neg_ttl"]), Some("ttl"));
        assert_eq!(nearest("TTL", ["ttl", "neg_ttl"]), Some("ttl"));
        assert_eq!(nearest("neg-ttl", ["ttl", "neg_ttl"]), Some("neg_ttl"));
        assert_eq!(nearest("colour", ["ttl", "neg_ttl"]), None);
    }
}
