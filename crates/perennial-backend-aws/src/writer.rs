//! Writing versions: put as pending, promote, retire, list.

use std::collections::HashMap;

use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::SecretVersionsListEntry;
use perennial_backend::{
    Context, ContextKey, Error, ErrorKind, Expected, Operation, Promote, Put, Secret, Version,
    VersionState, VersionedWriter, async_trait,
};

use crate::answer::{CURRENT, PENDING, PREVIOUS, unix_time};
use crate::error::Site;
use crate::names;
use crate::secrets_manager::SecretsManager;

#[async_trait]
impl VersionedWriter for SecretsManager {
    /// Writes a version with the label `AWSPENDING`, which leaves the one that had it.
    ///
    /// A secret that is expected not to exist is created, and its first version is in force at
    /// once: Secrets Manager has no secret without one. An expected version is looked for before
    /// the write, since Secrets Manager does not compare by itself here.
    async fn put(&self, cx: &Context, request: &Put) -> Result<Version, Error> {
        let resource = request.resource();
        names::check(resource, Operation::Put)?;
        let token = request.token().map(token).transpose()?;
        let (text, binary) = body(request.secret());
        if let Expected::Version(expected) = request.expected() {
            let labels = self.labels(cx, Operation::Put, resource).await?;
            if current(&labels) != Some(expected.id()) {
                return Err(moved(Operation::Put, resource, current(&labels)));
            }
        }
        let connection = self.connections.connection(cx).await?;
        let mut site = Site {
            operation: Operation::Put,
            resource: Some(resource),
            selector: None,
            action: "secretsmanager:PutSecretValue",
            region: &connection.region,
        };
        let creates = *request.expected() == Expected::Nothing;
        let written = if creates {
            site.action = "secretsmanager:CreateSecret";
            let call = connection.client.create_secret().name(resource);
            let call = call.set_secret_string(text).set_secret_binary(binary);
            let call = call.set_client_request_token(token);
            match connection.sent(call.send()).await {
                Ok(created) => created.version_id,
                Err(error) => return Err(self.failed(&connection, &site, &error)),
            }
        } else {
            let call = connection.client.put_secret_value().secret_id(resource);
            let call = call.set_secret_string(text).set_secret_binary(binary);
            let call = call.version_stages(PENDING).set_client_request_token(token);
            match connection.sent(call.send()).await {
                Ok(put) => put.version_id,
                Err(error) => return Err(self.failed(&connection, &site, &error)),
            }
        };
        match written {
            Some(id) => Ok(Version::new(id).with_stage(if creates { CURRENT } else { PENDING })),
            None => Err(site.own(ErrorKind::Unexpected, "the new version came without an id")),
        }
    }

    /// Moves the label `AWSCURRENT`, which makes Secrets Manager move `AWSPREVIOUS` as well.
    ///
    /// The label `AWSPENDING` may stay on the version; reads understand that it then means nothing.
    async fn promote(&self, cx: &Context, request: &Promote) -> Result<(), Error> {
        let (resource, version) = (request.resource(), request.version());
        names::check(resource, Operation::Promote)?;
        let from = match request.expected() {
            Expected::Version(expected) => Some(expected.id().to_owned()),
            Expected::Nothing => None,
            _ => {
                let labels = self.labels(cx, Operation::Promote, resource).await?;
                current(&labels).map(str::to_owned)
            }
        };
        if from.as_deref() == Some(version.id()) {
            return self.confirm(cx, resource, version).await;
        }
        self.move_label(
            cx,
            Operation::Promote,
            resource,
            CURRENT,
            from.as_deref(),
            Some(version),
        )
        .await
    }

    /// Takes all labels off a version, which lets Secrets Manager delete it in its own time.
    ///
    /// They are taken off one by one: if this is dropped or fails in between, some are left. It is safe
    /// to repeat, and takes off those then.
    async fn retire(&self, cx: &Context, resource: &str, version: &Version) -> Result<(), Error> {
        names::check(resource, Operation::Retire)?;
        let labels = self.labels(cx, Operation::Retire, resource).await?;
        let Some(labels) = labels.get(version.id()) else {
            // It has none any more.
            return Ok(());
        };
        if labels.iter().any(|label| label == CURRENT) {
            let message = "the version is in force, so it cannot be retired";
            return Err(Error::new(ErrorKind::InvalidReference, message)
                .with_operation(Operation::Retire)
                .with_context(ContextKey::Resource, resource)
                .with_context(ContextKey::Version, version.id())
                .with_help("promote another version first"));
        }
        for label in labels {
            let from = Some(version.id());
            self.move_label(cx, Operation::Retire, resource, label, from, None)
                .await?;
        }
        Ok(())
    }

    /// Lists the versions that have labels: Secrets Manager deletes the others in its own time.
    async fn versions(
        &self,
        cx: &Context,
        resource: &str,
    ) -> Result<Vec<(Version, VersionState)>, Error> {
        let mut found = self.entries(cx, Operation::Versions, resource).await?;
        found.sort_by_key(|entry| std::cmp::Reverse(entry.created_date.map(|at| at.as_nanos())));
        Ok(found.into_iter().filter_map(listed).collect())
    }
}

impl SecretsManager {
    /// Moves a label from one version to another one, or takes it off.
    async fn move_label(
        &self,
        cx: &Context,
        operation: Operation,
        resource: &str,
        label: &str,
        from: Option<&str>,
        to: Option<&Version>,
    ) -> Result<(), Error> {
        let connection = self.connections.connection(cx).await?;
        let site = Site {
            operation,
            resource: Some(resource),
            selector: None,
            action: "secretsmanager:UpdateSecretVersionStage",
            region: &connection.region,
        };
        let call = connection
            .client
            .update_secret_version_stage()
            .secret_id(resource);
        let call = call
            .version_stage(label)
            .set_remove_from_version_id(from.map(str::to_owned));
        let call = call.set_move_to_version_id(to.map(|version| version.id().to_owned()));
        match connection.sent(call.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self
                .failed(&connection, &site, &error)
                .with_help("see which version is in force; another one may have been promoted")),
        }
    }

    /// Makes sure that a version which is believed to be in force is.
    async fn confirm(&self, cx: &Context, resource: &str, version: &Version) -> Result<(), Error> {
        let labels = self.labels(cx, Operation::Promote, resource).await?;
        match current(&labels) {
            Some(id) if id == version.id() => Ok(()),
            other => Err(moved(Operation::Promote, resource, other)),
        }
    }

    /// Returns the labels of all versions that have some.
    async fn labels(
        &self,
        cx: &Context,
        operation: Operation,
        resource: &str,
    ) -> Result<HashMap<String, Vec<String>>, Error> {
        let entries = self.entries(cx, operation, resource).await?;
        let labels = entries.into_iter().filter_map(|entry| {
            Some((entry.version_id?, entry.version_stages.unwrap_or_default()))
        });
        Ok(labels.filter(|(_, stages)| !stages.is_empty()).collect())
    }

    async fn entries(
        &self,
        cx: &Context,
        operation: Operation,
        resource: &str,
    ) -> Result<Vec<SecretVersionsListEntry>, Error> {
        names::check(resource, operation)?;
        let connection = self.connections.connection(cx).await?;
        let site = Site {
            operation,
            resource: Some(resource),
            selector: None,
            action: "secretsmanager:ListSecretVersionIds",
            region: &connection.region,
        };
        let mut found = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let call = connection
                .client
                .list_secret_version_ids()
                .secret_id(resource);
            let call = call.max_results(PAGE).set_next_token(next.take());
            let page = match connection.sent(call.send()).await {
                Ok(page) => page,
                Err(error) => return Err(self.failed(&connection, &site, &error)),
            };
            found.extend(page.versions.unwrap_or_default());
            // Some that speak this protocol end with an empty one.
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(site
            .own(ErrorKind::Unexpected, "the list of versions does not end")
            .with_context(ContextKey::Limit, MOST_PAGES.to_string()))
    }
}

fn listed(entry: SecretVersionsListEntry) -> Option<(Version, VersionState)> {
    let stages = entry.version_stages.unwrap_or_default();
    let has = |label: &str| stages.iter().any(|stage| stage == label);
    let known = [
        (CURRENT, VersionState::Current),
        (PREVIOUS, VersionState::Previous),
        (PENDING, VersionState::Pending),
    ];
    let known = known.into_iter().find(|(label, _)| has(label));
    let (label, state) = match (known, stages.first()) {
        (Some(known), _) => known,
        (None, Some(label)) => (label.as_str(), VersionState::Other),
        (None, None) => return None,
    };
    let version = Version::new(entry.version_id?).with_stage(label);
    let version = match entry.created_date.as_ref().and_then(unix_time) {
        Some(at) => version.with_created_at(at),
        None => version,
    };
    Some((version, state))
}

fn current(labels: &HashMap<String, Vec<String>>) -> Option<&str> {
    let has = |labels: &Vec<String>| labels.iter().any(|label| label == CURRENT);
    labels
        .iter()
        .find(|(_, labels)| has(labels))
        .map(|(id, _)| id.as_str())
}

/// Makes the error for a version in force that is not the expected one.
fn moved(operation: Operation, resource: &str, current: Option<&str>) -> Error {
    let current = current.unwrap_or("none");
    Error::new(
        ErrorKind::InvalidReference,
        format!("another version than was expected is in force: {current}"),
    )
    .with_operation(operation)
    .with_context(ContextKey::Resource, resource)
    .with_context(ContextKey::Version, current)
    .with_help("look at the versions before trying again")
}

/// Puts a value into the form that fits it. The copy is the SDK's, which does not wipe it.
fn body(secret: &Secret) -> (Option<String>, Option<Blob>) {
    match secret.expose_str() {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(Blob::new(secret.expose()))),
    }
}

/// Makes the token of a request out of that of a write. Secrets Manager makes it the id of the
/// version, and takes 32 to 64 signs: a shorter one is filled up so that no two become one.
fn token(text: &str) -> Result<String, Error> {
    let plain = text.chars().all(|c| c.is_ascii_graphic());
    match text.len() {
        32..=64 if plain => Ok(text.to_owned()),
        1..=31 if plain => {
            let head = format!("{text}.{}", text.len());
            let fill = ".".repeat(36_usize.saturating_sub(head.len()));
            Ok(format!("{fill}{head}"))
        }
        _ => Err(Error::new(
            ErrorKind::InvalidReference,
            "the token of a write has 1 to 64 signs, none of them blank",
        )
        .with_operation(Operation::Put)),
    }
}

const PAGE: i32 = 100;

/// Secrets Manager keeps about a hundred versions.
const MOST_PAGES: usize = 50;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_becomes_one_that_secrets_manager_takes_and_no_two_become_one() {
        let long = "a".repeat(31);
        let given = ["a", "a.", ".a", "1", "11", "1.1", ".", "..", long.as_str()];
        let made: HashSet<_> = given.iter().map(|text| token(text).unwrap()).collect();
        assert_eq!(made.len(), given.len());
        assert!(
            made.iter().all(|token| (32..=64).contains(&token.len())),
            "{made:?}"
        );
        let uuid = "0badc0de-0000-4000-8000-000000000000";
        assert_eq!(token(uuid).unwrap(), uuid);
        for wrong in ["", "a b", &"a".repeat(65), "ä"] {
            assert_eq!(
                token(wrong).unwrap_err().kind(),
                ErrorKind::InvalidReference
            );
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_written_as_bytes() {
        assert_eq!(body(&Secret::from("pa55")), (Some("pa55".to_owned()), None));
        let bytes = [0xff, 0x00];
        assert_eq!(
            body(&Secret::from(&bytes[..])),
            (None, Some(Blob::new(bytes)))
        );
    }
}
