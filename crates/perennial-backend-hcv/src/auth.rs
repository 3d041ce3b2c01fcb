//! How the server gets to know who asks: what was configured, and nothing of what it led to.
//!
//! Files are named here and read elsewhere, anew for each login.

mod settings;

use std::fmt;
use std::path::PathBuf;

use perennial_backend::{ContextKey, Error, ErrorKind, Field, Operation, Secret};

use crate::fields;
use crate::names;

pub(crate) use settings::contradiction;

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
    /// Somebody in between adds a token.
    None,
    Token(Source),
    AppRole {
        role_id: Secret,
        secret_id: Option<Source>,
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

    /// Whether this is the file in which the vendor's tool leaves a token.
    pub(crate) fn is_of_helper(&self) -> bool {
        matches!(self, Self::File(path) if path.ends_with(HELPER_FILE))
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

    /// Asks without a token: for an agent or a proxy of the vendor's that adds its own.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Method::None, "none")
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
            secret_id: Some(secret_id),
            wrapped: false,
        };
        Self::new(method, "approle")
    }

    /// Logs in as an AppRole that asks for no secret id (`bind_secret_id=false`).
    #[must_use]
    pub fn approle_without_secret(role_id: impl Into<Secret>) -> Self {
        let method = Method::AppRole {
            role_id: role_id.into(),
            secret_id: None,
            wrapped: false,
        };
        Self::new(method, "approle")
    }

    /// Logs in as an AppRole whose secret id is wrapped in a token: it is unwrapped once.
    #[must_use]
    pub fn approle_wrapped(role_id: impl Into<Secret>, wrapping_token: Source) -> Self {
        let method = Method::AppRole {
            role_id: role_id.into(),
            secret_id: Some(wrapping_token),
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
            Method::None => "none",
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

    /// Returns whether calls are made without a token.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.method, Method::None)
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

/// Makes the error for a setting that is wrong.
pub(crate) fn invalid(message: String, field: &Field) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
        .with_operation(Operation::Build)
        .with_context(ContextKey::Field, field.name())
}

/// The file below the home directory in which the vendor's tool leaves a token.
const HELPER_FILE: &str = ".vault-token";
