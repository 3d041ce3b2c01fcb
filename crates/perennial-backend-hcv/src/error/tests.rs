//! The table of errors, row by row, in the words of the server.

use zeroize::Zeroizing;

use super::*;

fn site() -> Site<'static> {
    Site {
        operation: Operation::Fetch,
        resource: Some("app/db"),
        namespace: Some("team"),
        path: Cow::Borrowed("secret/data/app/db"),
        capability: "read",
    }
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        retry_after: None,
        elsewhere: (300..400).contains(&status),
        body: Zeroizing::new(body.as_bytes().to_vec()),
    }
}

fn errors(text: &str) -> String {
    serde_json::to_string(&std::collections::BTreeMap::from([("errors", [text])])).unwrap()
}

#[test]
fn every_answer_has_a_kind_a_message_and_advice() {
    let check = |status, body: &str, kind, message: &str, seconds: Option<u64>| {
        let error = site().failed(&answer(status, body));
        assert_eq!(error.kind(), kind, "{status} {body}");
        assert_eq!(error.to_string(), message, "{status} {body}");
        assert_eq!(
            error.retry_after(),
            seconds.map(Duration::from_secs),
            "{status} {body}"
        );
        assert!(
            error.help().is_some_and(|help| !help.is_empty()) || status == 404,
            "{error:?}"
        );
        assert_eq!(error.operation(), Some(Operation::Fetch));
        assert_eq!(error.cause().and_then(Cause::status), Some(status));
        let context: Vec<_> = error.context().map(|(key, _)| key).collect();
        assert!(context.starts_with(&[ContextKey::Resource, ContextKey::Namespace]));
    };
    use ErrorKind::{
        InvalidConfig, InvalidReference, NotFound, PermissionDenied, RateLimited, Timeout,
        Unauthenticated, Unavailable, Unexpected, Unsupported,
    };
    let denied = "the token may not read `secret/data/app/db`";
    check(
        403,
        &errors("1 error occurred:\n\t* permission denied\n\n"),
        PermissionDenied,
        denied,
        None,
    );
    check(
        404,
        r#"{"errors":[]}"#,
        NotFound,
        "there is nothing at `secret/data/app/db`",
        None,
    );
    let unmounted = "nothing is mounted that serves `secret/data/app/db`";
    let words = "no handler for route \"secret/data/app/db\". route entry not found.";
    check(404, &errors(words), InvalidConfig, unmounted, None);
    check(
        404,
        &errors("namespace not found"),
        InvalidConfig,
        "there is no such namespace",
        None,
    );
    check(
        400,
        &errors("canary"),
        Unexpected,
        "the server took the call for malformed",
        None,
    );
    let unknown = "the server or what stands before it does not know who asks";
    check(401, "", Unauthenticated, unknown, None);
    check(
        405,
        "",
        Unsupported,
        "the server has no such operation there",
        None,
    );
    let operation = "the server has no such operation at `secret/data/app/db`";
    check(
        405,
        &errors("1 error occurred:\n\t* unsupported operation\n\n"),
        Unsupported,
        operation,
        None,
    );
    check(
        408,
        "",
        Timeout,
        "the server or what stands before it took too long",
        None,
    );
    let behind = "the server has not yet heard of what was written elsewhere";
    check(
        412,
        &errors("required index state not present"),
        Unavailable,
        behind,
        Some(1),
    );
    let fewer = "the server asks for fewer calls";
    check(
        429,
        &errors("request path \"canary\": rate limit quota exceeded"),
        RateLimited,
        fewer,
        Some(1),
    );
    let recovery = "the server is a standby for disaster recovery, which answers nothing";
    check(472, "", Unavailable, recovery, Some(30));
    let performance = "the server is a performance standby, which does not answer this";
    check(473, "", Unavailable, performance, Some(5));
    check(
        500,
        &errors("internal error"),
        Unavailable,
        "the server has failed",
        None,
    );
    check(
        502,
        "<html>canary</html>",
        Unavailable,
        "the server has failed",
        None,
    );
    check(
        503,
        &errors("Vault is sealed"),
        Unavailable,
        "the server is sealed",
        Some(5),
    );
    let either = "the server is sealed, in maintenance, or a standby without an active node";
    check(503, "<html>canary</html>", Unavailable, either, Some(2));
    let standby = "the server is a standby, and there is no active node";
    let words = "local node not active but active cluster node not found";
    check(500, &errors(words), Unavailable, standby, Some(2));
    let fresh = "the server is not initialised";
    check(
        503,
        &errors("server is not yet initialized"),
        Unavailable,
        fresh,
        Some(30),
    );
    let elsewhere = "the server sends us elsewhere, where the token is not carried";
    check(307, "", Unavailable, elsewhere, Some(30));
    check(
        418,
        "canary",
        Unexpected,
        "the server gave an answer that nobody knows",
        None,
    );
    let upgrading = "the server upgrades the mount to KV 2";
    let words = "Upgrading from non-versioned to versioned data. This backend will be unavailable \
                 for a brief period and will resume service shortly.";
    check(400, &errors(words), Unavailable, upgrading, Some(2));
    let other = "another version of `secret/data/app/db` is in force than was expected";
    let words = "check-and-set parameter did not match the current version";
    check(400, &errors(words), InvalidReference, other, None);
    let required = "`secret/data/app/db` is only written by those who say what is in force";
    check(
        400,
        &errors("check-and-set parameter required for this call"),
        InvalidReference,
        required,
        None,
    );
}

#[test]
fn the_advice_of_the_server_goes_before_ours() {
    for (status, body) in [
        (429, ""),
        (503, ""),
        (503, r#"{"errors":["Vault is sealed"]}"#),
    ] {
        let mut answer = answer(status, body);
        answer.retry_after = Some(Duration::from_secs(17));
        let error = site().failed(&answer);
        assert_eq!(
            error.retry_after(),
            Some(Duration::from_secs(17)),
            "{status}"
        );
    }
}

#[test]
fn nothing_of_a_body_is_repeated_but_phrases_that_are_known() {
    let check = |body: &str, expected: Option<&str>| {
        for status in [400, 403, 404, 429, 500, 503] {
            let answer = answer(status, body);
            for error in [site().failed(&answer), refused(&site(), &answer, "approle")] {
                let shown = format!("{error} {error:?} {:?} {:?}", error.help(), error.cause());
                assert!(!shown.contains("canary"), "{shown}");
                let said = error.cause().and_then(Cause::message);
                assert_eq!(said, expected, "{status} {body}");
            }
        }
    };
    check(r#"{"errors":["canary"]}"#, None);
    check(
        r#"{"errors":["invalid secret_id \"canary\""]}"#,
        Some("wrong secret id"),
    );
    check(
        r#"{"errors":["permission denied, canary"]}"#,
        Some("permission denied"),
    );
    check(r#"{"errors":"canary"}"#, None);
    check(r#"{"data":"canary"}"#, None);
    check("canary", None);
    check("", None);
}

#[test]
fn a_refused_login_is_about_who_asks_and_an_absent_method_about_settings() {
    let check = |status, body: &str, kind| {
        let error = refused(&site(), &answer(status, body), "approle");
        assert_eq!(error.kind(), kind, "{status} {body}");
    };
    check(
        400,
        &errors("invalid role or secret ID"),
        ErrorKind::Unauthenticated,
    );
    check(401, "", ErrorKind::Unauthenticated);
    check(
        403,
        &errors("permission denied"),
        ErrorKind::Unauthenticated,
    );
    check(
        404,
        &errors("no handler for route"),
        ErrorKind::InvalidConfig,
    );
    check(
        400,
        &errors("namespace not found"),
        ErrorKind::InvalidConfig,
    );
    check(429, "", ErrorKind::RateLimited);
    check(503, &errors("Vault is sealed"), ErrorKind::Unavailable);
    check(500, "", ErrorKind::Unavailable);
}
