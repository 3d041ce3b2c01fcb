//! The settings, one by one: what each takes, means and is about.

use perennial_backend::{Field, FieldClass, FieldKind, Settings};

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

pub(super) const PROJECT_ID: Field = Field::new(
    "project_id",
    FieldKind::Text,
    "Id or number of the project whose secrets are read.",
)
.with_example("my-project-1")
.with_conventions(&["GOOGLE_CLOUD_PROJECT"]);

pub(super) const OTHER_PROJECTS: Field = Field::new(
    "other_projects",
    FieldKind::Boolean,
    "Whether full resource names may name other projects than `project_id`.",
)
.with_class(FieldClass::Address)
.with_default("false");

pub(super) const LOCATION: Field = Field::new(
    "location",
    FieldKind::Text,
    "Region of regional secrets, which have an endpoint of their own.",
)
.with_class(FieldClass::Address)
.with_example("europe-west3")
.with_unset("secrets are global");

pub(super) const ENDPOINT_URL: Field = Field::new(
    "endpoint_url",
    FieldKind::Url,
    "Where the service is, if not at its own address.",
)
.with_class(FieldClass::Address)
.with_example("http://127.0.0.1:8085")
.with_unset("the global or the regional endpoint");

pub(super) const UNIVERSE_DOMAIN: Field = Field::new(
    "universe_domain",
    FieldKind::Text,
    "Domain of the cloud, if it is not the public one.",
)
.with_class(FieldClass::Address)
.with_unset("googleapis.com")
.with_conventions(&["GOOGLE_CLOUD_UNIVERSE_DOMAIN"]);

pub(super) const AUTH_METHOD: Field = Field::new(
    "auth_method",
    FieldKind::Choice(&["auto", "metadata", "anonymous"]),
    "Who asks: what is given here or found on the machine, the metadata server alone, or nobody (emulators).",
)
.with_class(FieldClass::Address)
.with_default("auto");

pub(super) const AUTH_METHOD_ORDER: Field = Field::new(
    "auth_method_order",
    FieldKind::Choice(&["adc", "legacy"]),
    "Whether a service account goes before the metadata server (`adc`) or after it (`legacy`).",
)
.with_class(FieldClass::Address)
.with_unset("legacy if the account came by GCP_SERVICE_ACCOUNT, else adc")
.with_conventions(&["GCP_AUTH_METHOD_ORDER"]);

pub(super) const SERVICE_ACCOUNT: Field = Field::new(
    "service_account",
    FieldKind::Text,
    "Credentials as JSON text: a service account, an external account, an impersonation.",
)
.with_class(FieldClass::Credential)
.with_conventions(&["GCP_SERVICE_ACCOUNT"]);

pub(super) const CREDENTIALS_FILE: Field = Field::new(
    "credentials_file",
    FieldKind::Path,
    "File with such credentials.",
)
.with_class(FieldClass::Address)
.with_example("/run/secrets/gcp.json")
.with_conventions(&["GOOGLE_APPLICATION_CREDENTIALS"]);

pub(super) const HOME: Field = Field::new(
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

pub(super) const METADATA_HOST: Field = Field::new(
    "metadata_host",
    FieldKind::Text,
    "Host, and port if need be, of the metadata server.",
)
.with_class(FieldClass::Address)
.with_unset("metadata.google.internal")
.with_conventions(&["GCE_METADATA_HOST"]);

pub(super) const READ_SCHEDULE: Field = Field::new(
    "read_schedule",
    FieldKind::Boolean,
    "Whether to ask, once an hour and where it is permitted, when a secret expires and is rotated.",
)
.with_class(FieldClass::Address)
.with_default("true");

pub(super) const RETIRE: Field = Field::new(
    "retire",
    FieldKind::Choice(&["disable", "destroy"]),
    "What becomes of a version that is retired: it can be enabled again, or is gone.",
)
.with_class(FieldClass::Address)
.with_default("disable");
