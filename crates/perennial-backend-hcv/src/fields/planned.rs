//! The settings of logins that are planned: known, so that a configuration with them loads, and
//! without effect until one of those logins is chosen, which is refused.

use perennial_backend::{Field, FieldKind};

use super::{address, credential};

/// What would get a JWT for a login by `jwt`.
pub(crate) const OF_JWT: &[Field] = &[
    OAUTH2_TOKEN_ENDPOINT,
    OAUTH2_CLIENT_ID,
    OAUTH2_CLIENT_SECRET,
    OAUTH2_AUDIENCES,
];

/// What would change who logs in by `aws_iam`.
pub(crate) const OF_AWS_IAM: &[Field] = &[AWS_ASSUME_ROLE_ARN];

pub(super) const GCP_AUTH_ROLE: Field = address(
    "gcp_auth_role",
    FieldKind::Text,
    "Planned: the role to log in with by GCP.",
);

pub(super) const GCP_LOGIN_PATH: Field = address(
    "gcp_login_path",
    FieldKind::Text,
    "Planned: the path of the login by GCP.",
);

pub(super) const GCP_SERVICE_ACCOUNT: Field = credential(
    "gcp_service_account",
    FieldKind::Text,
    "Planned: the service account that signs a login by GCP.",
);

pub(super) const GCP_JWT_EXP: Field = address(
    "gcp_jwt_exp",
    FieldKind::Integer { min: 0, max: 900 },
    "Planned: for how many seconds a login by GCP is signed.",
);

pub(super) const AZURE_AUTH_ROLE: Field = address(
    "azure_auth_role",
    FieldKind::Text,
    "Planned: the role to log in with by Azure.",
);

pub(super) const AZURE_LOGIN_PATH: Field = address(
    "azure_login_path",
    FieldKind::Text,
    "Planned: the path of the login by Azure.",
);

pub(super) const AWS_AUTH_NONCE: Field = credential(
    "aws_auth_nonce",
    FieldKind::Text,
    "Planned: the nonce of a login by EC2.",
);

pub(super) const AWS_ASSUME_ROLE_ARN: Field = address(
    "aws_assume_role_arn",
    FieldKind::Text,
    "Planned: the role of AWS that signs the login.",
);

pub(super) const AWS_ROLE_SESSION_NAME: Field = address(
    "aws_role_session_name",
    FieldKind::Text,
    "Planned: the name of the session of that role.",
);

pub(super) const OAUTH2_TOKEN_ENDPOINT: Field = address(
    "oauth2_token_endpoint",
    FieldKind::Url,
    "Planned: where a JWT is had for a login.",
);

pub(super) const OAUTH2_CLIENT_ID: Field = address(
    "oauth2_client_id",
    FieldKind::Text,
    "Planned: the id of the client that asks for a JWT.",
);

pub(super) const OAUTH2_CLIENT_SECRET: Field = credential(
    "oauth2_client_secret",
    FieldKind::Text,
    "Planned: the secret of the client that asks for a JWT.",
);

pub(super) const OAUTH2_AUDIENCES: Field = address(
    "oauth2_audiences",
    FieldKind::Text,
    "Planned: for whom the JWT is.",
);
