//! What every store is put through: its secret rotated while it is read, its server stopped,
//! frozen, its secret gone and back. Which server that is, is not known here.

use std::time::Duration;

use perennial::{Freshness, Handle, Resolver, Secret, VaultSpec, backends};
use perennial_backend::{ErrorKind, async_trait};

use crate::server::until;

/// A store with a server of its own and one secret, which a story can do something to.
#[async_trait]
pub(crate) trait Place {
    /// The vault that reads from it, without any cache setting.
    fn vault(&self, name: &str) -> VaultSpec;
    /// The reference of the secret in that vault.
    fn reference(&self, vault: &str) -> String;
    /// Gives the secret a new value, or makes it anew.
    async fn write(&mut self, value: &str);
    /// Removes the secret.
    async fn remove(&mut self);
    /// Ends the server's process.
    async fn stop(&mut self);
    /// Starts it again on the same port; the secret has this value then.
    async fn start_again(&mut self, value: &str);
    /// Stops the process where it stands, or lets it go on.
    fn freeze(&self, frozen: bool);
}

/// The secret is rotated under a reader: each value it sees is one that was written, whole, and the
/// new one comes by itself.
pub(crate) async fn rotated_while_it_is_read(place: &mut impl Place) {
    place.write("first").await;
    let secrets = resolver([place.vault("store").with("ttl", "1")]);
    let handle = secrets.watch(place.reference("store")).await.unwrap();
    assert_eq!(text(handle.secret()), "first");
    place.write("second").await;
    let seen = until(LIMIT, || match &*text(handle.secret()) {
        "first" => None,
        other => Some(other.to_owned()),
    });
    assert_eq!(seen.as_deref(), Some("second"));
    let read = secrets.get(place.reference("store")).await.unwrap();
    assert_eq!(read.secret().expose(), b"second");
}

/// The server is gone for a while: the value is served, stale, with its age and the cause, and is
/// fresh again once the server is back.
pub(crate) async fn stopped_and_back(place: &mut impl Place) {
    place.write("first").await;
    let secrets = resolver([place.vault("store").with("ttl", "1")]);
    let handle = secrets.watch(place.reference("store")).await.unwrap();
    place.stop().await;
    let (age, kind) = stale(&handle);
    assert!(age >= Duration::from_secs(1), "{age:?}");
    assert!(
        matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout),
        "{kind}"
    );
    assert_eq!(text(handle.secret()), "first");
    place.start_again("second").await;
    fresh(&handle, "second");
}

/// The server takes calls and answers none, for longer than a call may take: its own values get
/// stale, and another vault goes on as if nothing were.
pub(crate) async fn frozen_while_another_goes_on(place: &mut impl Place, other: &mut impl Place) {
    place.write("first").await;
    other.write("0").await;
    let quick = |spec: VaultSpec| spec.with("ttl", "1").with("timeout", "1");
    let secrets = resolver([quick(place.vault("frozen")), quick(other.vault("other"))]);
    let frozen = secrets.watch(place.reference("frozen")).await.unwrap();
    let going = secrets.watch(other.reference("other")).await.unwrap();
    place.freeze(true);
    let (_, kind) = stale(&frozen);
    assert_eq!(kind, ErrorKind::Timeout);
    for round in ["1", "2"] {
        other.write(round).await;
        let seen = until(LIMIT, || (text(going.secret()) == round).then_some(()));
        assert!(seen.is_some(), "the other vault stands still");
        assert!(going.load().unwrap().freshness().is_fresh());
    }
    assert_eq!(text(frozen.secret()), "first");
    place.freeze(false);
    fresh(&frozen, "first");
}

/// The secret is removed: whoever asks first is told so, whoever holds it keeps the last value and
/// is told why; once it is back, both have the new one.
pub(crate) async fn removed_and_back(place: &mut impl Place) {
    place.write("first").await;
    let brief = |spec: VaultSpec| spec.with("ttl", "1").with("neg_ttl", "1");
    let secrets = resolver([brief(place.vault("store")), brief(place.vault("late"))]);
    let handle = secrets.watch(place.reference("store")).await.unwrap();
    place.remove().await;
    let (_, kind) = stale(&handle);
    assert_eq!(kind, ErrorKind::NotFound);
    assert_eq!(text(handle.secret()), "first");
    let late = secrets.get(place.reference("late")).await.unwrap_err();
    assert_eq!(late.kind().as_str(), "not_found");
    place.write("second").await;
    fresh(&handle, "second");
    let late = secrets.watch_later(place.reference("late")).unwrap();
    fresh(&late, "second");
}

pub(crate) fn resolver(vaults: impl IntoIterator<Item = VaultSpec>) -> Resolver {
    Resolver::builder()
        .backends(backends())
        .vaults(vaults)
        .build()
        .unwrap()
}

/// Waits until the value is stale and the cause is known; returns its age and the kind of the cause.
pub(crate) fn stale(handle: &Handle) -> (Duration, ErrorKind) {
    let found = until(LIMIT, || match handle.load() {
        Ok(loaded) => match loaded.freshness() {
            Freshness::Stale {
                age,
                cause: Some(cause),
                ..
            } => Some((*age, cause.kind())),
            _ => None,
        },
        Err(why) => panic!("no value any more: {why}"),
    });
    found.expect("the value never gets stale")
}

/// Waits until the value is fresh and this one.
pub(crate) fn fresh(handle: &Handle, value: &str) {
    let found = until(LIMIT, || {
        let loaded = handle.load().ok()?;
        let right = loaded.secret().expose() == value.as_bytes();
        (loaded.freshness().is_fresh() && right).then_some(())
    });
    assert!(found.is_some(), "never fresh again: {:?}", handle.status());
}

fn text(secret: Result<Secret, perennial::Error>) -> String {
    secret.unwrap().expose_str().unwrap().to_owned()
}

/// How long anything may take to be seen: back-off and the machine's other work included.
const LIMIT: Duration = Duration::from_secs(60);
