//! Every field, described once: for checks, schemas and documents. What they become stands beside.

use perennial_backend::{Field, FieldClass, FieldKind, Settings};

/// The settings of this backend.
pub static SETTINGS: Settings = Settings::new(
    "aws",
    "secrets of AWS Secrets Manager",
    &[
        REGION,
        ENDPOINT_URL,
        PROFILE,
        CONFIG_FILE,
        CREDENTIALS_FILE,
        ACCESS_KEY_ID,
        SECRET_ACCESS_KEY,
        SESSION_TOKEN,
        ASSUME_ROLE_ARN,
        ROLE_SESSION_NAME,
        ASSUME_ROLE_EXTERNAL_ID,
        STS_ENDPOINT_URL,
        USE_FIPS,
        USE_DUALSTACK,
        CA_FILE,
        CA_TEXT,
        READ_SCHEDULE,
    ],
);

// None of the fields is one that a reference may set: each says where the store is, who asks, or
// whom to trust.

pub(crate) const REGION: Field = Field::new(
    "region",
    FieldKind::Text,
    "The region of the secrets; else that of the SDK's own chain.",
)
.with_class(FieldClass::Address)
.with_conventions(&["AWS_REGION", "AWS_DEFAULT_REGION"])
.with_example("eu-central-1");

pub(crate) const ENDPOINT_URL: Field = Field::new(
    "endpoint_url",
    FieldKind::Url,
    "Where Secrets Manager is, if not at its public address in the region.",
)
.with_class(FieldClass::Address)
.with_example("https://vpce-0123.secretsmanager.eu-central-1.vpce.amazonaws.com");

pub(crate) const PROFILE: Field = Field::new(
    "profile",
    FieldKind::Text,
    "The profile of the shared files that alone gives the credentials.",
)
.with_class(FieldClass::Address)
.with_example("production");

pub(crate) const CONFIG_FILE: Field = Field::new(
    "config_file",
    FieldKind::Path,
    "The shared configuration file; else that of the SDK's own rules.",
)
.with_class(FieldClass::Address)
.with_example("/etc/app/aws/config");

pub(crate) const CREDENTIALS_FILE: Field = Field::new(
    "credentials_file",
    FieldKind::Path,
    "The shared credentials file; else that of the SDK's own rules.",
)
.with_class(FieldClass::Address)
.with_example("/etc/app/aws/credentials");

pub(crate) const ACCESS_KEY_ID: Field = Field::new(
    "access_key_id",
    FieldKind::Text,
    "The id of an access key, in place of all other credentials.",
)
.with_class(FieldClass::Credential);

pub(crate) const SECRET_ACCESS_KEY: Field = Field::new(
    "secret_access_key",
    FieldKind::Text,
    "The secret of the access key.",
)
.with_class(FieldClass::Credential);

pub(crate) const SESSION_TOKEN: Field = Field::new(
    "session_token",
    FieldKind::Text,
    "The session token of the access key, if it is a temporary one.",
)
.with_class(FieldClass::Credential);

pub(crate) const ASSUME_ROLE_ARN: Field = Field::new(
    "assume_role_arn",
    FieldKind::List,
    "The roles to assume, each with the credentials of the one before.",
)
.with_class(FieldClass::Address)
.with_example("arn:aws:iam::111122223333:role/reader");

pub(crate) const ROLE_SESSION_NAME: Field = Field::new(
    "role_session_name",
    FieldKind::Text,
    "The name of the sessions of the roles, as the logs of AWS show it.",
)
.with_class(FieldClass::Address)
.with_default("KongVault");

pub(crate) const ASSUME_ROLE_EXTERNAL_ID: Field = Field::new(
    "assume_role_external_id",
    FieldKind::Text,
    "The external id that the last of the roles asks for.",
)
.with_class(FieldClass::Credential);

pub(crate) const STS_ENDPOINT_URL: Field = Field::new(
    "sts_endpoint_url",
    FieldKind::Url,
    "Where roles are assumed, if not at the public address of STS in the region.",
)
.with_class(FieldClass::Address)
.with_example("https://sts.eu-central-1.amazonaws.com");

pub(crate) const USE_FIPS: Field = Field::new(
    "use_fips",
    FieldKind::Boolean,
    "Whether the FIPS endpoints are used; else as the SDK's own rules say.",
)
.with_class(FieldClass::Address)
.with_example("true");

pub(crate) const USE_DUALSTACK: Field = Field::new(
    "use_dualstack",
    FieldKind::Boolean,
    "Whether the endpoints with IPv6 are used; else as the SDK's own rules say.",
)
.with_class(FieldClass::Address)
.with_example("true");

pub(crate) const CA_FILE: Field = Field::new(
    "ca_file",
    FieldKind::Path,
    "A PEM file of the authorities to trust in place of the system's.",
)
.with_class(FieldClass::Trust)
.with_conventions(&["AWS_CA_BUNDLE"])
.with_example("/etc/ssl/corporate.pem");

pub(crate) const CA_TEXT: Field = Field::new(
    "ca_text",
    FieldKind::Text,
    "The PEM text of authorities to trust in place of the system's.",
)
.with_class(FieldClass::Trust);

pub(crate) const READ_SCHEDULE: Field = Field::new(
    "read_schedule",
    FieldKind::Boolean,
    "Whether the dates of rotations are asked for now and then, to refresh just after them.",
)
.with_class(FieldClass::Address)
.with_default("true");
