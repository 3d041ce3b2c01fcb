//! What a service lives through: rotation, a server that is frozen or sealed, and a secret
//! that is deleted and comes back.

use std::cell::Cell;
use std::time::{Duration, Instant};

use perennial::backend::{Error, ErrorKind};
use perennial::{Freshness, Handle, Resolver};
use serde_json::json;

use super::vault::{POLICY, Vault, bounded, eventually};

const REFERENCE: &str = "{vault://hcv-live/app/db/n}";

/// A Vault, a resolver whose values are fresh for a second, and a value that is watched.
async fn scene() -> (Vault, Resolver, Handle) {
    let vault = Vault::start().await;
    vault.policy("app", POLICY).await;
    vault.write("app/db", json!({"n": "1"})).await;
    let token = vault.token(json!({})).await;
    let settings = [("token", token.as_str()), ("ttl", "1s"), ("timeout", "1s")];
    let secrets = vault.resolver(&settings);
    let handle = secrets.watch(REFERENCE).await.unwrap();
    (vault, secrets, handle)
}

async fn becomes(handle: &Handle, value: &str) {
    let seen = async || {
        let loaded = handle.load().unwrap();
        let same = loaded.secret().expose() == value.as_bytes();
        (same && loaded.freshness().is_fresh()).then_some(())
    };
    eventually("the new value", seen).await;
}

async fn goes_stale(handle: &Handle) -> Error {
    let stale = async || match handle.load().unwrap().freshness() {
        Freshness::Stale {
            cause: Some(cause), ..
        } => Some(cause.clone()),
        _ => None,
    };
    eventually("the value is stale", stale).await
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn readers_see_each_rotation_once_and_never_an_older_value_again() {
    bounded(async {
        let (vault, _secrets, handle) = scene().await;
        let over = Cell::new(false);
        let reader = async || {
            let (mut last, mut reads) = (0_u32, 0_u64);
            while !over.get() {
                let loaded = handle.load().unwrap();
                let now: u32 = loaded.secret().expose_str().unwrap().parse().unwrap();
                assert!(now >= last, "{now} after {last}");
                let version: u32 = loaded.version().unwrap().id().parse().unwrap();
                assert_eq!(version, now, "the value of one version, the id of another");
                (last, reads) = (now, reads + 1);
                drop(loaded);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            reads
        };
        let writer = async {
            for number in 2..=6 {
                vault
                    .write("app/db", json!({"n": number.to_string()}))
                    .await;
                becomes(&handle, &number.to_string()).await;
            }
            over.set(true);
        };
        let ((), one, other) = tokio::join!(writer, reader(), reader());
        assert!(one > 100 && other > 100, "{one} and {other} reads");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_server_that_is_frozen_for_longer_than_a_call_may_take_delays_no_reader() {
    bounded(async {
        let (vault, secrets, handle) = scene().await;
        vault.freeze();
        let cause = goes_stale(&handle).await;
        assert_eq!(cause.kind(), ErrorKind::Timeout, "{cause:?}");
        let start = Instant::now();
        assert_eq!(
            secrets.get(REFERENCE).await.unwrap().secret().expose(),
            b"1"
        );
        assert!(
            start.elapsed() < Duration::from_millis(900),
            "{:?}",
            start.elapsed()
        );
        tokio::time::sleep(Duration::from_secs(3)).await;
        vault.thaw();
        vault.write("app/db", json!({"n": "2"})).await;
        becomes(&handle, "2").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_server_that_is_sealed_says_so_and_is_read_again_once_it_is_unsealed() {
    bounded(async {
        let (vault, _secrets, handle) = scene().await;
        vault.seal().await;
        let cause = goes_stale(&handle).await;
        assert_eq!(cause.kind(), ErrorKind::Unavailable, "{cause:?}");
        assert_eq!(cause.to_string(), "the server is sealed");
        assert!(cause.retry_after().is_some());
        vault.unseal().await;
        vault.write("app/db", json!({"n": "2"})).await;
        becomes(&handle, "2").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_secret_that_is_deleted_is_kept_and_told_of_until_it_is_brought_back() {
    bounded(async {
        let (vault, secrets, handle) = scene().await;
        vault
            .ask("DELETE", "secret/data/app/db", None)
            .await
            .unwrap();
        let cause = goes_stale(&handle).await;
        assert_eq!(cause.kind(), ErrorKind::NotFound, "{cause:?}");
        assert_eq!(cause.to_string(), "version 1 of `app/db` was deleted");
        assert_eq!(handle.secret().unwrap().expose(), b"1");
        let versions = json!({"versions": [1]});
        vault.put("secret/undelete/app/db", versions).await;
        secrets.refresh([REFERENCE]).await;
        becomes(&handle, "1").await;
    })
    .await;
}
