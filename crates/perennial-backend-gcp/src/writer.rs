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
        let bytes = request.secret().expose();
        if bytes.len() > MOST_BYTES {
            let message = format!("a version has at most {MOST_BYTES} bytes");
            return Err(subject("")
                .about(Error::new(ErrorKind::Unsupported, message))
                .with_context(ContextKey::Limit, MOST_BYTES.to_string()));
        }
        match request.expected() {
            Expected::Anything => {}
            Expected::Nothing => {
                let made = self.create(cx, &name, subject("secretmanager.secrets.create"));
                match made.await {
                    // It may have been made by a write that broke off before its first version.
                    Err(why)
                        if exists(&why)
                            && self.list(cx, resource, Operation::Put).await?.is_empty() => {}
                    made => made?,
                }
            }
            expected => {
                let listed = self.list(cx, resource, Operation::Put).await;
                believed(&listed_or_none(listed)?, expected)
                    .map_err(|why| subject("").about(why))?;
            }
        }
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
        let subject = Subject {
            operation: Operation::Promote,
            resource,
            version: Some(request.version().id()),
            permission: "secretmanager.versions.enable",
        };
        let number = numbered(request.version()).map_err(|why| subject.about(why))?;
        let listed = self.list(cx, resource, Operation::Promote).await;
        let listed = listed_or_none(listed)?;
        believed(&listed, request.expected()).map_err(|why| subject.about(why))?;
        match listed.first() {
            Some((newest, State::Enabled)) if *newest == number => Ok(()),
            Some((newest, State::Destroyed)) if *newest == number => {
                let message = "the version is destroyed, and cannot be in force again";
                Err(subject.about(Error::new(ErrorKind::NotFound, message)))
            }
            Some((newest, _)) if *newest == number => {
                let full = self.name(resource, Operation::Promote)?;
                let full = full.version(&number.to_string())?;
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
        let number = numbered(version).map_err(|why| subject.about(why))?;
        let full = self.name(resource, Operation::Retire)?;
        let full = full.version(&number.to_string())?;
        let listed = self.list(cx, resource, Operation::Retire).await?;
        if in_force(&listed) == Some(number) {
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

    /// The newest version is the current one, unless it cannot be read: then there is none.
    async fn versions(
        &self,
        cx: &Context,
        resource: &str,
    ) -> Result<Vec<(Version, VersionState)>, Error> {
        let listed = self.list(cx, resource, Operation::Versions).await?;
        let current = in_force(&listed);
        let mut before = listed
            .iter()
            .filter(|(number, state)| Some(*number) != current && *state == State::Enabled);
        let previous = before.next().map(|(number, _)| *number);
        let described = listed.into_iter().map(|(number, state)| {
            let state = match state {
                State::Enabled if Some(number) == current => VersionState::Current,
                State::Enabled if Some(number) == previous => VersionState::Previous,
                State::Enabled => VersionState::Other,
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
                let request = request.set_page_size(PAGE).set_page_token(page);
                request.send().await
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

    async fn create(
        &self,
        cx: &Context,
        name: &SecretName,
        subject: Subject<'_>,
    ) -> Result<(), Error> {
        let (parent, id) = (name.parent(), name.secret.clone());
        let mut secret = Described::new();
        if name.location.is_none() {
            let everywhere = Replication::new().set_automatic(Automatic::new());
            secret = secret.set_replication(everywhere);
        }
        let made = self.client.call(cx, &subject, |service| async move {
            let request = service.create_secret().set_parent(parent);
            request.set_secret_id(id).set_secret(secret).send().await
        });
        made.await.map(drop)
    }
}

/// The number of the version in force: the newest, as readers have it, if it can be read.
fn in_force(listed: &[(u64, State)]) -> Option<u64> {
    match listed.first() {
        Some((number, State::Enabled)) => Some(*number),
        _ => None,
    }
}

/// Fails unless what is in force is what the writer believes.
fn believed(listed: &[(u64, State)], expected: &Expected) -> Result<(), Error> {
    let current = in_force(listed);
    let as_believed = match expected {
        Expected::Nothing => listed.is_empty(),
        Expected::Version(version) => {
            current.map(|number| number.to_string()).as_deref() == Some(version.id())
        }
        _ => true,
    };
    if as_believed {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidReference,
        "another version is in force than the writer believed",
    )
    .with_help("list the versions, and decide anew"))
}

/// A secret that is not there has no versions.
fn listed_or_none(listed: Result<Vec<(u64, State)>, Error>) -> Result<Vec<(u64, State)>, Error> {
    match listed {
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

fn exists(why: &Error) -> bool {
    why.cause().and_then(|cause| cause.code()) == Some("ALREADY_EXISTS")
}

/// The number of a version; an alias could be that of any.
fn numbered(version: &Version) -> Result<u64, Error> {
    version.id().parse().map_err(|_| {
        Error::new(
            ErrorKind::InvalidReference,
            "versions are written by their numbers",
        )
    })
}

fn version(described: &SecretVersion) -> Option<Version> {
    let number = names::number(&described.name)?;
    Some(Version::new(number.to_string()))
}

fn no_number() -> Error {
    Error::new(ErrorKind::Unexpected, "the answer names no version")
}

/// How many pages a list of versions may have, and how many versions a page.
const MOST_PAGES: usize = 400;
const PAGE: i32 = 1000;

/// How large a payload may be, as the service documents its limits.
const MOST_BYTES: usize = 65_536;
