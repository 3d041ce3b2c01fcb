//! Versions: by number, previous, deleted, destroyed, brought back, written, and told apart.

use perennial::backend::{
    ErrorKind, Expected, Promote, Put, Request, Secret, Selector, Version, VersionState,
};
use serde_json::{Value, json};

use super::vault::{POLICY, Vault, bounded, context, eventually, fetch};

fn numbered(name: &str, number: u64) -> Request {
    Request::new(name).with_selector(Selector::Number(number))
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_deleted_and_a_destroyed_version_are_told_from_one_that_never_was() {
    bounded(async {
        let vault = Vault::start().await;
        let backend = vault.backend(&[("token", vault.root())]);
        for number in 1..=4 {
            vault.write("app/db", json!({"n": number})).await;
        }
        let versions = json!({"versions": [4]});
        vault.put("secret/delete/app/db", versions.clone()).await;
        vault
            .put("secret/destroy/app/db", json!({"versions": [2]}))
            .await;
        let check = async |request: Request, expected: &str| {
            let found = match fetch(&backend, &request).await {
                Ok(text) => text,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::NotFound);
                    error.to_string()
                }
            };
            assert_eq!(found, expected, "{request:?}");
        };
        let previous = Request::new("app/db").with_selector(Selector::Previous);
        check(Request::new("app/db"), "version 4 of `app/db` was deleted").await;
        check(previous.clone(), r#"{"n":3}"#).await;
        check(numbered("app/db", 2), "version 2 of `app/db` was destroyed").await;
        check(numbered("app/db", 1), r#"{"n":1}"#).await;
        let never = "there is no version 5 of `app/db` in the mount `secret`";
        check(numbered("app/db", 5), never).await;
        check(
            numbered("app/db", 0),
            "no version of `app/db` has that number",
        )
        .await;
        let none = "there is no secret `app/none` in the mount `secret`";
        check(Request::new("app/none"), none).await;
        vault.put("secret/undelete/app/db", versions).await;
        check(Request::new("app/db"), r#"{"n":4}"#).await;
        // The destroyed one in between is passed over.
        vault
            .put("secret/destroy/app/db", json!({"versions": [3]}))
            .await;
        check(previous, r#"{"n":1}"#).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_version_comes_with_its_number_its_date_and_every_digit_of_its_value() {
    bounded(async {
        let vault = Vault::start().await;
        let backend = vault.backend(&[("token", vault.root())]);
        // The server itself keeps no more digits of a number than 53 bits have.
        let value = json!({"text": "ä\u{0}\"<&>", "big": 9_007_199_254_740_991_u64});
        vault.write("app/db", value.clone()).await;
        let fetched = backend
            .fetch(&context(), &Request::new("app/db"))
            .await
            .unwrap();
        let version = fetched.version().unwrap();
        assert_eq!(version.id(), "1");
        let age = context().unix_time().since(version.created_at().unwrap());
        assert!(age.as_secs() < 60, "{age:?}");
        let perennial::backend::Payload::Secret(secret) = fetched.payload() else {
            panic!("{fetched:?}");
        };
        let came: Value = serde_json::from_slice(secret.expose()).unwrap();
        assert_eq!(came, value);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn the_engine_is_found_out_by_asking_and_by_the_form_of_the_answer() {
    bounded(async {
        let vault = Vault::start().await;
        vault.policy("app", POLICY).await;
        vault.write("app/db", json!({"n": 2})).await;
        vault.put("old/app/db", json!({"n": 1})).await;
        let strict =
            format!("{POLICY}\npath \"sys/internal/ui/mounts/*\" {{ capabilities = [\"deny\"] }}");
        vault.policy("strict", &strict).await;
        let made = vault
            .put("auth/token/create", json!({"policies": ["strict"]}))
            .await;
        let silent = made["auth"]["client_token"].as_str().unwrap().to_owned();
        let open = vault.token(json!({})).await;
        let check = async |token: &str, mount: &str, kv: Option<&str>, expected: &str| {
            let mut settings = vec![("token", token), ("mount", mount)];
            settings.extend(kv.map(|kv| ("kv", kv)));
            let backend = vault.backend(&settings);
            for _ in 0..2 {
                let found = match fetch(&backend, &Request::new("app/db")).await {
                    Ok(text) => text,
                    Err(error) => format!("{}: {error}", error.kind()),
                };
                assert_eq!(found, expected, "{mount} {kv:?}");
            }
        };
        for token in [&open, &silent] {
            check(token, "secret", None, r#"{"n":2}"#).await;
            check(token, "old", None, r#"{"n":1}"#).await;
            check(token, "secret", Some("v2"), r#"{"n":2}"#).await;
            check(token, "old", Some("v1"), r#"{"n":1}"#).await;
        }
        let wrong = |mount: &str, engine: &str| {
            format!("invalid_config: the mount `{mount}` is KV {engine}, which `kv` does not say")
        };
        check(vault.root(), "secret", Some("v1"), &wrong("secret", "v2")).await;
        check(vault.root(), "old", Some("v2"), &wrong("old", "v1")).await;
        let inside = "invalid_config: `secret/app` is no mount but lies in one";
        check(vault.root(), "secret/app", None, inside).await;
        let absent = "invalid_config: nothing is mounted that serves `none/data/app/db`";
        check(vault.root(), "none", Some("v2"), absent).await;
        let denied = "permission_denied: the token may not read `none/data/app/db`";
        check(&open, "none", Some("v2"), denied).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_mount_may_be_upgraded_while_it_is_read() {
    bounded(async {
        let vault = Vault::start().await;
        vault.put("old/app/db", json!({"n": 1})).await;
        let backend = vault.backend(&[("token", vault.root()), ("mount", "old")]);
        let request = Request::new("app/db");
        assert_eq!(fetch(&backend, &request).await.unwrap(), r#"{"n":1}"#);
        let options = json!({"options": {"version": "2"}});
        vault.put("sys/mounts/old/tune", options).await;
        let read = async || {
            let read = fetch(&backend, &request).await;
            if let Err(error) = &read {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            }
            read.ok()
        };
        assert_eq!(
            eventually("the upgraded mount is read", read).await,
            r#"{"n":1}"#
        );
        assert_eq!(
            fetch(&backend, &numbered("app/db", 1)).await.unwrap(),
            r#"{"n":1}"#
        );
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn versions_are_written_with_what_is_expected_and_retired_for_good() {
    bounded(async {
        let vault = Vault::start().await;
        let rules = r#"
            path "secret/data/app/*" { capabilities = ["create", "update", "read"] }
            path "secret/metadata/app/*" { capabilities = ["read"] }
            path "secret/destroy/app/*" { capabilities = ["update"] }
        "#;
        vault.policy("app", rules).await;
        let token = vault.token(json!({})).await;
        let backend = vault.backend(&[("token", &token)]);
        let writer = backend.facets().writer().unwrap();
        let cx = context();
        let put = |value: &str| Put::new("app/db", Secret::from(value));
        let first = put(r#"{"n":1.50}"#).with_expected(Expected::Nothing);
        let first = writer.put(&cx, &first).await.unwrap();
        assert_eq!(first.id(), "1");
        assert!(first.created_at().is_some());
        for stale in [Expected::Nothing, Expected::Version(Version::new("7"))] {
            let refused = put("{}").with_expected(stale);
            let error = writer.put(&cx, &refused).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidReference);
            assert!(error.to_string().contains("another version"), "{error}");
        }
        let second = put(r#"{"n":2}"#).with_expected(Expected::Version(first.clone()));
        let second = writer.put(&cx, &second).await.unwrap();
        let third = writer.put(&cx, &put(r#"{"n":3}"#)).await.unwrap();
        let error = writer.put(&cx, &put("no object")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference);
        assert_eq!(
            fetch(&backend, &Request::new("app/db")).await.unwrap(),
            r#"{"n":3}"#
        );

        let error = writer.retire(&cx, "app/db", &third).await.unwrap_err();
        assert!(error.to_string().contains("is in force"), "{error}");
        writer.retire(&cx, "app/db", &first).await.unwrap();
        writer.retire(&cx, "app/db", &first).await.unwrap();
        let listed = writer.versions(&cx, "app/db").await.unwrap();
        let listed: Vec<_> = listed
            .iter()
            .map(|(version, state)| (version.id(), *state))
            .collect();
        let expected = [
            ("3", VersionState::Current),
            ("2", VersionState::Previous),
            ("1", VersionState::Destroyed),
        ];
        assert_eq!(listed, expected);
        writer
            .promote(&cx, &Promote::new("app/db", third))
            .await
            .unwrap();
        let error = writer
            .promote(&cx, &Promote::new("app/db", second))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let unwritable = vault.backend(&[("token", vault.root()), ("mount", "old")]);
        let writer = unwritable.facets().writer().unwrap();
        let error = writer.put(&cx, &put("{}")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    })
    .await;
}
