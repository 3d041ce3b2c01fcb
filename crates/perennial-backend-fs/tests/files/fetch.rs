//! Asking a backend on the spot, and telling what it answered.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use perennial_backend::{Backend, Error, Fetched, Payload, Request};
use perennial_backend_fs::Files;
use perennial_testkit::{SimClock, SimRuntime};

/// Fetches; what blocks is done on the spot.
pub(crate) fn fetch(files: &Files, request: &Request) -> Result<Fetched, Error> {
    let cx = SimRuntime::new(SimClock::new()).context(Duration::from_secs(1));
    let answer = pin!(files.fetch(&cx, request)).poll(&mut Context::from_waker(Waker::noop()));
    match answer {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a fetch waits for nothing but its blocking work"),
    }
}

/// Tells an answer: the value; the members; or kind, message, help and code of the error.
pub(crate) fn told(answer: &Result<Fetched, Error>) -> String {
    match answer {
        Ok(fetched) => match fetched.payload() {
            Payload::Secret(secret) => format!("={}", text(secret.expose())),
            Payload::Members(members) => members
                .iter()
                .map(|(name, member)| match member {
                    Ok(secret) => format!("{name}={}\n", text(secret.expose())),
                    Err(error) => format!("{name}: {}\n", failure(error)),
                })
                .collect(),
            other => panic!("{other:?}"),
        },
        Err(error) => failure(error),
    }
}

/// Reads one resource and compares what is told of the answer.
#[track_caller]
pub(crate) fn check(files: &Files, resource: &str, expected: &str) {
    let answer = fetch(files, &Request::new(resource));
    assert_eq!(told(&answer), expected, "{resource}");
}

fn failure(error: &Error) -> String {
    let code = error
        .cause()
        .and_then(|cause| cause.code())
        .map(|code| format!(" ({code})"));
    format!("{}: {error}{}", error.kind(), code.unwrap_or_default())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
