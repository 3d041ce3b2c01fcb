//! What a resource may be called, and when two names mean one secret. Nothing is sent here.

use perennial_backend::{ContextKey, Error, ErrorKind, Operation};

/// Checks the name or ARN of a secret before it is sent.
///
/// It goes into the body of a request, never into a path, so no name can lead elsewhere; what
/// Secrets Manager would not take as a name is refused here, in words that help.
pub(crate) fn check(resource: &str, operation: Operation) -> Result<(), Error> {
    let (name, longest) = match resource.starts_with("arn:") {
        true => (arn_name(resource), LONGEST_ARN),
        false => (Some(resource), LONGEST_NAME),
    };
    let Some(name) = name else {
        return Err(refused(resource, "is no ARN of a secret", operation)
            .with_help("use `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>`"));
    };
    if resource.len() > longest {
        return Err(
            refused(resource, "is too long for a name of a secret", operation)
                .with_context(ContextKey::Limit, longest.to_string()),
        );
    }
    if !is_name(name) {
        return Err(refused(resource, "is no name of a secret", operation).with_help(
            "use letters, digits and `/_+=.@-!`, none of the parts between slashes empty, `.` or \
             `..`, for example `prod/db` or `/prod/db`",
        ));
    }
    Ok(())
}

fn refused(resource: &str, what: &str, operation: Operation) -> Error {
    let shown: String = resource
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    Error::new(ErrorKind::InvalidReference, format!("`{shown}` {what}"))
        .with_operation(operation)
        .with_context(ContextKey::Resource, resource)
}

fn is_name(name: &str) -> bool {
    // `!` stands in the names of those that services of AWS make and rotate: `rds!db-…`.
    let sign = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
    // One slash at the beginning is common, as in the names of parameters.
    let inner = name.strip_prefix('/').unwrap_or(name);
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    name.chars().all(sign) && inner.split('/').all(plain)
}

/// Returns what follows `secret:` in the ARN of a secret.
fn arn_name(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(7, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, kind, name) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let fits = scheme == "arn" && service == "secretsmanager" && kind == "secret";
    (fits && word(partition) && word(region) && word(account)).then_some(name)
}

/// Returns the region that an ARN names.
pub(crate) fn region(resource: &str) -> Option<&str> {
    arn_name(resource)?;
    resource.split(':').nth(3)
}

/// Returns whether a resource means the secret with this name and this ARN.
pub(crate) fn means(resource: &str, name: Option<&str>, arn: Option<&str>) -> bool {
    let partial = |arn: &str| {
        let suffix = arn
            .strip_prefix(resource)
            .and_then(|rest| rest.strip_prefix('-'));
        resource.starts_with("arn:") && suffix.is_some_and(is_suffix)
    };
    name == Some(resource) || arn.is_some_and(|arn| arn == resource || partial(arn))
}

/// Returns whether an ARN names a secret with this name, be it of this account or of another one.
pub(crate) fn has_name(arn: &str, name: &str) -> bool {
    arn.starts_with("arn:")
        && arn_name(arn)
            .and_then(|whole| whole.strip_prefix(name))
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_suffix))
}

/// What Secrets Manager puts after the name in an ARN, behind a dash.
fn is_suffix(text: &str) -> bool {
    text.len() == 6 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

const LONGEST_NAME: usize = 512;
const LONGEST_ARN: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3";

    #[test]
    fn a_name_is_made_of_what_secrets_manager_takes() {
        let check = |name: &str, fine: bool| {
            let checked = check(name, Operation::Fetch);
            assert_eq!(checked.is_ok(), fine, "{name}");
            let kind = checked
                .err()
                .map_or(ErrorKind::InvalidReference, |e| e.kind());
            assert_eq!(kind, ErrorKind::InvalidReference);
        };
        for name in [
            "db",
            "prod/db",
            "/prod/db",
            "a_b+c=d.e@f-g",
            "=x",
            "a..b",
            ".hidden",
            "rds!db-0badc0de-0000-4000-8000-000000000000",
            "rds!cluster-0badc0de-0000-4000-8000-000000000000",
            "redshift!my-cluster-awsuser",
            "events!connection/partner/0badc0de-0000-4000-8000-000000000000",
            "arn:aws:secretsmanager:eu-central-1:1:secret:rds!db-0badc0de-a1B2c3",
            ARN,
        ] {
            check(name, true);
        }
        check(
            "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:/a/b",
            true,
        );
        for name in [
            "", "/", "..", ".", "a/..", "../a", "a/./b", "a//b", "//a", "a/", "a b", "a?b", "a#1",
            "%2e%2e/a", "a\\b", "a\n", "ä", "a:b", "a,b",
        ] {
            check(name, false);
        }
        for arn in [
            "arn:",
            "arn:aws:s3:eu-central-1:1:secret:x",
            "arn:aws:secretsmanager:eu-central-1:1:parameter:x",
            "arn:aws:secretsmanager:eu-central-1:1:secret:",
            "arn:aws:secretsmanager:eu-central-1:1:secret:..",
            "arn:aws:secretsmanager:eu-central-1:1:secret:a/../b",
            "arn:aws:secretsmanager::1:secret:x",
            "arn:aws:secretsmanager:x.example.com/:1:secret:x",
        ] {
            check(arn, false);
        }
        check(&"a".repeat(512), true);
        check(&"a".repeat(513), false);
    }

    #[test]
    fn an_arn_and_a_name_may_mean_one_secret() {
        let check = |resource: &str, same: bool| {
            assert_eq!(
                means(resource, Some("prod/db"), Some(ARN)),
                same,
                "{resource}"
            );
        };
        check("prod/db", true);
        check(ARN, true);
        check(
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db",
            true,
        );
        check(
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/d",
            false,
        );
        check(
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-",
            false,
        );
        check("arn", false);
        check("prod/db-a1B2c3", false);
        assert!(!means("prod/db", None, None));
    }

    #[test]
    fn an_arn_of_any_account_may_have_a_name() {
        let check = |arn: &str, name: &str, has: bool| {
            assert_eq!(has_name(arn, name), has, "{arn} {name}");
        };
        let foreign = "arn:aws:secretsmanager:eu-central-1:999999999999:secret:prod/db";
        check(ARN, "prod/db", true);
        check(foreign, "prod/db", true);
        // Without its end, this is the ARN of a secret with a longer name.
        check(ARN, "prod/db-a1B2c3", true);
        check(ARN, "prod/d", false);
        check(ARN, "db", false);
        check("prod/db", "prod/db", false);
        check("arn:aws:s3:::prod/db", "prod/db", false);
    }

    #[test]
    fn the_region_of_an_arn_is_known() {
        assert_eq!(region(ARN), Some("eu-central-1"));
        assert_eq!(region("prod/db"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_passes_is_plain_whatever_it_is(name in "(arn:aws:secretsmanager:[a-z1-]{0,4}:[0-9]{0,2}:secret:)?[a-z./%#?: -]{0,12}") {
            if check(&name, Operation::Fetch).is_ok() {
                let last = name.rsplit(':').next().unwrap();
                proptest::prop_assert!(!last.is_empty());
                for part in last.trim_start_matches('/').split('/') {
                    proptest::prop_assert!(!["", ".", ".."].contains(&part), "{}", name);
                }
                let odd = name.contains(['?', '#', '%', ' ', '\\']);
                proptest::prop_assert!(!odd, "{}", name);
            }
        }
    }
}
