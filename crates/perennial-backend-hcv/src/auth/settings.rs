//! From settings to a login: which settings each method takes, and what goes before what.
//!
//! What a login consists of is described one level up; nothing is read from files here.

use std::path::PathBuf;

use perennial_backend::{ContextKey, Error, ErrorKind, Field, Operation, Secret, SettingMap};

use super::{Auth, AwsKeys, HELPER_FILE, Source, invalid};
use crate::fields::{self, is_conventional};
use crate::names;

impl Auth {
    /// Reads how to log in from settings.
    pub(crate) fn from_settings(settings: &SettingMap) -> Result<Self, Error> {
        let given = Given { settings };
        let method = settings.text(&fields::AUTH_METHOD).unwrap_or_default();
        let auth = match method {
            "none" => Self::none(),
            "token" => given.token()?,
            "approle" => given.approle()?,
            "kubernetes" => {
                let role = given.required(&fields::KUBE_ROLE)?;
                let file = given.required(&fields::KUBE_API_TOKEN_FILE)?;
                given.at(Self::kubernetes(role, file), &fields::KUBE_AUTH_PATH)
            }
            "jwt" => {
                given.not_yet(fields::planned::OF_JWT)?;
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
                let (text, file) = (&fields::USERPASS_PASSWORD, &fields::USERPASS_PASSWORD_FILE);
                let password = given.source(text, file)?;
                let password = password.ok_or_else(|| neither(text, file))?;
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

    /// Returns a credential that is given either as text or by a file, if it is.
    fn source(&self, text: &Field, file: &Field) -> Result<Option<Source>, Error> {
        match (self.text(text), self.text(file)) {
            (Some(_), Some(_)) => Err(contradiction(text, file)),
            (Some(secret), None) => Ok(Some(Source::given(secret))),
            (None, Some(path)) => Ok(Some(Source::file(path))),
            (None, None) => Ok(None),
        }
    }

    /// Refuses what is planned, rather than leave it out.
    fn not_yet(&self, planned: &[Field]) -> Result<(), Error> {
        match planned.iter().find(|field| self.text(field).is_some()) {
            Some(field) => {
                let name = field.name();
                let message = format!("the setting `{name}` is not available yet");
                Err(Error::new(ErrorKind::Unsupported, message)
                    .with_operation(Operation::Build)
                    .with_context(ContextKey::Field, name)
                    .with_help(format!("remove `{name}`, or log in in another way")))
            }
            None => Ok(()),
        }
    }

    /// The ids of an AppRole: blanks at their ends do not count, as they do not in a file.
    fn approle(&self) -> Result<Auth, Error> {
        let role = Secret::from(self.required(&fields::APPROLE_ROLE_ID)?.trim());
        let (text, file) = (&fields::APPROLE_SECRET_ID, &fields::APPROLE_SECRET_ID_FILE);
        let secret = self.source(text, file)?;
        let given = self.text(text).map(|text| Source::given(text.trim()));
        let wrapped = self.settings.boolean(&fields::APPROLE_RESPONSE_WRAPPING);
        let auth = match (given.or(secret), wrapped == Some(true)) {
            (Some(secret), true) => Auth::approle_wrapped(role, secret),
            (None, true) => return Err(neither(text, file)),
            (Some(secret), false) => Auth::approle(role, secret),
            (None, false) => Auth::approle_without_secret(role),
        };
        Ok(self.at(auth, &fields::APPROLE_AUTH_PATH))
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
        self.not_yet(fields::planned::OF_AWS_IAM)?;
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

fn neither(text: &Field, file: &Field) -> Error {
    let (text, file_name) = (text.name(), file.name());
    let message = format!("setting `{text}` or `{file_name}` is required");
    invalid(message, file).with_help(format!("set `{text}` or `{file_name}`"))
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
    "none",
];
