//! From the resource of a reference to the names that the service knows. Nothing is sent here.

use perennial_backend::{ContextKey, Error, ErrorKind, Request};

use crate::config::{Config, is_segment};

/// A secret, by its project, region and id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SecretName {
    pub(crate) project: String,
    pub(crate) location: Option<String>,
    pub(crate) secret: String,
}

impl SecretName {
    /// Makes the name for a request.
    pub(crate) fn of(request: &Request, config: &Config) -> Result<Self, Error> {
        Self::parse(request.resource(), request.option("project_id"), config)
    }

    /// Makes the name from a resource: the id of a secret, or its full name.
    ///
    /// Invariant: a name cannot lead outside of the place that the settings give.
    pub(crate) fn parse(
        resource: &str,
        project: Option<&str>,
        config: &Config,
    ) -> Result<Self, Error> {
        let wrong = |message: &str, help: &str| {
            Err(Error::new(ErrorKind::InvalidReference, message.to_owned())
                .with_context(ContextKey::Resource, resource)
                .with_help(help.to_owned()))
        };
        let parts: Vec<_> = resource.split('/').collect();
        let (named, location, secret) = match parts.as_slice() {
            [secret] => (None, None, *secret),
            ["projects", project, "secrets", secret] => (Some(*project), None, *secret),
            [
                "projects",
                project,
                "locations",
                location,
                "secrets",
                secret,
            ] => (Some(*project), Some(*location), *secret),
            ["projects", .., "versions", _] => {
                return wrong(
                    "a version does not belong into the name of a secret",
                    "write it behind `#`: `{vault://gcp/…#3}` or `#v:<alias>`",
                );
            }
            _ => {
                return wrong(
                    "this is no name of a secret",
                    "a secret is named by its id, or in full by `projects%2F<project>%2Fsecrets%2F<id>`",
                );
            }
        };
        if !is_secret_id(secret) {
            return wrong(
                "the id of a secret has 1 to 255 letters, digits, `-` and `_`",
                "look at `gcloud secrets list` for its name",
            );
        }
        if let Some(location) = location
            && config.location.as_deref() != Some(location)
        {
            return wrong(
                "the secret is in another region than this vault's",
                "set `location` to the region of the secret, or declare a vault for it",
            );
        }
        let own = project.or(config.project_id.as_deref());
        let project = match (named, own) {
            (Some(named), Some(own)) if named != own && !config.other_projects => {
                return wrong(
                    "the secret is in another project than this vault's",
                    "set `other_projects` to `true`, or declare a vault for that project",
                );
            }
            (Some(project), _) | (None, Some(project)) => project,
            (None, None) => return Err(no_project()),
        };
        if !is_segment(project) {
            return wrong("this is no name of a project", "give its id or number");
        }
        Ok(Self {
            project: project.to_owned(),
            location: config.location.clone(),
            secret: secret.to_owned(),
        })
    }

    /// The name of the secret, as the service has it.
    pub(crate) fn full(&self) -> String {
        let Self {
            project, secret, ..
        } = self;
        match &self.location {
            Some(location) => format!("projects/{project}/locations/{location}/secrets/{secret}"),
            None => format!("projects/{project}/secrets/{secret}"),
        }
    }

    /// The name of what the secret is in.
    pub(crate) fn parent(&self) -> String {
        match &self.location {
            Some(location) => format!("projects/{}/locations/{location}", self.project),
            None => format!("projects/{}", self.project),
        }
    }

    /// The name of one of its versions.
    pub(crate) fn version(&self, version: &str) -> Result<String, Error> {
        if is_secret_id(version) {
            return Ok(format!("{}/versions/{version}", self.full()));
        }
        let message = "the alias of a version has letters, digits, `-` and `_`";
        Err(Error::new(ErrorKind::InvalidReference, message)
            .with_context(ContextKey::Resource, &*self.secret)
            .with_context(ContextKey::Version, version))
    }
}

/// The last part of a version's full name: its number.
pub(crate) fn number(full: &str) -> Option<u64> {
    let (_, last) = full.rsplit_once("/versions/")?;
    last.parse().ok()
}

/// Letters, digits, `-` and `_`: what the service allows for ids of secrets and aliases.
fn is_secret_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=255).contains(&text.len()) && text.bytes().all(plain)
}

/// Makes the error of a reference that names no project, in a vault that has none either.
fn no_project() -> Error {
    Error::new(ErrorKind::InvalidConfig, "no project is set for this vault").with_help(
        "set `project_id`, GOOGLE_CLOUD_PROJECT or KONG_VAULT_GCP_PROJECT_ID, or name the secret \
         in full: `projects%2F<project>%2Fsecrets%2F<name>`",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vault() -> Config {
        Config::default().with_project_id("p")
    }

    fn full(resource: &str, config: &Config) -> Result<String, String> {
        SecretName::parse(resource, None, config)
            .map(|name| name.full())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_named_by_its_id_or_in_full() {
        let check = |resource: &str, config: &Config, expected: &str| {
            assert_eq!(full(resource, config).as_deref(), Ok(expected));
        };
        check("db", &vault(), "projects/p/secrets/db");
        check("projects/p/secrets/db", &vault(), "projects/p/secrets/db");
        check(
            "projects/q/secrets/db",
            &vault().with_other_projects(),
            "projects/q/secrets/db",
        );
        check(
            "projects/q/secrets/db",
            &Config::default(),
            "projects/q/secrets/db",
        );
        let regional = vault().with_location("eu");
        check("db", &regional, "projects/p/locations/eu/secrets/db");
        check(
            "projects/p/locations/eu/secrets/db",
            &regional,
            "projects/p/locations/eu/secrets/db",
        );
    }

    #[test]
    fn a_name_cannot_lead_outside_of_the_place_that_the_settings_give() {
        let check = |resource: &str, config: &Config, part: &str| {
            let error = full(resource, config).unwrap_err();
            assert!(error.contains(part), "{resource}: {error}");
        };
        for resource in ["..", ".", "", "a.b", "a%2fb", "a?b", "a#b", "ä", "a b"] {
            check(resource, &vault(), "the id of a secret has");
        }
        for resource in [
            "../db",
            "a/b",
            "projects/p",
            "projects/p/secrets/a/b",
            "/db",
        ] {
            check(resource, &vault(), "no name of a secret");
        }
        check("projects/q/secrets/db", &vault(), "another project");
        check(
            "projects/p/locations/us/secrets/db",
            &vault(),
            "another region",
        );
        check(
            "projects/p/secrets/db/versions/3",
            &vault(),
            "a version does not",
        );
        check(
            "projects/../secrets/db",
            &Config::default(),
            "no name of a project",
        );
        check("db", &Config::default(), "no project is set");
        assert!(full(&"a".repeat(256), &vault()).is_err());
        assert!(full(&"a".repeat(255), &vault()).is_ok());
    }

    #[test]
    fn an_option_stands_in_for_the_setting_of_the_vault() {
        let name = SecretName::parse("db", Some("q"), &vault()).unwrap();
        assert_eq!(name.full(), "projects/q/secrets/db");
        assert!(SecretName::parse("db", Some("../q"), &vault()).is_err());
        assert_eq!(name.parent(), "projects/q");
        assert_eq!(
            name.version("latest").unwrap(),
            "projects/q/secrets/db/versions/latest"
        );
        assert!(name.version("../1").is_err());
    }

    proptest! {
        #[test]
        fn whatever_the_resource_the_path_has_the_segments_of_a_name(text in ".{0,40}") {
            if let Ok(path) = full(&text, &Config::default().with_other_projects()) {
                prop_assert_eq!(path.split('/').count(), 4);
                prop_assert!(path.split('/').all(|part| part != ".." && !part.is_empty()));
            }
        }

        #[test]
        fn the_number_of_a_version_is_read_from_its_name(text in ".{0,60}", n in any::<u64>()) {
            let _ = number(&text);
            prop_assert_eq!(number(&format!("projects/1/secrets/s/versions/{n}")), Some(n));
        }
    }
}
