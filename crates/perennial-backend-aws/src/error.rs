//! How failures of AWS become ours: one table of codes, and one place for all words.
//!
//! Errors name secrets, settings, roles and actions, and nothing that an answer held.

use std::borrow::Cow;

use perennial_backend::{ContextKey, Error, ErrorKind, Operation, Selector};

use crate::facts::{Facts, Shape};
use crate::names;

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// There is no such secret, or no such version of it.
    Missing,
    /// The secret is marked for deletion.
    Deleted,
    /// An action is not allowed.
    Denied,
    /// KMS does not decrypt.
    Sealed,
    /// Too many calls.
    Throttled,
    /// The credentials were good once.
    Expired,
    /// The credentials are none that AWS knows.
    Unknown,
    /// The signature was made too early or too late: the clocks differ.
    Clock,
    /// AWS has failed.
    Down,
    /// The request is one that AWS does not take.
    Invalid,
    /// There is something already where nothing was expected.
    Exists,
    /// A quota of the account is used up.
    Full,
    /// The operation is not there: an emulator, or something that is no Secrets Manager.
    NoOperation,
    /// No answer came in time.
    Late,
    /// An answer that nobody knows.
    Odd,
}

/// Code → what it means.
const TABLE: &[(&str, Meaning)] = &[
    ("AccessDenied", Meaning::Denied),
    ("AccessDeniedException", Meaning::Denied),
    ("DecryptionFailure", Meaning::Sealed),
    ("EncryptionFailure", Meaning::Sealed),
    ("ExpiredToken", Meaning::Expired),
    ("ExpiredTokenException", Meaning::Expired),
    ("IDPCommunicationError", Meaning::Down),
    ("IDPRejectedClaim", Meaning::Denied),
    ("IncompleteSignature", Meaning::Unknown),
    ("IncompleteSignatureException", Meaning::Unknown),
    ("InternalFailure", Meaning::Down),
    ("InternalServerError", Meaning::Down),
    ("InternalServiceError", Meaning::Down),
    ("InvalidAccessKeyId", Meaning::Unknown),
    ("InvalidClientTokenId", Meaning::Unknown),
    ("InvalidIdentityToken", Meaning::Unknown),
    ("InvalidParameterException", Meaning::Invalid),
    ("InvalidParameterValue", Meaning::Invalid),
    ("InvalidRequestException", Meaning::Invalid),
    ("InvalidSignatureException", Meaning::Clock),
    ("InvalidToken", Meaning::Unknown),
    ("LimitExceededException", Meaning::Full),
    ("MissingAuthenticationToken", Meaning::Unknown),
    ("MissingAuthenticationTokenException", Meaning::Unknown),
    ("OptInRequired", Meaning::Denied),
    ("RequestExpired", Meaning::Clock),
    ("RequestLimitExceeded", Meaning::Throttled),
    ("RequestTimeTooSkewed", Meaning::Clock),
    ("ResourceExistsException", Meaning::Exists),
    ("ResourceNotFoundException", Meaning::Missing),
    ("ServiceUnavailable", Meaning::Down),
    ("ServiceUnavailableException", Meaning::Down),
    ("SignatureDoesNotMatch", Meaning::Clock),
    ("SlowDown", Meaning::Throttled),
    ("ThrottledException", Meaning::Throttled),
    ("Throttling", Meaning::Throttled),
    ("ThrottlingException", Meaning::Throttled),
    ("TooManyRequestsException", Meaning::Throttled),
    ("UnknownOperationException", Meaning::NoOperation),
    ("UnrecognizedClientException", Meaning::Unknown),
    ("ValidationException", Meaning::Invalid),
];

/// Finds out what a refusal means.
pub(crate) fn meaning(facts: &Facts) -> Meaning {
    let known = facts.code.as_deref().and_then(|code| {
        TABLE
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, meaning)| *meaning)
    });
    match (known, facts.status) {
        // Whatever code it has: emulators say that they have failed.
        (_, Some(501)) => Meaning::NoOperation,
        (Some(Meaning::Invalid), _) if facts.phrases.deleted => Meaning::Deleted,
        // Two codes mean either, and only the text tells which.
        (Some(Meaning::Clock), _) if facts.phrases.mismatch => Meaning::Unknown,
        (Some(Meaning::Unknown), _) if facts.phrases.clock => Meaning::Clock,
        (Some(meaning), _) => meaning,
        (None, Some(401)) => Meaning::Unknown,
        (None, Some(403)) => Meaning::Denied,
        (None, Some(408)) => Meaning::Late,
        (None, Some(429)) => Meaning::Throttled,
        (None, Some(status)) if status >= 500 => Meaning::Down,
        (None, _) => Meaning::Odd,
    }
}

/// Returns whether the clocks differ. The client learns by how much from the answer, and has to be
/// kept for that.
pub(crate) fn is_about_clock(facts: &Facts) -> bool {
    matches!(facts.shape, Shape::Refused | Shape::NoRole) && meaning(facts) == Meaning::Clock
}

/// Returns whether new credentials may help, so that they have to be looked for again.
pub(crate) fn is_about_credentials(facts: &Facts) -> bool {
    match facts.shape {
        Shape::Refused => matches!(meaning(facts), Meaning::Expired | Meaning::Unknown),
        Shape::NoCredentials
        | Shape::WrongCredentials
        | Shape::NoLogin
        | Shape::BrokenCredentials
        | Shape::NoRole => true,
        _ => false,
    }
}

/// What was asked for, when it failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) operation: Operation,
    /// The name of the secret; none if the call was about several.
    pub(crate) resource: Option<&'a str>,
    /// Which version was asked for.
    pub(crate) selector: Option<&'a Selector>,
    /// The action that the call needs.
    pub(crate) action: &'static str,
    /// The region of the client.
    pub(crate) region: &'a str,
}

impl Site<'_> {
    /// Makes the error for a failed call.
    pub(crate) fn error(&self, facts: &Facts) -> Error {
        let error = match facts.shape {
            Shape::Refused => self.refused(facts),
            Shape::NoRole => self.no_role(facts),
            other => self.unanswered(other),
        };
        let error = match facts.retry_after {
            Some(span) if error.kind().is_transient() => error.with_retry_after(span),
            _ => error,
        };
        let cause = facts.cause();
        let error = self.mark(error);
        if cause == perennial_backend::Cause::new() {
            error
        } else {
            error.with_cause(cause)
        }
    }

    /// Makes an error of our own about what was asked for.
    pub(crate) fn own(&self, kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Error {
        self.mark(Error::new(kind, message))
    }

    /// Makes the error for a version that is not there.
    pub(crate) fn no_version(&self) -> Error {
        let message = format!("{} has no {}", self.name(), self.version());
        self.own(ErrorKind::NotFound, message)
    }

    /// Names what was asked for, as something that may be missing.
    fn version(&self) -> String {
        match self.selector {
            Some(Selector::Pending) => "pending version".to_owned(),
            Some(Selector::Previous) => "previous version".to_owned(),
            Some(Selector::Id(id)) => format!("version with the id `{}`", shown(id)),
            Some(Selector::Stage(label)) => format!("version with the label `{}`", shown(label)),
            _ => "value".to_owned(),
        }
    }

    fn mark(&self, error: Error) -> Error {
        let mut error = match error.operation() {
            Some(_) => error,
            None => error.with_operation(self.operation),
        };
        if let Some(resource) = self.resource {
            error = error.with_context(ContextKey::Resource, resource);
        }
        if let Some(selector) = self
            .selector
            .filter(|selector| **selector != Selector::Current)
        {
            error = error.with_context(ContextKey::Version, selector.to_string());
        }
        error.with_context(ContextKey::Region, self.region)
    }

    fn name(&self) -> String {
        match self.resource {
            Some(resource) => format!("secret `{}`", shown(resource)),
            None => "a secret of the batch".to_owned(),
        }
    }

    fn refused(&self, facts: &Facts) -> Error {
        let name = self.name();
        match meaning(facts) {
            Meaning::Missing => self.missing(facts),
            Meaning::Deleted => Error::new(
                ErrorKind::NotFound,
                format!("{name} is marked for deletion"),
            )
            .with_help("restore it, or take the reference out of use"),
            Meaning::Denied => {
                let said = facts.phrases.action.as_deref();
                self.denied(match facts.phrases.kms {
                    true => said
                        .filter(|action| action.starts_with("kms:"))
                        .unwrap_or("kms:Decrypt"),
                    false => said.unwrap_or(self.action),
                })
            }
            Meaning::Sealed => Error::new(
                ErrorKind::PermissionDenied,
                format!("the KMS key of {name} does not decrypt or encrypt it"),
            )
            .with_context(ContextKey::Capability, "kms:Decrypt")
            .with_help("allow `kms:Decrypt` on the key, and see whether the key is enabled"),
            Meaning::Throttled => Error::new(
                ErrorKind::RateLimited,
                "AWS asks for fewer calls of Secrets Manager",
            )
            .with_help("raise `ttl`, or ask AWS for a higher rate"),
            Meaning::Expired => Error::new(
                ErrorKind::Unauthenticated,
                "the credentials for AWS have expired",
            )
            .with_help("renew them where they come from; they are looked for again"),
            Meaning::Clock => clock(),
            Meaning::Unknown => Error::new(
                ErrorKind::Unauthenticated,
                "AWS does not know the credentials",
            )
            .with_help("see which key or role is used, and whether it still exists"),
            Meaning::Down => Error::new(ErrorKind::Unavailable, "Secrets Manager has failed"),
            Meaning::Late => Error::new(ErrorKind::Timeout, "Secrets Manager took too long"),
            Meaning::Invalid => Error::new(
                ErrorKind::InvalidReference,
                format!("Secrets Manager does not take this request for {name}"),
            ),
            Meaning::Exists => Error::new(
                ErrorKind::InvalidReference,
                format!("{name}, or the token of the write, is in use already"),
            ),
            Meaning::Full => Error::new(
                ErrorKind::Unexpected,
                format!("a quota of Secrets Manager leaves no room for {name}"),
            ),
            Meaning::NoOperation => Error::new(
                ErrorKind::Unsupported,
                "the endpoint does not know this operation of Secrets Manager",
            )
            .with_context(ContextKey::Capability, self.action),
            Meaning::Odd => Error::new(
                ErrorKind::Unexpected,
                "what answered is not Secrets Manager, or nobody knows the answer",
            )
            .with_help("see whether `endpoint_url` or a proxy leads elsewhere"),
        }
    }

    fn missing(&self, facts: &Facts) -> Error {
        if facts.phrases.version {
            return self.no_version();
        }
        let (name, region) = (self.name(), self.region);
        // Not all that speak this protocol say whether it is the secret or the version.
        let or = match self.selector {
            None | Some(Selector::Current) => String::new(),
            Some(_) => format!(", or it has no {}", self.version()),
        };
        let message = format!("there is no {name} in region `{region}`{or}");
        let error = Error::new(ErrorKind::NotFound, message);
        match self.resource.and_then(names::region) {
            Some(other) if other != region => error.with_help(format!(
                "the ARN names the region `{other}`: use a vault with `region` set to that"
            )),
            _ => error.with_help("see whether the name, the region and the account are right"),
        }
    }

    fn denied(&self, action: &str) -> Error {
        Error::new(
            ErrorKind::PermissionDenied,
            format!("`{action}` is not allowed on {}", self.name()),
        )
        .with_context(ContextKey::Capability, action)
        .with_help(format!(
            "allow `{action}` in the policy of who asks, or of the secret or key"
        ))
    }

    /// A role that STS did not give. It is about the whole vault, not about a secret.
    fn no_role(&self, facts: &Facts) -> Error {
        match meaning(facts) {
            Meaning::Throttled => {
                Error::new(ErrorKind::RateLimited, "AWS asks for fewer calls of STS")
            }
            Meaning::Down => Error::new(ErrorKind::Unavailable, "STS has failed"),
            Meaning::Late => Error::new(ErrorKind::Timeout, "STS took too long"),
            Meaning::Clock => clock(),
            Meaning::Denied => {
                let action = facts.phrases.action.as_deref().unwrap_or("sts:AssumeRole");
                Error::new(
                    ErrorKind::Unauthenticated,
                    format!("a role was not given: `{action}` is not allowed"),
                )
                .with_context(ContextKey::Capability, action)
                .with_help(
                    "see the trust policy of the role, `assume_role_external_id`, and the policy \
                     of who assumes it",
                )
            }
            _ => Error::new(ErrorKind::Unauthenticated, "a role was not given by STS").with_help(
                "see `assume_role_arn`, `sts_endpoint_url`, and the credentials that assume it",
            ),
        }
    }

    fn unanswered(&self, shape: Shape) -> Error {
        match shape {
            Shape::Late => Error::new(ErrorKind::Timeout, "AWS took too long to answer"),
            Shape::Untrusted => Error::new(
                ErrorKind::Unavailable,
                "the certificate of AWS is not trusted",
            )
            .with_help("give the authority of a proxy or endpoint of your own in `ca_file`"),
            Shape::NoAuthorities => Error::new(
                ErrorKind::InvalidConfig,
                "this system has no certificate authorities",
            )
            .with_help(
                "install its `ca-certificates`, or name a PEM file in `ca_file` or SSL_CERT_FILE",
            ),
            Shape::NoTls => Error::new(ErrorKind::Unavailable, "TLS with AWS failed")
                .with_help("see whether `endpoint_url` or a proxy leads to something else"),
            Shape::NoCredentials => Error::new(
                ErrorKind::Unauthenticated,
                "no credentials for AWS were found",
            )
            .with_help(
                "set `access_key_id` and `secret_access_key`, `profile`, or what the SDK \
                         looks for: AWS_ACCESS_KEY_ID, AWS_PROFILE, a web identity, or a role of \
                         the machine",
            ),
            Shape::WrongCredentials => Error::new(
                ErrorKind::InvalidConfig,
                "the files or variables for AWS's credentials are missing or not understood",
            )
            .with_help(
                "see `config_file`, `credentials_file` and the profile, as `aws configure list` \
                 shows it",
            ),
            Shape::NoLogin => Error::new(
                ErrorKind::InvalidConfig,
                "the profile has a login of `aws login`, which is not read here",
            )
            .with_help(
                "use a profile with `credential_process = aws configure export-credentials \
                 --profile <the one with the login> --format process`",
            ),
            Shape::BrokenCredentials => Error::new(
                ErrorKind::Unauthenticated,
                "the source of the credentials for AWS has failed",
            )
            .with_help(
                "log in again, or see what stands behind the credentials: the profile's process \
                 or portal, AWS_WEB_IDENTITY_TOKEN_FILE, the agent of the container, or the \
                 metadata service of the machine",
            ),
            Shape::LateCredentials => Error::new(
                ErrorKind::Timeout,
                "the source of the credentials for AWS took too long",
            )
            .with_help("raise `timeout`, or see what the profile's process or portal waits for"),
            Shape::Garbled => Error::new(ErrorKind::Unavailable, "the answer of AWS broke off"),
            Shape::Unsent => Error::new(ErrorKind::InvalidConfig, "no request could be made")
                .with_help("see `region`, `endpoint_url`, `use_fips` and `use_dualstack`"),
            _ => Error::new(ErrorKind::Unavailable, "AWS cannot be reached")
                .with_help("see the network, `endpoint_url` and the proxy"),
        }
    }
}

fn clock() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "AWS refuses the time of the signature",
    )
    .with_help("set the clock of this machine; the next calls go by the date of this answer")
}

/// Makes the error for a region that nobody named.
pub(crate) fn no_region(profile: Option<&str>) -> Error {
    let profile = match profile {
        Some(profile) => format!("the profile `{}`", shown(profile)),
        None => "the profile".to_owned(),
    };
    Error::new(ErrorKind::InvalidConfig, "no region of AWS is set")
        .with_operation(Operation::Build)
        .with_context(ContextKey::Field, "region")
        .with_help(format!(
            "set `region`, or AWS_REGION, or `region` in {profile}"
        ))
}

fn shown(name: &str) -> String {
    name.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}

#[cfg(test)]
mod tests;
