//! What emulators do not do: throttle, fail, lie, hang, and send what is no answer at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use perennial_backend::ErrorKind;
use perennial_backend_gcp::SecretManager;
use perennial_testkit::http::{Answer, HttpServer, Identity};
use serde_json::json;

use crate::store::failed;
use crate::{anonymous, answering, clean, payload, value};

/// Each answer fails once; the next read, which is answered well, brings the value.
#[tokio::test]
async fn every_failure_has_its_kind_and_the_backend_recovers_from_it() {
    let check = async |bad: Answer, kind: ErrorKind, message: &str| {
        let count = Arc::new(AtomicUsize::new(0));
        let (server, backend) = answering(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0 => bad.clone(),
            _ => Answer::json(200, payload("!")),
        });
        let error = value(&backend, "s").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        clean(&error);
        assert_eq!(server.requests().len(), 1, "nothing is tried twice");
        assert_eq!(value(&backend, "s").await.unwrap(), b"canary!");
    };
    let status = |code, name, message: &str| failed(code, name, message, json!([]));
    let html = |code| {
        Answer::new(code)
            .with_header("content-type", "text/html")
            .with_body("<html>canary</html>")
    };
    check(
        status(404, "NOT_FOUND", "canary"),
        ErrorKind::NotFound,
        "no such",
    )
    .await;
    check(
        status(403, "PERMISSION_DENIED", "x"),
        ErrorKind::PermissionDenied,
        "access is missing",
    )
    .await;
    check(
        status(401, "UNAUTHENTICATED", "x"),
        ErrorKind::Unauthenticated,
        "does not know",
    )
    .await;
    check(
        status(429, "RESOURCE_EXHAUSTED", "x"),
        ErrorKind::RateLimited,
        "quota",
    )
    .await;
    check(
        status(503, "UNAVAILABLE", "x"),
        ErrorKind::Unavailable,
        "cannot answer now",
    )
    .await;
    check(
        status(500, "INTERNAL", "x"),
        ErrorKind::Unavailable,
        "has failed",
    )
    .await;
    check(
        status(504, "DEADLINE_EXCEEDED", "x"),
        ErrorKind::Timeout,
        "too long",
    )
    .await;
    check(
        status(400, "INVALID_ARGUMENT", "x"),
        ErrorKind::InvalidReference,
        "this name",
    )
    .await;
    check(
        status(400, "FAILED_PRECONDITION", "KMS key"),
        ErrorKind::PermissionDenied,
        "forbids",
    )
    .await;
    let key = "CryptoKeyVersion [k] is not enabled, current state is: DESTROYED.";
    check(
        status(400, "FAILED_PRECONDITION", key),
        ErrorKind::PermissionDenied,
        "forbids",
    )
    .await;
    check(
        status(
            400,
            "FAILED_PRECONDITION",
            "Secret Version [x] is in DESTROYED state.",
        ),
        ErrorKind::NotFound,
        "is destroyed",
    )
    .await;
    check(
        status(
            400,
            "FAILED_PRECONDITION",
            "Secret Version [x] is in DISABLED state.",
        ),
        ErrorKind::PermissionDenied,
        "is disabled",
    )
    .await;
    check(html(502), ErrorKind::Unavailable, "has failed").await;
    check(html(429), ErrorKind::RateLimited, "fewer").await;
    check(html(404), ErrorKind::Unexpected, "no such API").await;
    check(html(403), ErrorKind::PermissionDenied, "before the service").await;
    check(html(200), ErrorKind::Unexpected, "form").await;
    check(
        Answer::json(200, r#"{"payload":{"data":"canary=="#),
        ErrorKind::Unexpected,
        "form",
    )
    .await;
    check(
        Answer::json(200, r#"{"payload":{"data":"*canary*"}}"#),
        ErrorKind::Unexpected,
        "form",
    )
    .await;
    check(Answer::json(200, "[]"), ErrorKind::Unexpected, "form").await;
    check(
        Answer::json(200, "{}"),
        ErrorKind::Unexpected,
        "names no version",
    )
    .await;
    check(
        Answer::json(200, r#"{"name":"projects/1/secrets/s/versions/3"}"#),
        ErrorKind::Unexpected,
        "no payload",
    )
    .await;
    check(
        Answer::json(200, payload("").replace("}}", r#","dataCrc32c":"1"}}"#)),
        ErrorKind::Unavailable,
        "checksum",
    )
    .await;
    check(
        Answer::json(200, payload("")).cut_after(20),
        ErrorKind::Unavailable,
        "",
    )
    .await;
}

#[tokio::test]
async fn the_missing_permission_and_a_disabled_api_are_named() {
    let check = async |reason: &str, permission: &str, text: &str| {
        let details = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "iam.googleapis.com",
            "metadata": { "permission": permission },
        }]);
        let (_server, backend) =
            answering(move |_| failed(403, "PERMISSION_DENIED", "no", details.clone()));
        let error = value(&backend, "s").await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.cause().unwrap().code(), Some(reason));
        assert_eq!(error.cause().unwrap().status(), Some(403));
    };
    check(
        "IAM_PERMISSION_DENIED",
        "some.permission",
        "some.permission",
    )
    .await;
    check("IAM_PERMISSION_DENIED", "", "secretmanager.versions.access").await;
    check("SERVICE_DISABLED", "", "is not enabled").await;
    check(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "",
        "scope `cloud-platform`",
    )
    .await;
    check("BILLING_DISABLED", "", "billing").await;
    check("CONSUMER_INVALID", "", "does not exist").await;
    check("SECURITY_POLICY_VIOLATED", "", "perimeter").await;
    check("SOMETHING_NEW", "some.permission", "is not permitted to").await;
}

#[tokio::test]
async fn the_advice_when_to_come_back_is_read_wherever_it_stands() {
    let check = async |answer: Answer, expected: Option<u64>| {
        let (_server, backend) = answering(move |_| answer.clone());
        let error = value(&backend, "s").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), expected.map(Duration::from_secs));
    };
    let busy = |details| failed(429, "RESOURCE_EXHAUSTED", "slow down", details);
    let info = json!([{
        "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s",
    }]);
    check(busy(info.clone()), Some(17)).await;
    check(busy(info).with_header("retry-after", "5"), Some(17)).await;
    check(busy(json!([])).with_header("retry-after", "5"), Some(5)).await;
    check(busy(json!([])).with_header("retry-after", "soon"), None).await;
    check(Answer::new(429).with_header("retry-after", "9"), Some(9)).await;
    check(busy(json!([])), None).await;
}

#[tokio::test]
async fn a_large_value_comes_whole_and_slowly_too() {
    let text = "x".repeat(10 << 20);
    let big = payload(&text);
    let (_server, backend) = answering(move |_| {
        Answer::json(200, big.clone()).slow_body(1 << 20, Duration::from_millis(1))
    });
    let came = value(&backend, "s").await.unwrap();
    assert_eq!(came.len(), 6 + (10 << 20));
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_as_long_as_the_caller_waits() {
    let (_server, backend) =
        answering(|_| Answer::json(200, payload("")).slow_headers(Duration::from_millis(50)));
    assert_eq!(value(&backend, "s").await.unwrap(), b"canary");
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect_to_another_host() {
    let elsewhere = HttpServer::start(|_| Answer::json(200, payload("")));
    let target = elsewhere.url().replace("127.0.0.1", "localhost");
    let server = HttpServer::start(move |request| match request.path() {
        path if path.starts_with("/computeMetadata/") => Answer::json(
            200,
            r#"{"access_token":"canary-token","expires_in":3600,"token_type":"Bearer"}"#,
        ),
        path => Answer::new(307).with_header("location", format!("{target}{path}")),
    });
    let host = server.url().trim_start_matches("http://").to_owned();
    let config = anonymous(&server)
        .with_auth_method(perennial_backend_gcp::AuthMethod::Metadata)
        .with_metadata_host(host)
        .without_schedule();
    let backend = SecretManager::new(config).unwrap();
    let _ = value(&backend, "s").await;
    let asked = server.requests();
    let read = asked
        .iter()
        .find(|read| read.path().starts_with("/v1/"))
        .unwrap();
    assert_eq!(read.header("authorization"), Some("Bearer canary-token"));
    let followed = elsewhere.requests();
    assert!(!followed.is_empty());
    for read in followed {
        assert_eq!(read.header("authorization"), None);
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent() {
    let server = HttpServer::start_tls(&Identity::new("nobody"), |_| Answer::new(200));
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let error = value(&backend, "s").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(server.requests().is_empty());
}
