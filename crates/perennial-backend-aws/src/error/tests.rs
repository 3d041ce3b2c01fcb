//! The table, row by row, and the words that go with it.

use std::time::Duration;

use super::*;

const SITE: Site<'static> = Site {
    operation: Operation::Fetch,
    resource: Some("db"),
    selector: None,
    action: "secretsmanager:GetSecretValue",
    region: "eu-central-1",
};

#[test]
fn every_refusal_has_a_kind_and_words() {
    let check = |code: &str, text: &str, kind: ErrorKind, message: &str| {
        let facts = Facts {
            status: Some(400),
            ..Facts::said(Some(code), Some(text))
        };
        let error = SITE.error(&facts);
        assert_eq!((error.kind(), error.message()), (kind, message), "{code}");
        assert_eq!(error.cause().unwrap().code(), Some(code));
        assert_eq!(error.operation(), Some(Operation::Fetch));
        assert!(
            error
                .context()
                .any(|pair| pair == (ContextKey::Resource, "db"))
        );
    };
    use ErrorKind as Kind;
    let denied = "`secretsmanager:GetSecretValue` is not allowed on secret `db`";
    check(
        "ResourceNotFoundException",
        "",
        Kind::NotFound,
        "there is no secret `db` in region `eu-central-1`",
    );
    check(
        "ResourceNotFoundException",
        "can't find the specified secret value for staging label: AWSCURRENT",
        Kind::NotFound,
        "secret `db` has no value",
    );
    check(
        "InvalidRequestException",
        "it was marked for deletion",
        Kind::NotFound,
        "secret `db` is marked for deletion",
    );
    check(
        "InvalidRequestException",
        "managed by another service",
        Kind::InvalidReference,
        "Secrets Manager does not take this request for secret `db`",
    );
    check("AccessDeniedException", "", Kind::PermissionDenied, denied);
    check(
        "AccessDeniedException",
        "Access to KMS is not allowed",
        Kind::PermissionDenied,
        "`kms:Decrypt` is not allowed on secret `db`",
    );
    check(
        "AccessDeniedException",
        "not authorized to perform: secretsmanager:BatchGetSecretValue on",
        Kind::PermissionDenied,
        "`secretsmanager:BatchGetSecretValue` is not allowed on secret `db`",
    );
    check(
        "DecryptionFailure",
        "",
        Kind::PermissionDenied,
        "the KMS key of secret `db` does not decrypt or encrypt it",
    );
    let busy = "AWS asks for fewer calls of Secrets Manager";
    check("ThrottlingException", "", Kind::RateLimited, busy);
    let expired = "the credentials for AWS have expired";
    check("ExpiredTokenException", "", Kind::Unauthenticated, expired);
    let unknown = "AWS does not know the credentials";
    check(
        "UnrecognizedClientException",
        "",
        Kind::Unauthenticated,
        unknown,
    );
    check(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
        Kind::Unauthenticated,
        unknown,
    );
    let clock = "AWS refuses the time of the signature";
    for (code, text) in [
        ("InvalidSignatureException", ""),
        ("InvalidSignatureException", "Signature expired: x"),
        ("SignatureDoesNotMatch", "Signature not yet current: x"),
        ("RequestExpired", ""),
        ("RequestTimeTooSkewed", ""),
    ] {
        check(code, text, Kind::Unauthenticated, clock);
    }
    check(
        "AccessDeniedException",
        "not authorized to perform: kms:GenerateDataKey on",
        Kind::PermissionDenied,
        "`kms:GenerateDataKey` is not allowed on secret `db`",
    );
    check(
        "AccessDeniedException",
        "not authorized to perform: secretsmanager:PutSecretValue on a KMS key",
        Kind::PermissionDenied,
        "`kms:Decrypt` is not allowed on secret `db`",
    );
    check(
        "InternalServiceError",
        "",
        Kind::Unavailable,
        "Secrets Manager has failed",
    );
    check(
        "ResourceExistsException",
        "",
        Kind::InvalidReference,
        "secret `db`, or the token of the write, is in use already",
    );
    check(
        "UnknownOperationException",
        "",
        Kind::Unsupported,
        "the endpoint does not know this operation of Secrets Manager",
    );
    check(
        "WhatIsThisException",
        "",
        Kind::Unexpected,
        "what answered is not Secrets Manager, or nobody knows the answer",
    );
}

#[test]
fn an_answer_without_a_code_is_judged_by_its_status() {
    let check = |status, kind| {
        let facts = Facts {
            status: Some(status),
            ..Facts::default()
        };
        assert_eq!(SITE.error(&facts).kind(), kind, "{status}");
    };
    check(200, ErrorKind::Unexpected);
    check(302, ErrorKind::Unexpected);
    check(401, ErrorKind::Unauthenticated);
    check(403, ErrorKind::PermissionDenied);
    check(404, ErrorKind::Unexpected);
    check(408, ErrorKind::Timeout);
    check(429, ErrorKind::RateLimited);
    check(501, ErrorKind::Unsupported);
    check(503, ErrorKind::Unavailable);
}

#[test]
fn a_call_without_an_answer_is_judged_by_how_it_failed() {
    let check = |shape, kind, renews| {
        let facts = Facts {
            shape,
            ..Facts::default()
        };
        assert_eq!(SITE.error(&facts).kind(), kind, "{shape:?}");
        assert_eq!(is_about_credentials(&facts), renews, "{shape:?}");
    };
    check(Shape::Garbled, ErrorKind::Unavailable, false);
    check(Shape::Unreached, ErrorKind::Unavailable, false);
    check(Shape::Untrusted, ErrorKind::Unavailable, false);
    check(Shape::NoTls, ErrorKind::Unavailable, false);
    check(Shape::NoAuthorities, ErrorKind::InvalidConfig, false);
    check(Shape::NoLogin, ErrorKind::InvalidConfig, true);
    check(Shape::LateCredentials, ErrorKind::Timeout, false);
    check(Shape::Late, ErrorKind::Timeout, false);
    check(Shape::NoCredentials, ErrorKind::Unauthenticated, true);
    check(Shape::WrongCredentials, ErrorKind::InvalidConfig, true);
    check(Shape::BrokenCredentials, ErrorKind::Unauthenticated, true);
    check(Shape::NoRole, ErrorKind::Unauthenticated, true);
    check(Shape::Unsent, ErrorKind::InvalidConfig, false);
}

#[test]
fn a_refused_role_is_about_the_whole_vault() {
    let check = |code: &str, kind| {
        let facts = Facts {
            shape: Shape::NoRole,
            ..Facts::said(Some(code), None)
        };
        assert_eq!(SITE.error(&facts).kind(), kind, "{code}");
    };
    check("AccessDenied", ErrorKind::Unauthenticated);
    check("ExpiredTokenException", ErrorKind::Unauthenticated);
    check("Throttling", ErrorKind::RateLimited);
    check("ServiceUnavailable", ErrorKind::Unavailable);
}

#[test]
fn a_version_that_is_not_there_is_named() {
    let check = |selector: Selector, message: &str| {
        let site = Site {
            selector: Some(&selector),
            ..SITE
        };
        let facts = Facts::said(Some("ResourceNotFoundException"), Some("VersionId: x"));
        let error = site.error(&facts);
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::NotFound, message)
        );
    };
    check(Selector::Pending, "secret `db` has no pending version");
    check(Selector::Previous, "secret `db` has no previous version");
    check(
        Selector::Id("v1".into()),
        "secret `db` has no version with the id `v1`",
    );
    check(
        Selector::Stage("BLUE".into()),
        "secret `db` has no version with the label `BLUE`",
    );
    let site = Site {
        selector: Some(&Selector::Previous),
        ..SITE
    };
    let vague = site.error(&Facts::said(Some("ResourceNotFoundException"), None));
    assert_eq!(
        vague.message(),
        "there is no secret `db` in region `eu-central-1`, or it has no previous version"
    );
}

#[test]
fn the_pause_that_aws_asks_for_is_passed_on_where_waiting_helps() {
    let pause = Some(Duration::from_secs(7));
    let check = |code: &str, expected| {
        let facts = Facts {
            retry_after: pause,
            ..Facts::said(Some(code), None)
        };
        assert_eq!(SITE.error(&facts).retry_after(), expected, "{code}");
    };
    check("ThrottlingException", pause);
    check("InternalServiceError", pause);
    check("AccessDeniedException", None);
}

#[test]
fn an_arn_of_another_region_is_told() {
    let site = Site {
        resource: Some("arn:aws:secretsmanager:us-west-2:111122223333:secret:db"),
        ..SITE
    };
    let error = site.error(&Facts::said(Some("ResourceNotFoundException"), None));
    assert_eq!(
        error.help(),
        Some("the ARN names the region `us-west-2`: use a vault with `region` set to that")
    );
    assert!(
        no_region(Some("blue"))
            .help()
            .unwrap()
            .contains("profile `blue`")
    );
}

#[test]
fn codes_are_listed_in_order_and_once() {
    assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn a_missing_operation_is_told_whatever_code_it_comes_with() {
    let facts = Facts {
        status: Some(501),
        ..Facts::said(Some("InternalFailure"), None)
    };
    assert_eq!(SITE.error(&facts).kind(), ErrorKind::Unsupported);
}

#[test]
fn what_may_stand_behind_credentials_is_named_where_they_fail() {
    let facts = Facts {
        shape: Shape::BrokenCredentials,
        ..Facts::default()
    };
    let error = SITE.error(&facts);
    let help = error.help().unwrap();
    for part in [
        "portal",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "container",
        "metadata service",
    ] {
        assert!(help.contains(part), "{help}");
    }
}
