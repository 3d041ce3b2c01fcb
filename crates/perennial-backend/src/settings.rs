//! The description of a backend's settings, and help for names that are not in it.

use crate::{ContextKey, Error, ErrorKind, Field, Operation, SettingMap};

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
            .find(|field| field.is_required() && values.text(field).is_none())
        {
            Some(field) => Err(field
                .missing()
                .with_context(ContextKey::Backend, self.backend)),
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FieldClass, FieldKind};

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
        let address: Field = Field::new("address", FieldKind::Url, "Where.");
        for text in ["user:canary@vault:8200", "https://user:canary@vault:8200/a"] {
            let error = address.check(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        assert!(address.check("https://vault:8200/a@b").is_ok());
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
