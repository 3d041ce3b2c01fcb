//! What becomes of a token while it is used: it is renewed, it ends, it is revoked.

use std::time::{Duration, Instant};

use perennial::backend::{Error, ErrorKind, Request};
use perennial::{Freshness, Handle};
use serde_json::json;

use super::vault::{POLICY, Vault, bounded, eventually, fetch};

/// A Vault with a user whose tokens last as long as `terms` say.
async fn with_user(terms: serde_json::Value) -> Vault {
    let vault = Vault::start().await;
    vault.policy("app", POLICY).await;
    vault.write("app/db", json!({"n": "1"})).await;
    vault
        .put("sys/auth/userpass", json!({"type": "userpass"}))
        .await;
    let mut user = terms;
    user["password"] = json!("pass");
    user["token_policies"] = json!(["app"]);
    vault.put("auth/userpass/users/app", user).await;
    vault
}

const USER: &[(&str, &str)] = &[
    ("auth_method", "userpass"),
    ("userpass_username", "app"),
    ("userpass_password", "pass"),
];

/// Returns how many tokens of the user are alive.
async fn alive(vault: &Vault) -> usize {
    let listed = vault
        .ask("LIST", "auth/token/accessors", None)
        .await
        .unwrap();
    let accessors = listed["data"]["keys"].as_array().unwrap().clone();
    let mut count = 0;
    for accessor in accessors {
        let body = json!({"accessor": accessor});
        // One may end in between.
        let Ok(found) = vault
            .ask("POST", "auth/token/lookup-accessor", Some(body))
            .await
        else {
            continue;
        };
        count += usize::from(found["data"]["path"] == "auth/userpass/login/app");
    }
    count
}

/// Returns why a value is stale, if it is and that is known.
fn failure(handle: &Handle) -> Option<Error> {
    match handle.load().unwrap().freshness() {
        Freshness::Stale { cause, .. } => cause.clone(),
        _ => None,
    }
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_token_is_renewed_while_nobody_reads_and_no_other_login_is_made() {
    bounded(async {
        let vault = with_user(json!({"token_ttl": "6s", "token_max_ttl": "1h"})).await;
        let mut settings = USER.to_vec();
        settings.push(("ttl", "1h"));
        let secrets = vault.resolver(&settings);
        secrets.get("{vault://hcv-live/app/db/n}").await.unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(15) {
            assert_eq!(alive(&vault).await, 1, "after {:?}", start.elapsed());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_token_that_comes_to_its_end_for_good_gives_way_to_another_one() {
    bounded(async {
        let vault = with_user(json!({"token_ttl": "6s", "token_max_ttl": "10s"})).await;
        let backend_settings: Vec<_> = USER.iter().copied().chain([("ttl", "1s")]).collect();
        let secrets = vault.resolver(&backend_settings);
        let handle = secrets.watch("{vault://hcv-live/app/db/n}").await.unwrap();
        let start = Instant::now();
        let mut number = 1;
        while start.elapsed() < Duration::from_secs(22) {
            number += 1;
            let text = number.to_string();
            vault.write("app/db", json!({"n": text})).await;
            let seen = async || {
                let loaded = handle.load().unwrap();
                (loaded.secret().expose_str().unwrap() == text).then_some(())
            };
            eventually("the new value", seen).await;
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_revoked_token_costs_one_login_and_no_failed_read() {
    bounded(async {
        let vault = with_user(json!({"token_ttl": "1h"})).await;
        let backend = vault.backend(USER);
        let request = Request::new("app/db");
        for _ in 0..3 {
            fetch(&backend, &request).await.unwrap();
            assert_eq!(alive(&vault).await, 1);
            let path = "sys/leases/revoke-prefix/auth/userpass/login";
            vault.ask("PUT", path, None).await.unwrap();
            assert_eq!(alive(&vault).await, 0);
            // All at once: one login serves them.
            let (a, b, c) = tokio::join!(
                fetch(&backend, &request),
                fetch(&backend, &request),
                fetch(&backend, &request)
            );
            for read in [a, b, c] {
                assert_eq!(read.unwrap(), r#"{"n":"1"}"#);
            }
            assert_eq!(alive(&vault).await, 1);
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_path_that_is_closed_costs_no_login() {
    bounded(async {
        let vault = with_user(json!({"token_ttl": "1h"})).await;
        let backend = vault.backend(USER);
        for _ in 0..5 {
            let error = fetch(&backend, &Request::new("closed/db"))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert_eq!(
                error.to_string(),
                "the token may not read `secret/data/closed/db`"
            );
            let help = error.help().unwrap();
            assert!(help.contains(r#"path "secret/data/closed/db""#), "{help}");
            assert_eq!(alive(&vault).await, 1);
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn losing_the_only_token_loses_no_value_that_is_held() {
    bounded(async {
        let vault = with_user(json!({})).await;
        let token = vault.token(json!({"ttl": "1h"})).await;
        let secrets = vault.resolver(&[("token", &token), ("ttl", "1s")]);
        let handle = secrets.watch("{vault://hcv-live/app/db/n}").await.unwrap();
        vault
            .put("auth/token/revoke", json!({"token": token}))
            .await;
        let failed = async || failure(&handle);
        let cause = eventually("the value is stale", failed).await;
        assert_eq!(cause.kind(), ErrorKind::Unauthenticated, "{cause:?}");
        assert!(!format!("{cause:?}").contains(&token));
        assert_eq!(handle.secret().unwrap().expose(), b"1");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_token_that_was_given_is_renewed_and_expires_at_its_maximum() {
    bounded(async {
        let vault = with_user(json!({})).await;
        let terms = json!({"ttl": "4s", "explicit_max_ttl": "10s"});
        let token = vault.token(terms).await;
        let start = Instant::now();
        let secrets = vault.resolver(&[("token", &token), ("ttl", "1s")]);
        let handle = secrets.watch("{vault://hcv-live/app/db/n}").await.unwrap();
        // Longer than one lease: it was renewed.
        while start.elapsed() < Duration::from_secs(7) {
            assert!(failure(&handle).is_none(), "{:?}", failure(&handle));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let failed = async || failure(&handle);
        let cause = eventually("it has expired", failed).await;
        assert_eq!(cause.kind(), ErrorKind::Unauthenticated, "{cause:?}");
        assert!(start.elapsed() > Duration::from_secs(9));
        assert_eq!(handle.secret().unwrap().expose(), b"1");
    })
    .await;
}
