//! A vault as somebody describes it: a name, a backend type, and settings.

use perennial_reference::VaultName;

use crate::{
    ContextKey, Error, ErrorKind, Field, FieldKind, Operation, Origin, Setting, SettingMap,
};

/// Describes one vault: a configured instance of a backend, named by its prefix.
///
/// ```
/// use perennial_backend::VaultSpec;
///
/// let certs = VaultSpec::named("aws-certs", "aws")?.with("region", "eu-central-1").with("ttl", "6h");
/// assert_eq!(certs.name().as_str(), "aws-certs");
/// # Ok::<(), perennial_backend::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct VaultSpec {
    name: VaultName,
    backend: Box<str>,
    is_default: bool,
    description: Option<Box<str>>,
    declared: Origin,
    settings: SettingMap,
    problem: Option<Error>,
}

impl VaultSpec {
    /// Describes a named vault: `{vault://<name>/…}` reads from it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if the name does not match `[a-z][a-z0-9-]*[a-z0-9]`.
    pub fn named(name: &str, backend: impl Into<Box<str>>) -> Result<Self, Error> {
        Ok(Self::new(vault_name(name)?, backend.into(), false))
    }

    /// Describes the default vault of a backend type, which has the type's own name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if that is no possible name.
    pub fn default_of(backend: &str) -> Result<Self, Error> {
        Ok(Self::new(vault_name(backend)?, backend.into(), true))
    }

    fn new(name: VaultName, backend: Box<str>, is_default: bool) -> Self {
        Self {
            name,
            backend,
            is_default,
            description: None,
            declared: if is_default {
                Origin::Default
            } else {
                Origin::Code
            },
            settings: SettingMap::new(),
            problem: None,
        }
    }

    /// Sets a field.
    #[must_use]
    pub fn with(mut self, field: impl Into<Box<str>>, text: impl Into<Box<str>>) -> Self {
        self.settings
            .insert(field, Setting::new(text, Origin::Code));
        self
    }

    /// Sets a field, and says where the value came from.
    #[must_use]
    pub fn with_setting(mut self, field: impl Into<Box<str>>, setting: Setting) -> Self {
        self.settings.insert(field, setting);
        self
    }

    /// Adds a description for people.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<Box<str>>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Says where the vault was declared.
    #[must_use]
    pub fn with_declared(mut self, origin: Origin) -> Self {
        self.declared = origin;
        self
    }

    /// Notes what is wrong with the description. The first problem stays, and every use of this
    /// vault reports it; other vaults are not touched by it.
    #[must_use]
    pub fn with_problem(mut self, problem: Error) -> Self {
        self.problem.get_or_insert(problem);
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &VaultName {
        &self.name
    }

    /// Returns the name of the backend type.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Returns whether it is its backend type's default vault.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default
    }

    /// Returns the description.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns where it was declared.
    #[must_use]
    pub fn declared(&self) -> &Origin {
        &self.declared
    }

    /// Returns the settings, those common to all vaults included.
    #[must_use]
    pub fn settings(&self) -> &SettingMap {
        &self.settings
    }

    /// Returns what is wrong with the description.
    #[must_use]
    pub fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    /// Returns the environment variable that sets a field of this vault.
    #[must_use]
    pub fn variable(&self, field: &str) -> String {
        let shout = |text: &str| text.replace('-', "_").to_ascii_uppercase();
        format!(
            "PERENNIAL_VAULT_{}_{}",
            shout(self.name.as_str()),
            shout(field)
        )
    }
}

fn vault_name(name: &str) -> Result<VaultName, Error> {
    VaultName::new(name).map_err(|_| {
        Error::new(
            ErrorKind::InvalidConfig,
            format!("`{name}` cannot be the name of a vault"),
        )
        .with_operation(Operation::Build)
        .with_context(ContextKey::Vault, name)
        .with_help(
            "use at least two lower-case letters, digits and dashes, beginning with a letter and \
                 ending with a letter or digit, for example `aws-certs`",
        )
    })
}

/// The fields that every vault has, whatever its backend.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Common;

impl Common {
    /// How long a value is fresh.
    pub const TTL: Field = Field::new(
        "ttl",
        FieldKind::Duration,
        "How long a value is fresh; 0 means that age alone never makes it old.",
    )
    .with_unset("the provider's hint, else 300")
    .with_example("300");

    /// How long a definite *not found* is remembered.
    pub const NEG_TTL: Field = Field::new(
        "neg_ttl",
        FieldKind::Duration,
        "How long it is remembered that a secret does not exist.",
    )
    .with_default("60")
    .with_example("30");

    /// How long after its ttl a value may still be served.
    pub const RESURRECT_TTL: Field = Field::new(
        "resurrect_ttl",
        FieldKind::Duration,
        "How long after its ttl a value may still be served while it cannot be refreshed.",
    )
    .with_default("100000000")
    .with_example("600");

    /// How long before the end of its ttl a value is refreshed.
    pub const REFRESH_AHEAD: Field = Field::new(
        "refresh_ahead",
        FieldKind::Duration,
        "How long before the end of its ttl a value is refreshed.",
    )
    .with_unset("a fifth of ttl, at most 60")
    .with_example("60");

    /// The least ttl that a provider's hint can give.
    pub const MIN_TTL: Field = Field::new(
        "min_ttl",
        FieldKind::Duration,
        "The least ttl that a hint of the provider can give.",
    )
    .with_unset("no bound")
    .with_example("10");

    /// The greatest ttl that a provider's hint can give.
    pub const MAX_TTL: Field = Field::new(
        "max_ttl",
        FieldKind::Duration,
        "The greatest ttl that a hint of the provider can give.",
    )
    .with_unset("no bound")
    .with_example("1h");

    /// What a definite *not found* does to a held value.
    pub const ON_MISSING: Field = Field::new(
        "on_missing",
        FieldKind::Choice(&["keep", "drop"]),
        "Whether a value that is held is kept or dropped when its secret is found to be gone.",
    )
    .with_default("keep");

    /// What a definite *denied* does to a held value.
    pub const ON_DENIED: Field = Field::new(
        "on_denied",
        FieldKind::Choice(&["keep", "drop"]),
        "Whether a value that is held is kept or dropped when access to it is denied.",
    )
    .with_default("keep");

    /// Whether values are base64 text to be decoded.
    pub const BASE64_DECODE: Field = Field::new(
        "base64_decode",
        FieldKind::Boolean,
        "Whether values are base64 text, decoded after the key was looked up.",
    )
    .with_aliases(&["decode_base64"])
    .with_default("false");

    /// The options that a reference may set.
    pub const ALLOW_OPTIONS: Field = Field::new(
        "allow_options",
        FieldKind::List,
        "The fields of the backend that a reference may set, separated by commas.",
    )
    .with_unset("none")
    .with_example("prefix");

    /// How long one call of the store may take.
    pub const TIMEOUT: Field = Field::new(
        "timeout",
        FieldKind::Duration,
        "How long one call of the store may take.",
    )
    .with_default("10s");

    /// All of them, in the order in which they are documented.
    pub const FIELDS: &'static [Field] = &[
        Self::TTL,
        Self::NEG_TTL,
        Self::RESURRECT_TTL,
        Self::REFRESH_AHEAD,
        Self::MIN_TTL,
        Self::MAX_TTL,
        Self::ON_MISSING,
        Self::ON_DENIED,
        Self::BASE64_DECODE,
        Self::ALLOW_OPTIONS,
        Self::TIMEOUT,
    ];

    /// Returns the common field with this name or alias.
    #[must_use]
    pub fn field(name: &str) -> Option<&'static Field> {
        Self::FIELDS.iter().find(|field| field.is_called(name))
    }
}
