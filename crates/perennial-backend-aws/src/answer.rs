//! What Secrets Manager answers, turned into what was asked for. Nothing is sent here.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::SecretValueEntry;
use perennial_backend::{
    ContextKey, Error, ErrorKind, Fetched, Secret, Selector, UnixTime, Version,
};

use crate::error::Site;

/// The label of the version in force.
pub(crate) const CURRENT: &str = "AWSCURRENT";
/// The label of the version before.
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
/// The label of a version that is made ready.
pub(crate) const PENDING: &str = "AWSPENDING";

/// One version of a secret, as single reads and batches bring it.
pub(crate) struct Answer {
    pub(crate) arn: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) stages: Vec<String>,
    version: Option<String>,
    created_at: Option<DateTime>,
    value: Option<Secret>,
}

impl From<GetSecretValueOutput> for Answer {
    fn from(output: GetSecretValueOutput) -> Self {
        Self {
            arn: output.arn,
            name: output.name,
            stages: output.version_stages.unwrap_or_default(),
            version: output.version_id,
            created_at: output.created_date,
            value: value(output.secret_string, output.secret_binary),
        }
    }
}

impl From<SecretValueEntry> for Answer {
    fn from(entry: SecretValueEntry) -> Self {
        Self {
            arn: entry.arn,
            name: entry.name,
            stages: entry.version_stages.unwrap_or_default(),
            version: entry.version_id,
            created_at: entry.created_date,
            value: value(entry.secret_string, entry.secret_binary),
        }
    }
}

/// Takes over the buffer of the SDK, without a copy. All of its holders are gone by then: binary
/// values, too, are moved.
fn value(text: Option<String>, binary: Option<Blob>) -> Option<Secret> {
    match (text, binary) {
        (Some(text), _) => Some(Secret::from(text)),
        (None, Some(binary)) => Some(Secret::from(binary.into_inner())),
        (None, None) => None,
    }
}

impl Answer {
    /// Returns whether the version has this label.
    pub(crate) fn has_stage(&self, label: &str) -> bool {
        self.stages.iter().any(|stage| stage == label)
    }

    /// Turns the answer into what was asked for.
    ///
    /// # Errors
    /// Fails if it has no value, is another version, or is pending and in force at once: a rotation
    /// leaves the label of the pending version behind, and then there is none.
    pub(crate) fn fetched(&self, selector: &Selector, site: &Site<'_>) -> Result<Fetched, Error> {
        let wanted = label(selector);
        let other = match (wanted, selector) {
            (Some(wanted), _) => !self.stages.is_empty() && !self.has_stage(wanted),
            (None, Selector::Id(id)) => self.version.as_deref().is_some_and(|came| came != &**id),
            _ => false,
        };
        if other {
            let message = "Secrets Manager answered with another version than was asked for";
            return Err(site
                .own(ErrorKind::Unexpected, message)
                .with_context(ContextKey::Version, selector.to_string()));
        }
        let left_behind = *selector == Selector::Pending && self.has_stage(CURRENT);
        let Some(value) = self.value.as_ref().filter(|_| !left_behind) else {
            return Err(site.no_version());
        };
        let mut fetched = Fetched::secret(value.clone());
        if let Some(version) = self.version(wanted) {
            fetched = fetched.with_version(version);
        }
        // Never the bare name: the ARN that was asked for may be one of another account, and the
        // same name means another secret in this one.
        if let Some(arn) = self
            .arn
            .as_deref()
            .filter(|arn| Some(*arn) != site.resource)
        {
            fetched = fetched.with_alias(arn);
        }
        Ok(fetched)
    }

    fn version(&self, wanted: Option<&str>) -> Option<Version> {
        let mut version = Version::new(self.version.as_deref()?);
        let known = [CURRENT, PREVIOUS, PENDING]
            .into_iter()
            .find(|label| self.has_stage(label));
        let stage = wanted.or(known).or(self.stages.first().map(String::as_str));
        if let Some(stage) = stage {
            version = version.with_stage(stage);
        }
        match self.created_at.as_ref().and_then(unix_time) {
            Some(at) => Some(version.with_created_at(at)),
            None => Some(version),
        }
    }
}

/// Returns the label by which a version is asked for, where it is asked for by one.
pub(crate) fn label(selector: &Selector) -> Option<&str> {
    match selector {
        Selector::Current => Some(CURRENT),
        Selector::Previous => Some(PREVIOUS),
        Selector::Pending => Some(PENDING),
        Selector::Stage(label) => Some(label),
        _ => None,
    }
}

/// Turns a date of AWS into ours; there is none before 1970.
pub(crate) fn unix_time(at: &DateTime) -> Option<UnixTime> {
    u64::try_from(at.secs()).ok().map(UnixTime::from_secs)
}

#[cfg(test)]
mod tests {
    use perennial_backend::{Operation, Payload};

    use super::*;

    const SITE: Site<'static> = Site {
        operation: Operation::Fetch,
        resource: Some("db"),
        selector: None,
        action: "secretsmanager:GetSecretValue",
        region: "eu-central-1",
    };

    fn answer(stages: &[&str], text: Option<&str>) -> Answer {
        Answer {
            arn: Some("arn:x".to_owned()),
            name: Some("db".to_owned()),
            stages: stages.iter().map(|&stage| stage.to_owned()).collect(),
            version: Some("v1".to_owned()),
            created_at: Some(DateTime::from_secs(7)),
            value: value(text.map(str::to_owned), None),
        }
    }

    #[test]
    fn a_version_comes_with_its_label_date_and_other_name() {
        let fetched = answer(&[CURRENT, PENDING], Some("pa55"))
            .fetched(&Selector::Current, &SITE)
            .unwrap();
        assert!(matches!(fetched.payload(), Payload::Secret(s) if s.expose() == b"pa55"));
        assert_eq!(fetched.aliases().collect::<Vec<_>>(), ["arn:x"]);
        let version = fetched.version().unwrap();
        assert_eq!((version.id(), version.stage()), ("v1", Some(CURRENT)));
        assert_eq!(version.created_at(), Some(UnixTime::from_secs(7)));
    }

    #[test]
    fn what_is_not_what_was_asked_for_is_refused() {
        let check = |answer: Answer, selector: Selector, expected: Result<(), ErrorKind>| {
            let site = Site {
                selector: Some(&selector),
                ..SITE
            };
            let came = answer.fetched(&selector, &site);
            assert_eq!(came.map(drop).map_err(|e| e.kind()), expected, "{selector}");
        };
        let some = Some("value");
        let (missing, odd) = (Err(ErrorKind::NotFound), Err(ErrorKind::Unexpected));
        check(answer(&[CURRENT], None), Selector::Current, missing);
        check(answer(&[PREVIOUS], some), Selector::Current, odd);
        check(answer(&[], some), Selector::Current, Ok(()));
        check(answer(&[CURRENT], some), Selector::Previous, odd);
        check(answer(&[PENDING], some), Selector::Pending, Ok(()));
        check(answer(&[PENDING], None), Selector::Pending, missing);
        check(
            answer(&[PENDING, CURRENT], some),
            Selector::Pending,
            missing,
        );
        check(
            answer(&["BLUE"], some),
            Selector::Stage("BLUE".into()),
            Ok(()),
        );
        check(
            answer(&["BLUE"], some),
            Selector::Stage("GREEN".into()),
            odd,
        );
        check(answer(&["BLUE"], some), Selector::Id("v1".into()), Ok(()));
        check(answer(&["BLUE"], some), Selector::Id("v2".into()), odd);
    }

    #[test]
    fn binary_values_are_kept_and_empty_ones_are_values() {
        let expose = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_vec());
        assert_eq!(
            expose(value(None, Some(Blob::new([0xff, 0])))),
            Some(vec![0xff, 0])
        );
        assert_eq!(expose(value(Some(String::new()), None)), Some(Vec::new()));
        assert_eq!(expose(value(None, None)), None);
    }
}
