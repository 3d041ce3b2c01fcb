//! A small STS, which gives every role that it is asked for.

use perennial_testkit::http::{Answer, Received};

/// Returns whether a request is one for STS rather than for Secrets Manager.
pub(crate) fn is_asked(request: &Received) -> bool {
    request.header("x-amz-target").is_none()
}

/// Returns a parameter of a request, as it was sent.
pub(crate) fn parameter(request: &Received, name: &str) -> Option<String> {
    let text = request.text();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value);
    value.map(|value| value.replace("%3A", ":").replace("%2F", "/"))
}

/// Gives a role: the id of its key is the name of the role.
pub(crate) fn answer(request: &Received) -> Answer {
    let action = parameter(request, "Action").unwrap_or_default();
    let role = parameter(request, "RoleArn").unwrap_or_default();
    let name = role.rsplit('/').next().unwrap_or_default().to_uppercase();
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><Arn>{role}</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIA{name}</AccessKeyId>\
         <SecretAccessKey>canary-secret-of-{name}</SecretAccessKey>\
         <SessionToken>canary-token-of-{name}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
         </{action}Result></{action}Response>"
    );
    Answer::new(200)
        .with_header("content-type", "text/xml")
        .with_body(body)
}

/// Refuses, as STS does.
pub(crate) fn refuse(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    Answer::new(status)
        .with_header("content-type", "text/xml")
        .with_body(body)
}
