//! Logins by what a workload is: a JWT, a service account of Kubernetes, an identity of AWS.

use perennial::backend::ErrorKind;
use perennial_testkit::http::{Answer, HttpServer};
use serde_json::json;

use super::jwt::Signer;
use super::logins::{furnished, read, reads, refused, written};
use super::vault::{bounded, context};
use crate::server::Server;

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
