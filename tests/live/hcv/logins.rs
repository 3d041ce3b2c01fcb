//! Every login, by the settings that the documents show, and what each says when it is refused.

use std::path::Path;
use std::sync::Arc;

use perennial::backend::{Backend, Error, ErrorKind, Request};
use perennial_testkit::http::{Answer, HttpServer, Identity};
use serde_json::json;

use super::jwt::Signer;
use super::vault::{POLICY, Vault, bounded, context, fetch};
use crate::server::Server;

/// A Vault with a secret and the policy that lets it be read.
async fn furnished() -> Vault {
    furnish(Vault::start().await).await
}

async fn furnish(vault: Vault) -> Vault {
    vault.policy("app", POLICY).await;
    vault.write("app/db", json!({"password": "pa55"})).await;
    vault
}

async fn read(backend: &Arc<dyn Backend>) -> Result<String, Error> {
    fetch(backend, &Request::new("app/db")).await
}

async fn reads(backend: &Arc<dyn Backend>) {
    assert_eq!(read(backend).await.unwrap(), r#"{"password":"pa55"}"#);
}

#[track_caller]
fn refused(outcome: Result<String, Error>, cause: &str) {
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

fn written(folder: &Path, name: &str, text: &str) -> String {
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
async fn jwt_takes_the_token_in_the_file_anew_for_each_login() {
    bounded(async {
        let vault = furnished().await;
        let signer = Signer::new();
        vault.put("sys/auth/jwt", json!({"type": "jwt"})).await;
        let config = json!({"jwt_validation_pubkeys": [signer.public_pem()]});
        vault.put("auth/jwt/config", config).await;
        let role = json!({
            "role_type": "jwt",
            "bound_audiences": ["vault"],
            "user_claim": "sub",
            "token_policies": ["app"],
        });
        vault.put("auth/jwt/role/app", role).await;
        let now = context().unix_time().as_secs();
        let claims = |exp: u64| json!({"sub": "app", "aud": "vault", "iat": now, "exp": exp});
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), "jwt", &signer.sign(&claims(now + 600)));
        let settings = [
            ("auth_method", "jwt"),
            ("jwt_role", "app"),
            ("jwt_file", file.as_str()),
        ];
        let backend = vault.backend(&settings);
        reads(&backend).await;
        written(folder.path(), "jwt", &signer.sign(&claims(now - 3600)));
        refused(read(&vault.backend(&settings)).await, "the JWT has expired");
        written(
            folder.path(),
            "jwt",
            &Signer::new().sign(&claims(now + 600)),
        );
        let unknown = "the JWT is signed by nobody who is known";
        refused(read(&vault.backend(&settings)).await, unknown);
        written(folder.path(), "jwt", &signer.sign(&claims(now + 600)));
        let mut other = settings;
        other[1] = ("jwt_role", "other");
        refused(read(&vault.backend(&other)).await, "no such role");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Vault: cargo xtask live hcv"]
async fn kubernetes_takes_the_token_of_the_service_account() {
    bounded(async {
        let vault = furnished().await;
        let signer = Signer::new();
        // A stand-in for the API server: it is asked whose token that is.
        let api = HttpServer::start(|request| {
            assert_eq!(
                request.path(),
                "/apis/authentication.k8s.io/v1/tokenreviews"
            );
            let user = json!({
                "username": "system:serviceaccount:shop:web",
                "uid": "1-2-3",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:shop"],
            });
            let review = json!({
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenReview",
                "status": {
                    "authenticated": true,
                    "user": user,
                    "audiences": ["https://kubernetes.default.svc"],
                },
            });
            Answer::json(201, review.to_string())
        });
        vault
            .put("sys/auth/kubernetes", json!({"type": "kubernetes"}))
            .await;
        let config = json!({
            "kubernetes_host": api.url(),
            "disable_local_ca_jwt": true,
            "token_reviewer_jwt": signer.sign(&json!({"sub": "reviewer"})),
        });
        vault.put("auth/kubernetes/config", config).await;
        let role = |account: &str| {
            json!({
                "bound_service_account_names": [account],
                "bound_service_account_namespaces": ["shop"],
                "token_policies": ["app"],
                "audience": "",
            })
        };
        vault.put("auth/kubernetes/role/web", role("web")).await;
        vault.put("auth/kubernetes/role/batch", role("batch")).await;
        let now = context().unix_time().as_secs();
        let account = json!({"name": "web", "uid": "1-2-3"});
        let claims = json!({
            "iss": "https://kubernetes.default.svc",
            "sub": "system:serviceaccount:shop:web",
            "aud": ["https://kubernetes.default.svc"],
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "kubernetes.io": {"namespace": "shop", "serviceaccount": account},
        });
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), "token", &signer.sign(&claims));
        let settings = |role| {
            [
                ("auth_method", "kubernetes"),
                ("kube_role", role),
                ("kube_api_token_file", file.as_str()),
            ]
        };
        reads(&vault.backend(&settings("web"))).await;
        let unbound = "the service account is not bound to the role";
        refused(read(&vault.backend(&settings("batch"))).await, unbound);
        refused(
            read(&vault.backend(&settings("other"))).await,
            "no such role",
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

#[tokio::test]
#[ignore = "needs Vault and moto: cargo xtask live hcv"]
async fn aws_iam_lets_the_server_ask_aws_who_has_signed() {
    bounded(async {
        let vault = furnished().await;
        let moto = Server::start("PERENNIAL_LIVE_MOTO", |port, _| {
            let port = port.to_string();
            ["-H", "127.0.0.1", "-p", &port].map(str::to_owned).to_vec()
        });
        vault.put("sys/auth/aws", json!({"type": "aws"})).await;
        let client = json!({
            "sts_endpoint": moto.url(),
            "sts_region": "eu-central-1",
            "iam_endpoint": moto.url(),
            "iam_server_id_header_value": "vault.example.com",
            "access_key": "AKIASERVER",
            "secret_key": "server",
        });
        vault.put("auth/aws/config/client", client).await;
        let role = |name: &str| {
            json!({
                "auth_type": "iam",
                "bound_iam_principal_arn": format!("arn:aws:iam::123456789012:user/{name}"),
                "resolve_aws_unique_ids": false,
                "token_policies": ["app"],
            })
        };
        vault.put("auth/aws/role/app", role("moto")).await;
        vault.put("auth/aws/role/other", role("other")).await;
        let settings = |role, id| {
            [
                ("auth_method", "aws_iam"),
                ("aws_auth_role", role),
                ("aws_auth_region", "eu-central-1"),
                ("aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"),
                ("aws_secret_access_key", "canary-key"),
                ("aws_iam_server_id", id),
            ]
        };
        reads(&vault.backend(&settings("app", "vault.example.com"))).await;
        let other = vault.backend(&settings("other", "vault.example.com"));
        refused(
            read(&other).await,
            "the AWS identity is not bound to the role",
        );
        let elsewhere = vault.backend(&settings("app", "another.example.com"));
        let error = read(&elsewhere).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    })
    .await;
}
