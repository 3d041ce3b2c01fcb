//! Writing versions of KV 2, with what is believed to be in force checked by the server.

use perennial_backend::{
    Context, ContextKey, Error, ErrorKind, Expected, Operation, Promote, Put, Version,
    VersionState, VersionedWriter, async_trait,
};
use vaultrs::api::kv2::requests::{DestroySecretVersionsRequest, ReadSecretMetadataRequest};

use crate::answer::{self, Facts};
use crate::auth::invalid;
use crate::config::Engine;
use crate::endpoints::Post;
use crate::fields;
use crate::kv::{Kv, no_versions, wrong_engine};
use crate::place::Place;

/// 1. A version that is written is in force at once: KV 2 keeps none ready.
/// 2. The value has to be a JSON object, whose members are those of the secret.
/// 3. What is expected becomes the parameter `cas` of the call; without it, the call has none.
/// 4. A version is retired by being destroyed, for good.
#[async_trait]
impl VersionedWriter for Kv {
    async fn put(&self, cx: &Context, request: &Put) -> Result<Version, Error> {
        let name = request.resource();
        let place = self.writable(cx, name, Operation::Put).await?;
        let site = place.site(Some("data"), "create", Operation::Put);
        let object = request.secret().expose();
        // What the server is told is put together as text, so nothing but one object may go in.
        let is_object = object.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(object).is_ok();
        if !is_object {
            let message = format!("the value for `{name}` is no JSON object");
            return Err(site
                .error(ErrorKind::InvalidReference, message)
                .with_help("KV keeps objects, such as `{\"password\": \"…\"}`"));
        }
        let cas = match request.expected() {
            Expected::Anything => None,
            Expected::Nothing => Some(0),
            Expected::Version(version) => Some(number(version, name, Operation::Put)?),
            other => {
                let message = format!("the expectation {other:?} is not known here");
                return Err(site.error(ErrorKind::Unsupported, message));
            }
        };
        let put = || Post::put(&place.mount, name, object, cas);
        let answer = self.session.call(cx, &site, put).await?;
        if !answer.is_success() {
            return Err(site.failed(&answer));
        }
        let facts = answer::written(&answer.body)
            .ok_or_else(|| site.not_understood(&answer, "no version came"))?;
        Ok(facts.version())
    }

    async fn promote(&self, cx: &Context, request: &Promote) -> Result<(), Error> {
        let name = request.resource();
        let wanted = number(request.version(), name, Operation::Promote)?;
        let versions = self.list(cx, name, Operation::Promote).await?;
        let current = versions
            .iter()
            .find(|(_, state)| *state == VersionState::Current)
            .map(|(facts, _)| facts.number);
        let wrong = |kind, message: String| {
            Error::new(kind, message)
                .with_operation(Operation::Promote)
                .with_context(ContextKey::Resource, name)
                .with_context(ContextKey::Version, wanted.to_string())
        };
        let met = match request.expected() {
            Expected::Anything => true,
            Expected::Nothing => current.is_none(),
            Expected::Version(version) => {
                current == Some(number(version, name, Operation::Promote)?)
            }
            _ => false,
        };
        if current == Some(wanted) {
            return Ok(());
        }
        if !met {
            let message = format!("another version of `{name}` is in force than was expected");
            return Err(wrong(ErrorKind::InvalidReference, message));
        }
        let message = format!("version {wanted} of `{name}` cannot be brought into force again");
        Err(wrong(ErrorKind::Unsupported, message).with_help(
            "in KV 2 the newest version is the one in force: write the value anew, with `put`",
        ))
    }

    async fn retire(&self, cx: &Context, resource: &str, version: &Version) -> Result<(), Error> {
        let retired = number(version, resource, Operation::Retire)?;
        let versions = self.list(cx, resource, Operation::Retire).await?;
        let place = Place::named(&self.config, resource, Operation::Retire)?;
        let site = place.site(Some("destroy"), "update", Operation::Retire);
        let state = versions
            .iter()
            .find(|(facts, _)| facts.number == retired)
            .map(|(_, state)| *state);
        match state {
            Some(VersionState::Destroyed) => return Ok(()),
            Some(VersionState::Current) => {
                let message = format!("version {retired} of `{resource}` is in force");
                return Err(site
                    .error(ErrorKind::InvalidReference, message)
                    .with_help("write another one first"));
            }
            Some(_) => {}
            None => {
                let message = format!("there is no version {retired} of `{resource}`");
                return Err(site.error(ErrorKind::NotFound, message));
            }
        }
        let destroy = || DestroySecretVersionsRequest {
            mount: place.mount.to_string(),
            path: resource.to_owned(),
            versions: vec![retired],
        };
        let answer = self.session.call(cx, &site, destroy).await?;
        if answer.is_success() {
            Ok(())
        } else {
            Err(site.failed(&answer))
        }
    }

    async fn versions(
        &self,
        cx: &Context,
        resource: &str,
    ) -> Result<Vec<(Version, VersionState)>, Error> {
        let versions = self.list(cx, resource, Operation::Versions).await?;
        let named = versions
            .into_iter()
            .map(|(facts, state)| (facts.version(), state));
        Ok(named.collect())
    }
}

impl Kv {
    /// Returns the place of a secret that can have versions.
    ///
    /// KV 1 would take what is meant for KV 2 and keep it under another name, so nothing is written
    /// before it is known, or was configured, that the mount is KV 2.
    async fn writable<'a>(
        &'a self,
        cx: &Context,
        name: &'a str,
        operation: Operation,
    ) -> Result<Place<'a>, Error> {
        let place = Place::named(&self.config, name, operation)?;
        let site = place.site(None, "read", operation);
        let failed = match (self.shown_engine(cx, &place).await?, place.engine) {
            (Some(Engine::V2), _) | (None, Some(Engine::V2)) => return Ok(place),
            (Some(Engine::V1), Some(_)) => wrong_engine(&place, Engine::V1),
            (Some(Engine::V1), None) | (None, Some(Engine::V1)) => no_versions(),
            (None, None) => invalid(
                format!("the mount `{}` does not say which KV it is", place.mount),
                &fields::KV,
            )
            .with_help("set `kv` to `v2` if it is"),
        };
        Err(site.about(failed))
    }

    async fn list(
        &self,
        cx: &Context,
        name: &str,
        operation: Operation,
    ) -> Result<Vec<(Facts, VersionState)>, Error> {
        let place = self.writable(cx, name, operation).await?;
        let site = place.site(Some("metadata"), "read", operation);
        let read = || ReadSecretMetadataRequest {
            mount: place.mount.to_string(),
            path: name.to_owned(),
        };
        let answer = self.session.call(cx, &site, read).await?;
        if !answer.is_success() {
            return Err(site.failed(&answer));
        }
        answer::versions(&answer.body, cx.unix_time())
            .ok_or_else(|| site.not_understood(&answer, "no versions came"))
    }
}

fn number(version: &Version, name: &str, operation: Operation) -> Result<u64, Error> {
    let id = version.id();
    match id.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Error::new(
            ErrorKind::InvalidReference,
            format!("no version of `{name}` is called `{id}`"),
        )
        .with_operation(operation)
        .with_context(ContextKey::Resource, name)
        .with_help("versions of KV 2 are numbers")),
    }
}
