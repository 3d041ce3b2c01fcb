//! Every login, by the settings that the documents show, and what each says when it is refused.

use std::path::Path;
use std::sync::Arc;

use perennial::backend::{Backend, Error, ErrorKind, Request};
use perennial_testkit::http::Identity;
use serde_json::json;

use super::vault::{POLICY, Vault, bounded, fetch};

/// A Vault with a secret and the policy that lets it be read.
pub(super) async fn furnished() -> Vault {
    furnish(Vault::start().await).await
}

pub(super) async fn furnish(vault: Vault) -> Vault {
    vault.policy("app", POLICY).await;
    vault.write("app/db", json!({"password": "pa55"})).await;
    vault
}

pub(super) async fn read(backend: &Arc<dyn Backend>) -> Result<String, Error> {
    fetch(backend, &Request::new("app/db")).await
}

pub(super) async fn reads(backend: &Arc<dyn Backend>) {
    assert_eq!(read(backend).await.unwrap(), r#"{"password":"pa55"}"#);
}

#[track_caller]
pub(super) fn refused(outcome: Result<String, Error>, cause: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    let said = error
        .cause()
        .and_then(|cause| cause.message())
        .unwrap_or("-");
    assert_eq!(said, cause, "{error:?}");
    assert!(
        !format!("{error:?} {error}").contains("canary"),
        "{error:?}"
    );
}

pub(super) fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_token_is_given_or_read_from_a_file_or_from_the_helper_of_the_vendor() {
    bounded(async {
        let vault = furnished().await;
        let token = vault.token(json!({})).await;
        reads(&vault.backend(&[("auth_method", "token"), ("token", &token)])).await;

        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), "token", &format!("{token}\n"));
        let from_file = vault.backend(&[("token_file", &file)]);
        reads(&from_file).await;
        let home = folder.path().display().to_string();
        reads(&vault.backend(&[("token_file", "~/token"), ("home", &home)])).await;
        written(folder.path(), ".vault-token", &token);
        reads(&vault.backend(&[("home", &home)])).await;

        // Another token in the file is found once the one before is refused.
        let next = vault.token(json!({})).await;
        written(folder.path(), "token", &next);
        vault
            .put("auth/token/revoke", json!({"token": token}))
            .await;
        reads(&from_file).await;

        let invalid = vault.backend(&[("token", "hvs.canary")]);
        let error = read(&invalid).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
        assert_eq!(error.to_string(), "the token was refused");
        let absent = vault.backend(&[("token_file", "/nonexistent/canary")]);
        let error = read(&absent).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the file of setting `token_file` does not exist"
        );
    })
    .await;
}

async fn approle(vault: &Vault) -> String {
    vault
        .put("sys/auth/approle", json!({"type": "approle"}))
        .await;
    let role = json!({"token_policies": ["app"], "token_ttl": "1h"});
    vault.put("auth/approle/role/app", role).await;
    let made = vault
        .ask("GET", "auth/approle/role/app/role-id", None)
        .await;
    made.unwrap()["data"]["role_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn approle_takes_a_secret_id_that_is_given_in_a_file_or_wrapped() {
    bounded(async {
        let vault = furnished().await;
        let role = approle(&vault).await;
        let made = vault
            .put("auth/approle/role/app/secret-id", json!({}))
            .await;
        let secret = made["data"]["secret_id"].as_str().unwrap();
        let base = [
            ("auth_method", "approle"),
            ("approle_role_id", role.as_str()),
        ];
        let with = |more: &[(&str, &str)]| vault.backend(&[&base[..], more].concat());
        reads(&with(&[("approle_secret_id", secret)])).await;
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), "secret-id", secret);
        reads(&with(&[("approle_secret_id_file", &file)])).await;

        let wrapping = vault.wrapped("auth/approle/role/app/secret-id").await;
        let wrapped = [
            ("approle_secret_id", wrapping.as_str()),
            ("approle_response_wrapping", "true"),
        ];
        let backend = with(&wrapped);
        reads(&backend).await;
        // The secret id outlives the token that it brought.
        revoke_all(&vault).await;
        reads(&backend).await;
        // Somebody else comes too late.
        let late = with(&wrapped);
        let error = read(&late).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the wrapped secret id cannot be unwrapped"
        );
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);

        let wrong = with(&[("approle_secret_id", "canary")]);
        refused(read(&wrong).await, "wrong role id or secret id");
        refused(read(&with(&[])).await, "no secret id came");
        let open = json!({
            "token_policies": ["app"],
            "bind_secret_id": false,
            "token_bound_cidrs": ["127.0.0.0/8"],
            "secret_id_bound_cidrs": ["127.0.0.0/8"],
        });
        vault.put("auth/approle/role/open", open).await;
        let path = "auth/approle/role/open/role-id";
        let made = vault.ask("GET", path, None).await.unwrap();
        let role = made["data"]["role_id"].as_str().unwrap();
        let alone = [("auth_method", "approle"), ("approle_role_id", role)];
        reads(&vault.backend(&alone)).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn a_call_to_which_nobody_adds_a_token_is_denied_and_the_help_says_who_might_have() {
    bounded(async {
        let vault = furnished().await;
        let nobody = vault.backend(&[("auth_method", "none")]);
        let error = read(&nobody).await.unwrap_err();
        // The server says no more than that of a policy.
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
        assert!(error.help().unwrap().contains("agent"), "{error:?}");
    })
    .await;
}

/// Revokes every token that a login has granted.
async fn revoke_all(vault: &Vault) {
    let path = "sys/leases/revoke-prefix/auth/approle/login";
    vault.ask("PUT", path, None).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn userpass_takes_a_password_that_is_given_or_in_a_file() {
    bounded(async {
        let vault = furnished().await;
        vault
            .put("sys/auth/people", json!({"type": "userpass"}))
            .await;
        let user = json!({"password": "canary pass", "token_policies": ["app"]});
        vault.put("auth/people/users/alice", user).await;
        let base = [
            ("auth_method", "userpass"),
            ("userpass_auth_path", "/people/"),
            ("userpass_username", "alice"),
        ];
        let with = |more: &[(&str, &str)]| vault.backend(&[&base[..], more].concat());
        reads(&with(&[("userpass_password", "canary pass")])).await;
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), "password", "canary pass\n");
        reads(&with(&[("userpass_password_file", &file)])).await;
        let wrong = with(&[("userpass_password", "canary")]);
        refused(read(&wrong).await, "wrong name or password");
        let mut elsewhere = base.to_vec();
        elsewhere[1] = ("userpass_auth_path", "nowhere");
        elsewhere.push(("userpass_password", "canary"));
        let error = read(&vault.backend(&elsewhere)).await.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::InvalidConfig | ErrorKind::Unauthenticated
            ),
            "{error:?}"
        );
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn cert_logs_in_with_the_certificate_of_the_client_over_a_connection_that_is_verified() {
    bounded(async {
        let identity = Identity::new("ca of the test");
        let server = identity.server();
        let started = Vault::start_tls(&server.certificate_pem, &server.key_pem, identity.ca_pem());
        let vault = furnish(started.await).await;
        vault.put("sys/auth/cert", json!({"type": "cert"})).await;
        let role = json!({
            "certificate": identity.ca_pem(),
            "allowed_common_names": ["app"],
            "token_policies": ["app"],
        });
        vault.put("auth/cert/certs/app", role).await;
        let client = identity.issue("app", &["app"]);
        let folder = tempfile::tempdir().unwrap();
        let ca = written(folder.path(), "ca.pem", identity.ca_pem());
        let cert = written(folder.path(), "app.pem", &client.certificate_pem);
        let key = written(folder.path(), "app-key.pem", &client.key_pem);
        reads(&vault.backend(&[
            ("auth_method", "cert"),
            ("ca_file", &ca),
            ("client_cert_file", &cert),
            ("client_key_file", &key),
            ("cert_auth_role_name", "app"),
        ]))
        .await;
        let text = [
            ("auth_method", "cert"),
            ("ca_text", identity.ca_pem()),
            ("cert_auth_cert", &client.certificate_pem),
            ("cert_auth_cert_key", &client.key_pem),
        ];
        reads(&vault.backend(&text)).await;
        let other = identity.issue("other", &["other"]);
        let mut wrong = text;
        wrong[2].1 = &other.certificate_pem;
        wrong[3].1 = &other.key_pem;
        refused(
            read(&vault.backend(&wrong)).await,
            "the certificate fits no role",
        );
        // Whom to trust, and by which name.
        let stranger = Identity::new("another ca");
        let mut untrusting = text;
        untrusting[1].1 = stranger.ca_pem();
        let error = read(&vault.backend(&untrusting)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the certificate of the server is not trusted"
        );
        assert_eq!(
            error.cause().and_then(|cause| cause.code()),
            Some("UnknownIssuer")
        );
        let named = |name| {
            let mut named = text.to_vec();
            named.push(("server_name", name));
            vault.backend(&named)
        };
        reads(&named("localhost")).await;
        let error = read(&named("vault.example.com")).await.unwrap_err();
        assert_eq!(
            error.cause().and_then(|cause| cause.code()),
            Some("NotValidForName")
        );
        let mut off = untrusting.to_vec();
        off.push(("ssl_verify", "off"));
        reads(&vault.backend(&off)).await;
    })
    .await;
}
