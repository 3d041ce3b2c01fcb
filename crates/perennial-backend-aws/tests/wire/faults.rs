//! What becomes of each fault of the store and of the way to it: kind, words, and recovery.

use std::time::Duration;

use perennial_backend::{Backend, ContextKey, ErrorKind, Request};
use perennial_testkit::http::{Answer, HttpServer};

use crate::scene::{Scene, text};
use crate::store::failure;

/// A scene whose secret `db` holds the value that must not be shown.
fn scene() -> Scene {
    let scene = Scene::start();
    scene.store.put("db", b"canary-value");
    scene
}

const BODY: &str = r#"{"ARN":"arn:x","Name":"db","VersionId":"v","VersionStages":["AWSCURRENT"],"SecretString":"canary-value"}"#;

#[tokio::test]
async fn every_refusal_is_told_by_its_kind_and_nothing_it_says_is_repeated() {
    let check = async |code: &str, kind: ErrorKind| {
        let scene = scene();
        scene.always(failure(code, "canary: this message holds what it must not"));
        let error = scene.fails_and_recovers(kind).await;
        let cause = error.cause().unwrap();
        assert_eq!(cause.code(), Some(code));
        assert!(
            cause
                .request_id()
                .is_some_and(|id| id.starts_with("7c3d0b1e"))
        );
        assert_eq!(cause.message(), None);
        // No second try, the one after the recovery aside.
        assert_eq!(scene.server.requests().len(), 2, "{code}");
    };
    check("ResourceNotFoundException", ErrorKind::NotFound).await;
    check("AccessDeniedException", ErrorKind::PermissionDenied).await;
    check("DecryptionFailure", ErrorKind::PermissionDenied).await;
    check("ThrottlingException", ErrorKind::RateLimited).await;
    check("ExpiredTokenException", ErrorKind::Unauthenticated).await;
    check("UnrecognizedClientException", ErrorKind::Unauthenticated).await;
    check("InvalidSignatureException", ErrorKind::Unauthenticated).await;
    check("InternalServiceError", ErrorKind::Unavailable).await;
    check("InvalidParameterException", ErrorKind::InvalidReference).await;
    check("NobodyKnowsThisException", ErrorKind::Unexpected).await;
}

#[tokio::test]
async fn a_denial_names_the_missing_action() {
    let check = async |message: &str, action: &str| {
        let scene = scene();
        scene.always(failure("AccessDeniedException", message));
        let error = scene.fails_and_recovers(ErrorKind::PermissionDenied).await;
        assert_eq!(
            error.message(),
            format!("`{action}` is not allowed on secret `db`")
        );
        assert!(
            error
                .context()
                .any(|pair| pair == (ContextKey::Capability, action))
        );
    };
    check(
        "User: arn:aws:iam::1:user/canary is not authorized to perform: \
         secretsmanager:GetSecretValue on resource: canary",
        "secretsmanager:GetSecretValue",
    )
    .await;
    check("Access to KMS is not allowed", "kms:Decrypt").await;
    check(
        "User: arn:aws:iam::1:user/canary is not authorized to perform: kms:GenerateDataKey on \
         resource: canary",
        "kms:GenerateDataKey",
    )
    .await;
    check("canary", "secretsmanager:GetSecretValue").await;
}

#[tokio::test]
async fn throttling_tells_how_long_to_wait() {
    let check = async |name: &str, value: &str, expected: Option<Duration>| {
        let scene = scene();
        let answer = failure("ThrottlingException", "Rate exceeded").with_header(name, value);
        scene.always(answer);
        let error = scene.fails_and_recovers(ErrorKind::RateLimited).await;
        assert_eq!(error.retry_after(), expected, "{name}: {value}");
    };
    check("retry-after", "7", Some(Duration::from_secs(7))).await;
    check(
        "x-amz-retry-after",
        "1500",
        Some(Duration::from_millis(1500)),
    )
    .await;
    check("retry-after", "999999", Some(Duration::from_secs(600))).await;
    check("retry-after", "canary", None).await;
}

#[tokio::test]
async fn an_answer_that_is_none_of_secrets_manager_is_judged_by_its_status() {
    let page = "<html><body>canary</body></html>";
    let check = async |status: u16, kind: ErrorKind| {
        let scene = scene();
        let answer = Answer::new(status).with_header("content-type", "text/html");
        scene.always(answer.with_body(page));
        let error = scene.fails_and_recovers(kind).await;
        assert_eq!(error.cause().unwrap().status(), Some(status));
    };
    check(200, ErrorKind::Unexpected).await;
    check(403, ErrorKind::PermissionDenied).await;
    check(404, ErrorKind::Unexpected).await;
    check(429, ErrorKind::RateLimited).await;
    check(500, ErrorKind::Unavailable).await;
    check(502, ErrorKind::Unavailable).await;
    check(503, ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn json_that_is_wrong_or_lacks_the_value_is_never_a_value() {
    let check = async |body: &str, kind: ErrorKind| {
        let scene = scene();
        scene.always(Answer::json(200, body));
        scene.fails_and_recovers(kind).await;
    };
    check(r#"{"SecretString":"canary-value""#, ErrorKind::Unexpected).await;
    check(r#"{"SecretString":{"canary":1}}"#, ErrorKind::Unexpected).await;
    check(r#"{"SecretBinary":"*canary*"}"#, ErrorKind::Unexpected).await;
    check("[]", ErrorKind::Unexpected).await;
    check("{}", ErrorKind::NotFound).await;
    check(r#"{"Name":"db","VersionId":"v"}"#, ErrorKind::NotFound).await;
    check(
        r#"{"Name":"db","VersionStages":["AWSPREVIOUS"],"SecretString":"canary-value"}"#,
        ErrorKind::Unexpected,
    )
    .await;
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    let scene = scene();
    scene.always(Answer::json(200, BODY).slow_headers(Duration::from_millis(300)));
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    scene.always(Answer::json(200, BODY).slow_body(16, Duration::from_millis(30)));
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unavailable() {
    let scene = scene();
    scene.always(Answer::json(200, BODY).cut_after(40));
    scene.fails_and_recovers(ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_can_be_dropped() {
    let scene = scene();
    scene.always(Answer::hang());
    let (cx, began) = (scene.cx(), scene.cx().now());
    for _ in 0..3 {
        let call = tokio::time::timeout(Duration::from_millis(50), scene.read("db"));
        assert!(call.await.is_err());
    }
    assert!(cx.now().since(began) < Duration::from_secs(5));
    scene.mend();
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
}

#[tokio::test]
async fn ten_megabytes_of_something_else_end_in_an_error() {
    let scene = scene();
    scene.always(Answer::json(
        200,
        format!("\"canary{}\"", "x".repeat(10_000_000)),
    ));
    scene.fails_and_recovers(ErrorKind::Unexpected).await;
    let large = "y".repeat(10_000_000);
    scene.always(Answer::json(200, BODY.replace("canary-value", &large)));
    assert_eq!(scene.read("db").await.unwrap().len(), large.len());
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_then_back() {
    let scene = scene();
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    scene.server.down(true);
    scene.fails_and_recovers(ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn what_the_system_says_of_a_server_that_is_gone_is_told() {
    let scene = scene();
    scene.server.down(true);
    let error = scene.fails_and_recovers(ErrorKind::Unavailable).await;
    let cause = error.cause().unwrap();
    assert_eq!(cause.message(), Some("connection refused"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_signature_along() {
    let elsewhere = HttpServer::start(|_| Answer::json(200, BODY));
    for status in [301, 302, 307, 308] {
        let scene = scene();
        scene.always(Answer::new(status).with_header("location", elsewhere.url()));
        scene.fails_and_recovers(ErrorKind::Unexpected).await;
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_call_that_is_dropped_while_the_client_is_made_leaves_nothing_half_done() {
    let scene = scene();
    let cx = scene.cx();
    let request = Request::new("db");
    for _ in 0..20 {
        let mut call = scene.backend.fetch(&cx, &request);
        let once = std::future::poll_fn(|task| {
            let _ = call.as_mut().poll(task);
            std::task::Poll::Ready(())
        });
        once.await;
    }
    let fetched = scene.fetch(&request).await.unwrap();
    assert_eq!(text(&fetched), "canary-value");
}

#[tokio::test]
async fn an_answer_that_stalls_is_given_up() {
    let scene = scene();
    scene.always(Answer::json(200, BODY).slow_body(16, Duration::from_secs(30)));
    let began = scene.cx().now();
    scene.fails_and_recovers(ErrorKind::Unavailable).await;
    assert!(scene.cx().now().since(began) < Duration::from_secs(10));
}
