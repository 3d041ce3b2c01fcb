//! Writing versions: add, enable, disable, destroy.
//!
//! The service has no version that is ready and not in force: what is added is the newest at once.

use google_cloud_secretmanager_v1::model::secret_version::State;
use google_cloud_secretmanager_v1::model::{
    Replication, Secret as Described, SecretPayload, SecretVersion, replication::Automatic,
};
use perennial_backend::{
    Context, ContextKey, Error, ErrorKind, Expected, Operation, Promote, Put, Version,
    VersionState, VersionedWriter, async_trait,
};

use crate::config::Retirement;
use crate::error::Subject;
use crate::names::{self, SecretName};
use crate::secret_manager::SecretManager;

#[async_trait]
impl VersionedWriter for SecretManager {
    /// Adds a version, which is in force from then on. A secret that is not there is made where
    /// [`Expected::Nothing`] is said; [`Expected::Version`] is compared before, not together with
    /// the write, since the service has no such condition. [`Put::token`] is not known to it either.
    async fn put(&self, cx: &Context, request: &Put) -> Result<Version, Error> {
        let resource = request.resource();
        let name = self.name(resource, Operation::Put)?;
        let subject = |permission| Subject {
            operation: Operation::Put,
            resource,
            version: None,
            permission,
        };
        match request.expected() {
            Expected::Anything => {}
            Expected::Nothing => {
                let (parent, id) = (name.parent(), name.secret.clone());
                let mut secret = Described::new();
                if name.location.is_none() {
                    let everywhere = Replication::new().set_automatic(Automatic::new());
                    secret = secret.set_replication(everywhere);
                }
                let permission = subject("secretmanager.secrets.create");
                let made = self.client.call(cx, &permission, |service| async move {
                    let request = service.create_secret().set_parent(parent);
                    request.set_secret_id(id).set_secret(secret).send().await
                });
                made.await?;
            }
            expected => self.compare(cx, resource, expected, Operation::Put).await?,
        }
        let bytes = request.secret().expose();
        let payload = SecretPayload::new()
            .set_data(bytes.to_vec())
            .set_data_crc32c(i64::from(crc32c::crc32c(bytes)));
        let parent = name.full();
        let permission = subject("secretmanager.versions.add");
        let added = self.client.call(cx, &permission, |service| async move {
            let request = service.add_secret_version().set_parent(parent);
            request.set_payload(payload).send().await
        });
        version(&added.await?).ok_or_else(|| permission.about(no_number()))
    }

    /// Enables the newest version. An older one cannot be brought into force: add its value anew.
    async fn promote(&self, cx: &Context, request: &Promote) -> Result<(), Error> {
        let resource = request.resource();
        let expected = request.expected();
        self.compare(cx, resource, expected, Operation::Promote)
            .await?;
        let listed = self.list(cx, resource, Operation::Promote).await?;
        let subject = Subject {
            operation: Operation::Promote,
            resource,
            version: Some(request.version().id()),
            permission: "secretmanager.versions.enable",
        };
        let newest = listed
            .iter()
            .find(|(_, state)| *state != State::Destroyed)
            .map(|(number, state)| (number.to_string(), state.clone()));
        match newest {
            Some((number, state)) if number == request.version().id() => {
                if state == State::Enabled {
                    return Ok(());
                }
                let full = self.name(resource, Operation::Promote)?.version(&number)?;
                let enabled = self.client.call(cx, &subject, |service| async move {
                    service.enable_secret_version().set_name(full).send().await
                });
                enabled.await.map(drop)
            }
            _ => Err(subject.about(
                Error::new(
                    ErrorKind::Unsupported,
                    "only the newest version can be in force",
                )
                .with_help("add the value of the older version as a new one"),
            )),
        }
    }

    /// Disables a version, or destroys it where the vault says so.
    async fn retire(&self, cx: &Context, resource: &str, version: &Version) -> Result<(), Error> {
        let full = self
            .name(resource, Operation::Retire)?
            .version(version.id())?;
        let retirement = self.client.config().retire;
        let subject = Subject {
            operation: Operation::Retire,
            resource,
            version: Some(version.id()),
            permission: match retirement {
                Retirement::Disable => "secretmanager.versions.disable",
                Retirement::Destroy => "secretmanager.versions.destroy",
            },
        };
        let listed = self.list(cx, resource, Operation::Retire).await?;
        let in_force = listed.iter().find(|(_, state)| *state == State::Enabled);
        if in_force.is_some_and(|(number, _)| number.to_string() == version.id()) {
            let message = "the version is in force, and cannot be retired";
            return Err(subject.about(Error::new(ErrorKind::InvalidReference, message)));
        }
        let retired = self.client.call(cx, &subject, |service| async move {
            match retirement {
                Retirement::Disable => service.disable_secret_version().set_name(full).send().await,
                Retirement::Destroy => service.destroy_secret_version().set_name(full).send().await,
            }
        });
        retired.await.map(drop)
    }

    async fn versions(
        &self,
        cx: &Context,
        resource: &str,
    ) -> Result<Vec<(Version, VersionState)>, Error> {
        let listed = self.list(cx, resource, Operation::Versions).await?;
        let mut enabled = 0;
        let described = listed.into_iter().map(|(number, state)| {
            let state = match state {
                State::Enabled => {
                    enabled += 1;
                    match enabled {
                        1 => VersionState::Current,
                        2 => VersionState::Previous,
                        _ => VersionState::Other,
                    }
                }
                State::Destroyed => VersionState::Destroyed,
                _ => VersionState::Disabled,
            };
            (Version::new(number.to_string()), state)
        });
        Ok(described.collect())
    }
}

impl SecretManager {
    fn name(&self, resource: &str, operation: Operation) -> Result<SecretName, Error> {
        SecretName::parse(resource, None, self.client.config())
            .map_err(|why| why.with_operation(operation))
    }

    /// Lists all versions, newest first.
    async fn list(
        &self,
        cx: &Context,
        resource: &str,
        operation: Operation,
    ) -> Result<Vec<(u64, State)>, Error> {
        let parent = self.name(resource, operation)?.full();
        let subject = Subject {
            operation,
            resource,
            version: None,
            permission: "secretmanager.versions.list",
        };
        let mut found = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let (parent, page) = (parent.clone(), token);
            let answer = self.client.call(cx, &subject, |service| async move {
                let request = service.list_secret_versions().set_parent(parent);
                request.set_page_token(page).send().await
            });
            let answer = answer.await?;
            found.extend(answer.versions.iter().filter_map(|version| {
                let number = names::number(&version.name)?;
                Some((number, version.state.clone()))
            }));
            token = answer.next_page_token;
            if token.is_empty() {
                found.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
                return Ok(found);
            }
        }
        Err(subject.about(
            Error::new(ErrorKind::Unexpected, "the list of versions does not end")
                .with_context(ContextKey::Limit, MOST_PAGES.to_string()),
        ))
    }

    /// Fails unless what is in force is what the writer believes.
    async fn compare(
        &self,
        cx: &Context,
        resource: &str,
        expected: &Expected,
        operation: Operation,
    ) -> Result<(), Error> {
        if *expected == Expected::Anything {
            return Ok(());
        }
        let listed = self.list(cx, resource, operation).await;
        let in_force = match listed {
            Ok(listed) => listed
                .into_iter()
                .find(|(_, state)| *state == State::Enabled)
                .map(|(number, _)| Version::new(number.to_string())),
            Err(why) if why.kind() == ErrorKind::NotFound => None,
            Err(why) => return Err(why),
        };
        let as_believed = match expected {
            Expected::Nothing => in_force.is_none(),
            Expected::Version(version) => in_force.as_ref() == Some(version),
            _ => true,
        };
        if as_believed {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidReference,
            "another version is in force than the writer believed",
        )
        .with_operation(operation)
        .with_context(ContextKey::Resource, resource)
        .with_help("list the versions, and decide anew"))
    }
}

fn version(described: &SecretVersion) -> Option<Version> {
    let number = names::number(&described.name)?;
    Some(Version::new(number.to_string()))
}

fn no_number() -> Error {
    Error::new(ErrorKind::Unexpected, "the answer names no version")
}

/// How many pages a list of versions may have.
const MOST_PAGES: usize = 400;
