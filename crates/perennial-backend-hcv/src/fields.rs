//! The settings, described once. What they mean together is decided in `config` and `auth`.

pub(crate) mod planned;

use perennial_backend::{Field, FieldClass, FieldKind, Origin, Setting, Settings};

/// The settings of this backend.
pub static SETTINGS: Settings = Settings::new(
    "hcv",
    "HashiCorp Vault and OpenBao: KV 1 and KV 2",
    &[
        ADDRESS,
        PROTOCOL,
        HOST,
        PORT,
        NAMESPACE,
        MOUNT,
        KV,
        AUTH_METHOD,
        TOKEN,
        TOKEN_FILE,
        HOME,
        APPROLE_AUTH_PATH,
        APPROLE_ROLE_ID,
        APPROLE_SECRET_ID,
        APPROLE_SECRET_ID_FILE,
        APPROLE_RESPONSE_WRAPPING,
        KUBE_AUTH_PATH,
        KUBE_ROLE,
        KUBE_API_TOKEN_FILE,
        JWT_AUTH_PATH,
        JWT_ROLE,
        JWT_FILE,
        CERT_AUTH_PATH,
        CERT_AUTH_ROLE_NAME,
        CERT_AUTH_CERT,
        CERT_AUTH_CERT_KEY,
        USERPASS_AUTH_PATH,
        USERPASS_USERNAME,
        USERPASS_PASSWORD,
        USERPASS_PASSWORD_FILE,
        AWS_LOGIN_PATH,
        AWS_AUTH_ROLE,
        AWS_AUTH_REGION,
        AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY,
        AWS_SESSION_TOKEN,
        AWS_STS_ENDPOINT_URL,
        AWS_IAM_SERVER_ID,
        planned::GCP_AUTH_ROLE,
        planned::GCP_LOGIN_PATH,
        planned::GCP_SERVICE_ACCOUNT,
        planned::GCP_JWT_EXP,
        planned::AZURE_AUTH_ROLE,
        planned::AZURE_LOGIN_PATH,
        planned::AWS_AUTH_NONCE,
        planned::AWS_ASSUME_ROLE_ARN,
        planned::AWS_ROLE_SESSION_NAME,
        planned::OAUTH2_TOKEN_ENDPOINT,
        planned::OAUTH2_CLIENT_ID,
        planned::OAUTH2_CLIENT_SECRET,
        planned::OAUTH2_AUDIENCES,
        SSL_VERIFY,
        CA_FILE,
        CA_TEXT,
        CLIENT_CERT_FILE,
        CLIENT_KEY_FILE,
        SERVER_NAME,
    ],
);

/// Describes a field that says where something is or how it is asked for: no reference sets it, and
/// everybody may see it.
const fn address(name: &'static str, kind: FieldKind, summary: &'static str) -> Field {
    Field::new(name, kind, summary).with_class(FieldClass::Address)
}

/// Describes a field that is never shown.
const fn credential(name: &'static str, kind: FieldKind, summary: &'static str) -> Field {
    Field::new(name, kind, summary).with_class(FieldClass::Credential)
}

const fn trust(name: &'static str, kind: FieldKind, summary: &'static str) -> Field {
    Field::new(name, kind, summary).with_class(FieldClass::Trust)
}

pub(crate) const ADDRESS: Field = address(
    "address",
    FieldKind::Url,
    "Where the server is, in place of `protocol`, `host` and `port`.",
)
.with_unset("made of protocol, host and port")
.with_example("https://vault.example.com:8200")
.with_conventions(&["BAO_ADDR", "VAULT_ADDR"]);

pub(crate) const PROTOCOL: Field = address(
    "protocol",
    FieldKind::Choice(&["http", "https"]),
    "Whether the server speaks TLS.",
)
.with_default("http");

pub(crate) const HOST: Field = address("host", FieldKind::Text, "The server's name or address.")
    .with_default("127.0.0.1")
    .with_example("vault.example.com");

pub(crate) const PORT: Field = address(
    "port",
    FieldKind::Integer { min: 1, max: 65535 },
    "The server's port.",
)
.with_default("8200");

pub(crate) const NAMESPACE: Field = Field::new(
    "namespace",
    FieldKind::Text,
    "The namespace in which the login and the secrets are.",
)
.with_unset("the root namespace")
.with_example("team-a")
.with_conventions(&["BAO_NAMESPACE", "VAULT_NAMESPACE"]);

pub(crate) const MOUNT: Field = Field::new(
    "mount",
    FieldKind::Text,
    "The path at which the KV engine is mounted.",
)
.with_default("secret");

pub(crate) const KV: Field = Field::new(
    "kv",
    FieldKind::Choice(&["v1", "v2"]),
    "The version of the KV engine; where it is not set, the mount is asked.",
)
.with_unset("the mount is asked")
.with_example("v2");

pub(crate) const AUTH_METHOD: Field = address(
    "auth_method",
    FieldKind::Choice(&[
        "token",
        "approle",
        "kubernetes",
        "jwt",
        "cert",
        "userpass",
        "aws_iam",
        "none",
        "aws_ec2",
        "azure",
        "gcp_gce",
        "gcp_iam",
    ]),
    "How the server gets to know who asks.",
)
.with_default("token");

pub(crate) const TOKEN: Field = credential("token", FieldKind::Text, "The token, as it is.")
    .with_conventions(&["BAO_TOKEN", "VAULT_TOKEN"]);

pub(crate) const TOKEN_FILE: Field = address(
    "token_file",
    FieldKind::Path,
    "A file with the token; `~/` at its start is the directory that `home` names.",
)
.with_unset("~/.vault-token, where the vendor's tools keep a login")
.with_example("/run/secrets/vault-token");

pub(crate) const HOME: Field = address(
    "home",
    FieldKind::Path,
    "The directory that `~/` at the start of `token_file` means.",
)
.with_unset("HOME of the environment")
.with_example("/var/lib/app")
.with_conventions(&["HOME"]);

pub(crate) const APPROLE_AUTH_PATH: Field = address(
    "approle_auth_path",
    FieldKind::Text,
    "The path at which the auth method AppRole is mounted.",
)
.with_default("approle");

pub(crate) const APPROLE_ROLE_ID: Field =
    credential("approle_role_id", FieldKind::Text, "The id of the AppRole.");

pub(crate) const APPROLE_SECRET_ID: Field = credential(
    "approle_secret_id",
    FieldKind::Text,
    "The secret id of the AppRole, or the token in which it is wrapped.",
);

pub(crate) const APPROLE_SECRET_ID_FILE: Field = address(
    "approle_secret_id_file",
    FieldKind::Path,
    "A file with the secret id, or with the token in which it is wrapped.",
)
.with_example("/run/secrets/secret-id");

pub(crate) const APPROLE_RESPONSE_WRAPPING: Field = address(
    "approle_response_wrapping",
    FieldKind::Boolean,
    "Whether the secret id is wrapped in a token, and has to be unwrapped, once.",
)
.with_default("false");

pub(crate) const KUBE_AUTH_PATH: Field = address(
    "kube_auth_path",
    FieldKind::Text,
    "The path at which the auth method Kubernetes is mounted.",
)
.with_default("kubernetes");

pub(crate) const KUBE_ROLE: Field = address(
    "kube_role",
    FieldKind::Text,
    "The role to log in with by Kubernetes.",
)
.with_example("app");

pub(crate) const KUBE_API_TOKEN_FILE: Field = address(
    "kube_api_token_file",
    FieldKind::Path,
    "The file with the token of the service account.",
)
.with_default("/run/secrets/kubernetes.io/serviceaccount/token");

pub(crate) const JWT_AUTH_PATH: Field = address(
    "jwt_auth_path",
    FieldKind::Text,
    "The path at which the auth method JWT is mounted.",
)
.with_default("jwt");

pub(crate) const JWT_ROLE: Field = address(
    "jwt_role",
    FieldKind::Text,
    "The role to log in with by JWT.",
)
.with_unset("the method's own default role")
.with_example("app");

pub(crate) const JWT_FILE: Field = address(
    "jwt_file",
    FieldKind::Path,
    "The file with the JWT, read anew for each login.",
)
.with_example("/run/secrets/jwt");

pub(crate) const CERT_AUTH_PATH: Field = address(
    "cert_auth_path",
    FieldKind::Text,
    "The path at which the auth method TLS certificates is mounted.",
)
.with_default("cert");

pub(crate) const CERT_AUTH_ROLE_NAME: Field = address(
    "cert_auth_role_name",
    FieldKind::Text,
    "The role to log in with by certificate.",
)
.with_unset("the server tries all")
.with_example("app");

pub(crate) const CERT_AUTH_CERT: Field = credential(
    "cert_auth_cert",
    FieldKind::Text,
    "The client certificate, as PEM text.",
);

pub(crate) const CERT_AUTH_CERT_KEY: Field = credential(
    "cert_auth_cert_key",
    FieldKind::Text,
    "The key of the client certificate, as PEM text.",
);

pub(crate) const USERPASS_AUTH_PATH: Field = address(
    "userpass_auth_path",
    FieldKind::Text,
    "The path at which the auth method userpass is mounted.",
)
.with_default("userpass");

pub(crate) const USERPASS_USERNAME: Field = address(
    "userpass_username",
    FieldKind::Text,
    "The name of the user.",
);

pub(crate) const USERPASS_PASSWORD: Field = credential(
    "userpass_password",
    FieldKind::Text,
    "The password of the user.",
);

pub(crate) const USERPASS_PASSWORD_FILE: Field = address(
    "userpass_password_file",
    FieldKind::Path,
    "A file with the password of the user.",
)
.with_example("/run/secrets/vault-password");

pub(crate) const AWS_LOGIN_PATH: Field = address(
    "aws_login_path",
    FieldKind::Text,
    "The path of the login by AWS.",
)
.with_default("/v1/auth/aws/login");

pub(crate) const AWS_AUTH_ROLE: Field = address(
    "aws_auth_role",
    FieldKind::Text,
    "The role to log in with by AWS.",
)
.with_example("app");

pub(crate) const AWS_AUTH_REGION: Field = address(
    "aws_auth_region",
    FieldKind::Text,
    "The region of the STS endpoint for which the login is signed.",
)
.with_example("eu-central-1")
.with_conventions(&["AWS_REGION", "AWS_DEFAULT_REGION"]);

pub(crate) const AWS_ACCESS_KEY_ID: Field = credential(
    "aws_access_key_id",
    FieldKind::Text,
    "The id of the AWS key that signs the login.",
)
.with_conventions(&["AWS_ACCESS_KEY_ID"]);

pub(crate) const AWS_SECRET_ACCESS_KEY: Field = credential(
    "aws_secret_access_key",
    FieldKind::Text,
    "The AWS key that signs the login.",
)
.with_conventions(&["AWS_SECRET_ACCESS_KEY"]);

pub(crate) const AWS_SESSION_TOKEN: Field = credential(
    "aws_session_token",
    FieldKind::Text,
    "The session token of a temporary AWS key.",
)
.with_conventions(&["AWS_SESSION_TOKEN"]);

pub(crate) const AWS_STS_ENDPOINT_URL: Field = address(
    "aws_sts_endpoint_url",
    FieldKind::Url,
    "The STS endpoint for which the login is signed.",
)
.with_unset("that of the region")
.with_example("https://sts.eu-central-1.amazonaws.com");

pub(crate) const AWS_IAM_SERVER_ID: Field = address(
    "aws_iam_server_id",
    FieldKind::Text,
    "The value of the header `X-Vault-AWS-IAM-Server-ID`, where the server asks for one.",
)
.with_unset("no such header")
.with_example("vault.example.com");

pub(crate) const SSL_VERIFY: Field = trust(
    "ssl_verify",
    FieldKind::Boolean,
    "Whether the server's certificate is verified.",
)
.with_default("true");

pub(crate) const CA_FILE: Field = trust(
    "ca_file",
    FieldKind::Path,
    "A file with the certificates that are trusted, in place of the system's.",
)
.with_unset("the system's")
.with_example("/etc/ssl/vault-ca.pem")
.with_conventions(&["BAO_CACERT", "VAULT_CACERT"]);

pub(crate) const CA_TEXT: Field = trust(
    "ca_text",
    FieldKind::Text,
    "The certificates that are trusted, as PEM text.",
)
.with_unset("the system's");

pub(crate) const CLIENT_CERT_FILE: Field = address(
    "client_cert_file",
    FieldKind::Path,
    "A file with the client certificate, as PEM.",
)
.with_example("/etc/ssl/app.pem")
.with_conventions(&["BAO_CLIENT_CERT", "VAULT_CLIENT_CERT"]);

pub(crate) const CLIENT_KEY_FILE: Field = address(
    "client_key_file",
    FieldKind::Path,
    "A file with the key of the client certificate, as PEM.",
)
.with_example("/etc/ssl/app-key.pem")
.with_conventions(&["BAO_CLIENT_KEY", "VAULT_CLIENT_KEY"]);

pub(crate) const SERVER_NAME: Field = trust(
    "server_name",
    FieldKind::Text,
    "The name that the server's certificate must have, where it is not the host's.",
)
.with_unset("the host")
.with_example("vault.service.consul")
.with_conventions(&["BAO_TLS_SERVER_NAME", "VAULT_TLS_SERVER_NAME"]);

/// Returns whether a setting came from one of the vendors' own variables, which give way to
/// everything that was configured.
pub(crate) fn is_conventional(field: &Field, setting: &Setting) -> bool {
    match setting.origin() {
        Origin::Variable(name) => field.conventions().contains(&&**name),
        _ => false,
    }
}
