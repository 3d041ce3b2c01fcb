//! How the server gets to know who asks: what was configured, and nothing of what it led to.
//!
//! Files are named here and read elsewhere, anew for each login.

use std::fmt;
use std::path::PathBuf;

use perennial_backend::{ContextKey, Error, ErrorKind, Field, Operation, Secret, SettingMap};

use crate::fields::{self, is_conventional};
use crate::names;

/// How the server gets to know who asks.
///
/// ```
/// use perennial_backend::Secret;
/// use perennial_backend_hcv::{Auth, Source};
///
/// let auth = Auth::approle("role", Source::file("/run/secrets/secret-id")).with_path("apps");
/// assert_eq!(auth.method(), "approle");
/// # let _ = Auth::token(Secret::from("s.example"));
/// ```
#[derive(Clone)]
pub struct Auth {
    pub(crate) method: Method,
    /// Where the auth method is mounted.
    pub(crate) path: Box<str>,
}

#[derive(Clone)]
pub(crate) enum Method {
    Token(Source),
    AppRole {
        role_id: Secret,
        secret_id: Source,
        wrapped: bool,
    },
    Kubernetes {
        role: Box<str>,
        token: PathBuf,
    },
    Jwt {
        role: Option<Box<str>>,
        token: PathBuf,
    },
    Cert {
        role: Option<Box<str>>,
    },
    UserPass {
        user: Box<str>,
        password: Source,
    },
    AwsIam {
        role: Box<str>,
        region: Box<str>,
        keys: AwsKeys,
        endpoint: Option<Box<str>>,
        server_id: Option<Box<str>>,
    },
}

/// Where a credential is found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source {
    /// It was given.
    Given(Secret),
    /// It is the content of this file, read anew for each login; blanks at its ends do not count.
    File(PathBuf),
}

impl Source {
    /// Takes a credential as it is.
    #[must_use]
    pub fn given(secret: impl Into<Secret>) -> Self {
        Self::Given(secret.into())
    }

    /// Reads a credential from a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }
}

/// The AWS keys that sign a login.
#[derive(Clone)]
pub struct AwsKeys {
    pub(crate) id: Box<str>,
    pub(crate) key: Secret,
    pub(crate) session: Option<Secret>,
}

impl AwsKeys {
    /// Takes an access key.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>, key: Secret) -> Self {
        Self {
            id: id.into(),
            key,
            session: None,
        }
    }

    /// Adds the session token of a temporary key.
    #[must_use]
    pub fn with_session(mut self, token: Secret) -> Self {
        self.session = Some(token);
        self
    }
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKeys").finish_non_exhaustive()
    }
}

impl Auth {
    fn new(method: Method, path: &str) -> Self {
        let path = path.into();
        Self { method, path }
    }

    /// Asks with a token.
    #[must_use]
    pub fn token(token: Secret) -> Self {
        Self::new(Method::Token(Source::Given(token)), "token")
    }

    /// Asks with the token in a file, such as the one that `vault login` writes. If it is refused,
    /// the file is read again.
    #[must_use]
    pub fn token_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Method::Token(Source::file(path)), "token")
    }

    /// Logs in as an AppRole.
    #[must_use]
    pub fn approle(role_id: impl Into<Secret>, secret_id: Source) -> Self {
        let method = Method::AppRole {
            role_id: role_id.into(),
            secret_id,
            wrapped: false,
        };
        Self::new(method, "approle")
    }

    /// Logs in as an AppRole whose secret id is wrapped in a token: it is unwrapped once.
    #[must_use]
    pub fn approle_wrapped(role_id: impl Into<Secret>, wrapping_token: Source) -> Self {
        let method = Method::AppRole {
            role_id: role_id.into(),
            secret_id: wrapping_token,
            wrapped: true,
        };
        Self::new(method, "approle")
    }

    /// Logs in with the token of a service account of Kubernetes.
    #[must_use]
    pub fn kubernetes(role: impl Into<Box<str>>, token_file: impl Into<PathBuf>) -> Self {
        let method = Method::Kubernetes {
            role: role.into(),
            token: token_file.into(),
        };
        Self::new(method, "kubernetes")
    }

    /// Logs in with a JWT; without a role the method's own default role is taken.
    #[must_use]
    pub fn jwt(role: Option<&str>, token_file: impl Into<PathBuf>) -> Self {
        let method = Method::Jwt {
            role: role.map(Into::into),
            token: token_file.into(),
        };
        Self::new(method, "jwt")
    }

    /// Logs in with the client certificate; without a role the server tries all.
    #[must_use]
    pub fn cert(role: Option<&str>) -> Self {
        let role = role.map(Into::into);
        Self::new(Method::Cert { role }, "cert")
    }

    /// Logs in with a name and a password.
    #[must_use]
    pub fn userpass(user: impl Into<Box<str>>, password: Source) -> Self {
        let method = Method::UserPass {
            user: user.into(),
            password,
        };
        Self::new(method, "userpass")
    }

    /// Logs in with a request to AWS that is signed here and sent by the server.
    #[must_use]
    pub fn aws_iam(role: impl Into<Box<str>>, region: impl Into<Box<str>>, keys: AwsKeys) -> Self {
        let method = Method::AwsIam {
            role: role.into(),
            region: region.into(),
            keys,
            endpoint: None,
            server_id: None,
        };
        Self::new(method, "aws")
    }

    /// Says at which path the auth method is mounted; slashes at its ends do not count.
    #[must_use]
    pub fn with_path(mut self, path: &str) -> Self {
        self.path = names::trimmed(path).into();
        self
    }

    /// Says for which STS endpoint an AWS login is signed, and which value the server wants in the
    /// header `X-Vault-AWS-IAM-Server-ID`. Other methods have neither.
    #[must_use]
    pub fn with_aws(mut self, sts_endpoint: Option<&str>, iam_server_id: Option<&str>) -> Self {
        if let Method::AwsIam {
            endpoint,
            server_id,
            ..
        } = &mut self.method
        {
            *endpoint = sts_endpoint.map(Into::into);
            *server_id = iam_server_id.map(Into::into);
        }
        self
    }

    /// Returns the name of the method, as the setting `auth_method` has it.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self.method {
            Method::Token(_) => "token",
            Method::AppRole { .. } => "approle",
            Method::Kubernetes { .. } => "kubernetes",
            Method::Jwt { .. } => "jwt",
            Method::Cert { .. } => "cert",
            Method::UserPass { .. } => "userpass",
            Method::AwsIam { .. } => "aws_iam",
        }
    }

    /// Returns whether there is one token and never another one.
    pub(crate) fn is_given_token(&self) -> bool {
        matches!(self.method, Method::Token(Source::Given(_)))
    }

    /// Checks what was given by code as well as by settings.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(flaw) = names::flaw(&self.path) {
            let message = format!("the path of the auth method `{}` {flaw}", self.method());
            return Err(invalid(message, &fields::AUTH_METHOD));
        }
        match &self.method {
            Method::UserPass { user, .. } => match names::flaw(user) {
                Some(flaw) => Err(invalid(
                    format!("the name of the user {flaw}"),
                    &fields::USERPASS_USERNAME,
                )),
                None if user.contains('/') => Err(invalid(
                    "the name of the user has a slash in it".to_owned(),
                    &fields::USERPASS_USERNAME,
                )),
                None => Ok(()),
            },
            Method::Token(Source::Given(token)) => check_token(token)
                .map_err(|flaw| invalid(format!("setting `token` {flaw}"), &fields::TOKEN)),
            _ => Ok(()),
        }
    }

    /// Reads how to log in from settings.
    pub(crate) fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        let given = Given { settings };
        let method = settings.text(&fields::AUTH_METHOD).unwrap_or_default();
        let auth = match method {
            "token" => given.token()?,
            "approle" => {
                let role = Secret::from(given.required(&fields::APPROLE_ROLE_ID)?);
                let secret =
                    given.source(&fields::APPROLE_SECRET_ID, &fields::APPROLE_SECRET_ID_FILE)?;
                let wrapped = settings.boolean(&fields::APPROLE_RESPONSE_WRAPPING);
                let auth = if wrapped == Some(true) {
                    Self::approle_wrapped(role, secret)
                } else {
                    Self::approle(role, secret)
                };
                given.at(auth, &fields::APPROLE_AUTH_PATH)
            }
            "kubernetes" => {
                let role = given.required(&fields::KUBE_ROLE)?;
                let file = given.required(&fields::KUBE_API_TOKEN_FILE)?;
                given.at(Self::kubernetes(role, file), &fields::KUBE_AUTH_PATH)
            }
            "jwt" => {
                let file = given.required(&fields::JWT_FILE)?;
                let role = given.text(&fields::JWT_ROLE);
                given.at(Self::jwt(role, file), &fields::JWT_AUTH_PATH)
            }
            "cert" => {
                let role = given.text(&fields::CERT_AUTH_ROLE_NAME);
                given.at(Self::cert(role), &fields::CERT_AUTH_PATH)
            }
            "userpass" => {
                let user = given.required(&fields::USERPASS_USERNAME)?;
                let password =
                    given.source(&fields::USERPASS_PASSWORD, &fields::USERPASS_PASSWORD_FILE)?;
                let auth = Self::userpass(user, password);
                given.at(auth, &fields::USERPASS_AUTH_PATH)
            }
            "aws_iam" => given.aws()?,
            planned => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("the auth method `{planned}` is not available yet"),
                )
                .with_operation(Operation::Build)
                .with_context(ContextKey::Field, fields::AUTH_METHOD.name())
                .with_help(format!("available: {}", AVAILABLE.join(", "))));
            }
        };
        auth.check()?;
        Ok(auth)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("method", &self.method())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Returns what keeps a text from being a token, if anything does.
///
/// The client panics on a line break in a header, so nothing of that kind comes to it.
pub(crate) fn check_token(token: &Secret) -> Result<(), &'static str> {
    let bytes = token.expose();
    if bytes.is_empty() {
        Err("is empty")
    } else if bytes.iter().all(u8::is_ascii_graphic) {
        Ok(())
    } else {
        Err("has a blank, a line break or another sign that no token has")
    }
}

pub(crate) fn invalid(message: String, field: &Field) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
        .with_operation(Operation::Build)
        .with_context(ContextKey::Field, field.name())
}

/// Settings as logins want them.
struct Given<'s> {
    settings: &'s SettingMap,
}

impl<'s> Given<'s> {
    /// Returns a text that is not only blanks.
    fn text(&self, field: &Field) -> Option<&'s str> {
        self.settings
            .setting(field)
            .map(|setting| setting.text())
            .filter(|text| !text.trim().is_empty())
    }

    fn required(&self, field: &Field) -> Result<&'s str, Error> {
        self.text(field).or(field.default()).ok_or_else(|| {
            let method = self.settings.text(&fields::AUTH_METHOD).unwrap_or_default();
            let message = format!(
                "auth method `{method}` needs the setting `{}`",
                field.name()
            );
            invalid(message, field).with_help(format!("set `{}`", field.name()))
        })
    }

    /// Returns whether somebody configured a field, which a variable of the vendor's is not.
    fn is_configured(&self, field: &Field) -> bool {
        self.settings
            .setting(field)
            .is_some_and(|setting| !is_conventional(field, setting))
    }

    /// Returns a credential that is given either as text or by a file, and by one of them.
    fn source(&self, text: &Field, file: &Field) -> Result<Source, Error> {
        match (self.text(text), self.text(file)) {
            (Some(_), Some(_)) => Err(contradiction(text, file)),
            (Some(secret), None) => Ok(Source::given(secret)),
            (None, Some(path)) => Ok(Source::file(path)),
            (None, None) => {
                let (text, file_name) = (text.name(), file.name());
                let message = format!("setting `{text}` or `{file_name}` is required");
                Err(invalid(message, file).with_help(format!("set `{text}` or `{file_name}`")))
            }
        }
    }

    fn at(&self, auth: Auth, field: &Field) -> Auth {
        let path = self.text(field).or(field.default()).unwrap_or_default();
        auth.with_path(path)
    }

    /// A token that was configured, then one of the environment, then the file of the vendor's
    /// token helper.
    fn token(&self) -> Result<Auth, Error> {
        let (token, file) = (&fields::TOKEN, &fields::TOKEN_FILE);
        let configured = self.is_configured(token);
        match (self.text(token), self.text(file)) {
            (Some(_), Some(_)) if configured => Err(contradiction(token, file)),
            (_, Some(path)) => Ok(Auth::token_file(self.at_home(path)?)),
            (Some(text), None) => Ok(Auth::token(Secret::from(text.trim()))),
            (None, None) => match self.text(&fields::HOME) {
                Some(home) => Ok(Auth::token_file(PathBuf::from(home).join(HELPER_FILE))),
                None => Err(invalid("there is no token".to_owned(), token)
                    .with_help("set `token` or `token_file`, or another `auth_method`")),
            },
        }
    }

    fn at_home(&self, path: &str) -> Result<PathBuf, Error> {
        let Some(rest) = path.strip_prefix("~/") else {
            return Ok(PathBuf::from(path));
        };
        match self.text(&fields::HOME) {
            Some(home) => Ok(PathBuf::from(home).join(rest)),
            None => Err(invalid(
                "setting `token_file` begins with `~/`, and nothing says where that is".to_owned(),
                &fields::HOME,
            )
            .with_help("set `home`, or name the file from the root")),
        }
    }

    fn aws(&self) -> Result<Auth, Error> {
        let (id, key) = (&fields::AWS_ACCESS_KEY_ID, &fields::AWS_SECRET_ACCESS_KEY);
        // Keys are a pair: one half of the configuration and one of the environment is none.
        let from_environment = !self.is_configured(id) && !self.is_configured(key);
        let half = |field: &Field| {
            let wanted = from_environment || self.is_configured(field);
            self.text(field).filter(|_| wanted).ok_or_else(|| {
                let message = format!("auth method `aws_iam` needs the setting `{}`", field.name());
                invalid(message, field).with_help(
                    "set `aws_access_key_id` and `aws_secret_access_key`; other sources of AWS \
                     credentials are not looked at",
                )
            })
        };
        let mut keys = AwsKeys::new(half(id)?, Secret::from(half(key)?));
        let session = &fields::AWS_SESSION_TOKEN;
        if from_environment || self.is_configured(session) {
            keys.session = self.text(session).map(Secret::from);
        }
        let role = self.required(&fields::AWS_AUTH_ROLE)?;
        let region = self.required(&fields::AWS_AUTH_REGION)?;
        let path = self.required(&fields::AWS_LOGIN_PATH)?;
        let Some(mount) = names::trimmed(path)
            .strip_prefix("v1/auth/")
            .and_then(|rest| rest.strip_suffix("/login"))
        else {
            let message = format!(
                "setting `aws_login_path` takes a path like `/v1/auth/aws/login`, not `{path}`"
            );
            return Err(invalid(message, &fields::AWS_LOGIN_PATH));
        };
        Ok(Auth::aws_iam(role, region, keys).with_path(mount).with_aws(
            self.text(&fields::AWS_STS_ENDPOINT_URL),
            self.text(&fields::AWS_IAM_SERVER_ID),
        ))
    }
}

pub(crate) fn contradiction(one: &Field, other: &Field) -> Error {
    let (one_name, other_name) = (one.name(), other.name());
    let message = format!("settings `{one_name}` and `{other_name}` contradict each other");
    invalid(message, other).with_help(format!("keep `{one_name}` or `{other_name}`, not both"))
}

const AVAILABLE: &[&str] = &[
    "token",
    "approle",
    "kubernetes",
    "jwt",
    "cert",
    "userpass",
    "aws_iam",
];

/// Where `vault login` and `bao login` keep a token, below the home directory.
const HELPER_FILE: &str = ".vault-token";
