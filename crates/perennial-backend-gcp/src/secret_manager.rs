//! GCP Secret Manager as a backend: reads, and which version is meant.

use google_cloud_secretmanager_v1::model::SecretPayload;
use perennial_backend::{
    Backend, Capabilities, Context, ContextKey, Error, ErrorKind, Facets, Fetched, Numbering,
    Operation, Request, Secret, Selector, Version, async_trait,
};

use crate::client::Client;
use crate::config::Config;
use crate::error::{self, Subject};
use crate::names::{self, SecretName};
use crate::schedule::{Dates, Schedule};

/// Reads the secrets of GCP Secret Manager.
///
/// The client is made on first use, on the tokio runtime of the first call; that runtime has to
/// live as long as the backend, since the vendor's library renews tokens in a task of its own.
#[derive(Debug)]
pub struct SecretManager {
    pub(crate) client: Client,
    schedule: Schedule,
}

impl SecretManager {
    /// Makes the backend; nothing is sent before the first read.
    ///
    /// # Errors
    /// Fails if settings contradict each other or have a form that they cannot have.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            client: Client::new(config),
            schedule: Schedule::default(),
        })
    }

    /// Reads one version: its number, as the service gives it, and the payload.
    async fn access(
        &self,
        cx: &Context,
        name: &SecretName,
        resource: &str,
        version: &str,
    ) -> Result<(u64, Secret), Error> {
        let subject = Subject {
            operation: Operation::Fetch,
            resource,
            version: Some(version),
            permission: "secretmanager.versions.access",
        };
        let full = name.version(version)?;
        let answer = self.client.call(cx, &subject, |service| async move {
            service.access_secret_version().set_name(full).send().await
        });
        let answer = answer.await?;
        let broken = |kind, message: &'static str| subject.about(Error::new(kind, message));
        let Some(number) = names::number(&answer.name) else {
            let message = "the answer names no version";
            return Err(broken(ErrorKind::Unexpected, message));
        };
        let Some(payload) = answer.payload else {
            let message = "the answer has no payload";
            return Err(broken(ErrorKind::Unexpected, message));
        };
        match checked(payload) {
            Some(secret) => Ok((number, secret)),
            None => Err(broken(
                ErrorKind::Unavailable,
                "the payload is not the one that its checksum belongs to: it was damaged on its way",
            )),
        }
    }

    /// Reads the version before the newest, passing over those that cannot be read.
    async fn previous(
        &self,
        cx: &Context,
        name: &SecretName,
        resource: &str,
    ) -> Result<(u64, Secret), Error> {
        let (newest, _) = self.access(cx, name, resource, LATEST).await?;
        for number in (newest.saturating_sub(LOOK_BACK).max(1)..newest).rev() {
            match self.access(cx, name, resource, &number.to_string()).await {
                Err(why) if error::is_withdrawn(&why) => {}
                found => return found,
            }
        }
        Err(Error::new(
            ErrorKind::NotFound,
            "there is no version before the newest that can be read",
        )
        .with_operation(Operation::Fetch)
        .with_context(ContextKey::Resource, resource))
    }
}

#[async_trait]
impl Backend for SecretManager {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
            .with_numbering(Numbering::Provider)
            .with_ids()
            .with_previous()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let started = cx.unix_time();
        let resource = request.resource();
        let name = SecretName::of(request, self.client.config())
            .map_err(|why| why.with_operation(Operation::Fetch))?;
        let (number, secret) = match request.selector() {
            Selector::Current => self.access(cx, &name, resource, LATEST).await?,
            Selector::Number(number) => {
                let number = number.to_string();
                self.access(cx, &name, resource, &number).await?
            }
            Selector::Id(alias) => self.access(cx, &name, resource, alias).await?,
            Selector::Previous => self.previous(cx, &name, resource).await?,
            other => return Err(self.capabilities().unsupported(other)),
        };
        let mut fetched = Fetched::secret(secret).with_version(Version::new(number.to_string()));
        let dates = self.schedule.dates(cx, &self.client, &name, request);
        let Dates { expires, rotates } = dates.await;
        // What has just been read has not expired: a date that passed was put off since.
        if let Some(at) = expires.filter(|at| *at > started) {
            fetched = fetched.with_hard_end(at.since(started));
        }
        if let Some(at) = rotates.filter(|at| *at > started) {
            fetched = fetched.with_next_rotation(at.since(started));
        }
        // The bare id is that of the vault's own project, and no other project's.
        let own = request.option("project_id").is_none()
            && self.client.config().project_id.as_ref() == Some(&name.project);
        if !resource.contains('/') {
            fetched = fetched.with_alias(name.full());
        } else if own {
            fetched = fetched.with_alias(name.secret);
        }
        Ok(fetched)
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_writer(self)
    }
}

/// Takes the bytes out of a payload; `None` if they do not fit its checksum.
fn checked(payload: SecretPayload) -> Option<Secret> {
    let bytes = Vec::from(payload.data);
    let fits = payload
        .data_crc32c
        .is_none_or(|sum| sum == i64::from(crc32c::crc32c(&bytes)));
    let secret = Secret::new(bytes);
    fits.then_some(secret)
}

/// The alias of the newest version, which every secret has.
const LATEST: &str = "latest";

/// How many versions the one before the newest may be away.
const LOOK_BACK: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_to_fit_its_checksum_where_there_is_one() {
        let check = |sum: Option<i64>, fits: bool| {
            let mut payload = SecretPayload::new().set_data("123456789");
            payload.data_crc32c = sum;
            assert_eq!(checked(payload).is_some(), fits, "{sum:?}");
        };
        // The check value of CRC-32C (RFC 3720, appendix B.4 uses the same polynomial).
        check(Some(0xe306_9283), true);
        check(None, true);
        check(Some(0xe306_9284), false);
        check(Some(-1), false);
        check(Some(0xe306_9283 + (1 << 32)), false);
    }
}
