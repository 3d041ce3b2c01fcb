//! What can safely be known of a failed call: a few words copied out of the SDK's error value.
//!
//! The value itself prints bodies, so it ends here. Texts of the store are looked at for known
//! phrases and never repeated; codes and ids are copied only if they look like ones.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use perennial_backend::Cause;

use crate::routes::NoAuthorities;

/// What is known of one failed call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) shape: Shape,
    pub(crate) code: Option<Box<str>>,
    pub(crate) status: Option<u16>,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) phrases: Phrases,
    /// What the system said when nobody was reached.
    pub(crate) system: Option<io::ErrorKind>,
}

/// In what way a call failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The store answered, and said no.
    #[default]
    Refused,
    /// The store's answer broke off or was not understood.
    Garbled,
    /// Nobody was reached.
    Unreached,
    /// Somebody was reached whose certificate is not trusted.
    Untrusted,
    /// Somebody was reached with whom TLS does not work.
    NoTls,
    /// There is nobody to trust.
    NoAuthorities,
    /// No answer came in time.
    Late,
    /// No credentials were found.
    NoCredentials,
    /// What the credentials come from is set up wrongly.
    WrongCredentials,
    /// The profile has a login that needs a part of the SDK which is left out.
    NoLogin,
    /// A role was refused by STS.
    NoRole,
    /// The source of the credentials failed in another way.
    BrokenCredentials,
    /// The source of the credentials gave none in time.
    LateCredentials,
    /// The request could not be made.
    Unsent,
}

/// What the text of an answer says, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Phrases {
    /// The secret is marked for deletion.
    pub(crate) deleted: bool,
    /// It is a version that is not there.
    pub(crate) version: bool,
    /// It is about the key of KMS.
    pub(crate) kms: bool,
    /// The clocks differ.
    pub(crate) clock: bool,
    /// The signature is not the one that the key makes.
    pub(crate) mismatch: bool,
    /// The action that is not allowed.
    pub(crate) action: Option<Box<str>>,
}

impl Facts {
    /// Copies what is safe out of the error of a call.
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let mut facts = match error {
            SdkError::ServiceError(refused) => {
                let meta = refused.err().meta();
                Self::said(meta.code(), meta.message())
            }
            SdkError::TimeoutError(_) => Self::shaped(Shape::Late),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(connector) => Self::undispatched(connector),
                None => Self::shaped(Shape::Unreached),
            },
            SdkError::ResponseError(_) => Self::shaped(Shape::Garbled),
            _ => match credentials(error) {
                Some(error) => Self::without_credentials(error),
                None => Self::shaped(Shape::Unsent),
            },
        };
        if let Some(answer) = error.raw_response() {
            facts.answered(answer);
        }
        facts
    }

    /// Takes what one secret of a batch was answered with.
    pub(crate) fn said(code: Option<&str>, message: Option<&str>) -> Self {
        Self {
            code: code.filter(|code| is_code(code)).map(Box::from),
            phrases: message.map(Phrases::read).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn shaped(shape: Shape) -> Self {
        Self {
            shape,
            ..Self::default()
        }
    }

    fn undispatched(error: &ConnectorError) -> Self {
        if let Some(error) = credentials(error) {
            return Self::without_credentials(error);
        }
        if find::<NoAuthorities>(error).is_some() {
            return Self::shaped(Shape::NoAuthorities);
        }
        match find::<rustls::Error>(error) {
            Some(rustls::Error::InvalidCertificate(_)) => return Self::shaped(Shape::Untrusted),
            Some(_) => return Self::shaped(Shape::NoTls),
            None => {}
        }
        match error {
            late if late.is_timeout() => Self::shaped(Shape::Late),
            unsent if unsent.is_user() => Self::shaped(Shape::Unsent),
            _ => Self {
                system: chain(error)
                    .filter_map(|error| error.downcast_ref::<io::Error>())
                    .map(io::Error::kind)
                    .find(|kind| *kind != io::ErrorKind::Other),
                ..Self::shaped(Shape::Unreached)
            },
        }
    }

    /// Finds out why there are no credentials: a role may have been refused, or its source may be
    /// down, slow or set up wrongly.
    fn without_credentials(error: &CredentialsError) -> Self {
        if let Some(refused) = find::<SdkError<AssumeRoleError, HttpResponse>>(error) {
            return Self::of(refused).about_role();
        }
        let refused = find::<SdkError<AssumeRoleWithWebIdentityError, HttpResponse>>(error);
        if let Some(refused) = refused {
            return Self::of(refused).about_role();
        }
        if let Some(connector) = find::<ConnectorError>(error)
            && credentials(connector).is_none()
        {
            return Self::undispatched(connector);
        }
        Self::shaped(match error {
            CredentialsError::CredentialsNotLoaded(_) => Shape::NoCredentials,
            // The SDK says it in a text of its own, and nowhere else.
            CredentialsError::InvalidConfiguration(_)
                if chain(error).any(|error| error.to_string().contains("`credentials-login`")) =>
            {
                Shape::NoLogin
            }
            CredentialsError::InvalidConfiguration(_) => Shape::WrongCredentials,
            CredentialsError::ProviderTimedOut(_) => Shape::LateCredentials,
            _ => Shape::BrokenCredentials,
        })
    }

    fn about_role(mut self) -> Self {
        if self.shape == Shape::Refused {
            self.shape = Shape::NoRole;
        }
        self
    }

    fn answered(&mut self, answer: &HttpResponse) {
        self.status = Some(answer.status().as_u16());
        let header = |name: &str| answer.headers().get(name);
        self.request_id = header("x-amzn-requestid")
            .or_else(|| header("x-amz-request-id"))
            .filter(|id| is_id(id))
            .map(Box::from);
        self.retry_after = header("x-amz-retry-after")
            .and_then(|text| text.trim().parse().ok().map(Duration::from_millis))
            .or_else(|| {
                header("retry-after")
                    .and_then(|text| text.trim().parse().ok().map(Duration::from_secs))
            })
            .map(|span| span.min(LONGEST_PAUSE));
    }

    /// Returns what may be repeated to people.
    pub(crate) fn cause(&self) -> Cause {
        let mut cause = Cause::new();
        if let Some(code) = &self.code {
            cause = cause.with_code(code.clone());
        }
        if let Some(status) = self.status {
            cause = cause.with_status(status);
        }
        if let Some(id) = &self.request_id {
            cause = cause.with_request_id(id.clone());
        }
        if let Some(kind) = self.system {
            cause = cause.with_message(kind.to_string());
        }
        cause
    }
}

impl Phrases {
    fn read(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let has = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
        Self {
            deleted: has(&[
                "marked for deletion",
                "marked deleted",
                "scheduled for deletion",
            ]),
            version: has(&["staging label", "versionid", "version id", "versionstage"]),
            kms: has(&["access to kms", "kms key", "kms:"]),
            clock: has(&["signature expired", "signature not yet current", "clock"]),
            mismatch: has(&["does not match the signature"]),
            action: action(text).map(Box::from),
        }
    }
}

/// Finds the action that a denial names: `… is not authorized to perform: service:Action on …`.
fn action(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("perform: ")?;
    let action = rest.split([' ', ',']).next()?.trim_end_matches('.');
    let (service, name) = action.split_once(':')?;
    let known = ["secretsmanager", "kms", "sts", "sso"].contains(&service);
    let plain = !name.is_empty() && name.len() <= 64;
    (known && plain && name.chars().all(|c| c.is_ascii_alphabetic())).then_some(action)
}

fn credentials<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e CredentialsError> {
    find(error)
}

/// Finds an error of this type among the causes of another one.
fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// Goes through an error and its causes.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // What an error of the system wraps is not among its causes.
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Nobody is to be silenced for longer by one answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_action_and_nothing_else_is_taken_for_one() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(action(text), expected, "{text}");
        check(
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: \
             secretsmanager:GetSecretValue on resource: db because no identity-based policy allows \
             the secretsmanager:GetSecretValue action",
            Some("secretsmanager:GetSecretValue"),
        );
        check(
            "User: x is not authorized to perform: kms:Decrypt.",
            Some("kms:Decrypt"),
        );
        check(
            "User: x is not authorized to perform: canary:Read on y",
            None,
        );
        check(
            "User: x is not authorized to perform: kms:canary-1 on y",
            None,
        );
        check("User: x is not authorized to perform: kms: on y", None);
        check("denied", None);
    }

    #[test]
    fn known_phrases_are_found_and_others_are_not() {
        let check =
            |text: &str, expected: Phrases| assert_eq!(Phrases::read(text), expected, "{text}");
        let none = Phrases::default;
        check(
            "You can't perform this operation on the secret because it was marked for deletion.",
            Phrases {
                deleted: true,
                ..none()
            },
        );
        check(
            "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
            Phrases {
                version: true,
                ..none()
            },
        );
        check(
            "Access to KMS is not allowed",
            Phrases {
                kms: true,
                ..none()
            },
        );
        check(
            "Signature expired: 20261126T224227Z is now earlier than 20261126T230000Z",
            Phrases {
                clock: true,
                ..none()
            },
        );
        check("Secrets Manager can't find the specified secret.", none());
    }

    #[test]
    fn only_what_looks_like_a_code_is_copied() {
        let check = |code: &str, expected: Option<&str>| {
            assert_eq!(Facts::said(Some(code), None).code.as_deref(), expected);
        };
        check("ThrottlingException", Some("ThrottlingException"));
        check("my secret canary", None);
        check("", None);
        check(&"a".repeat(65), None);
    }

    #[test]
    fn an_error_is_found_however_deep_it_is_wrapped() {
        let deep = io::Error::other(io::Error::other(CredentialsError::not_loaded_no_source()));
        let error = ConnectorError::other(Box::new(deep), None);
        assert!(find::<CredentialsError>(&error).is_some());
        assert!(find::<rustls::Error>(&error).is_none());
        assert_eq!(Facts::undispatched(&error).shape, Shape::NoCredentials);
    }

    proptest::proptest! {
        #[test]
        fn nothing_of_a_message_is_kept_but_a_known_action(text in ".*", code in ".*") {
            let shown = |text: &str| format!("User: {text} is not authorized to perform: {text} on x");
            for message in [text.clone(), shown(&text)] {
                let facts = Facts::said(Some(&code), Some(&message));
                let cause = format!("{}", facts.cause());
                let plain = cause.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
                proptest::prop_assert!(plain, "{}", cause);
                if let Some(action) = &facts.phrases.action {
                    let (service, name) = action.split_once(':').unwrap();
                    proptest::prop_assert!(!service.is_empty());
                    proptest::prop_assert!(name.chars().all(|c| c.is_ascii_alphabetic()));
                }
            }
        }
    }
}
