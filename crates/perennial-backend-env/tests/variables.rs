//! From the name of a secret to the value of a variable: names, options, versions, and messages.

#![cfg(test)]

use std::ffi::OsString;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use perennial_backend::{
    Backend, ContextKey, Error, ErrorKind, Fetched, Operation, Payload, Request, Selector,
};
use perennial_backend_env::{Config, Environment, backend_type};
use perennial_testkit::{SimClock, SimRuntime};
use proptest::prelude::*;

const VARIABLES: &[(&str, &str)] = &[
    ("DB_PASSWORD", "pa55"),
    ("DB_PASSWORD_PREVIOUS", "0ld"),
    ("EMPTY", ""),
    ("SECRETS_DB", "prefixed"),
    ("DB", "plain"),
    ("db_user", "canary-lower"),
    ("api-token", "canary-dash"),
    ("secrets_low", "canary-low"),
    ("STRAßE", "ascii only"),
    ("A.B/C", "odd name"),
];

fn environment(prefix: &str) -> Environment {
    let find = |name: &str| {
        let found = VARIABLES.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let config = Config::default().with_prefix(prefix);
    Environment::new(config).unwrap().with_source(find)
}

fn fetch(backend: &dyn Backend, request: &Request) -> Result<Fetched, Error> {
    let cx = SimRuntime::new(SimClock::new()).context(Duration::from_secs(1));
    let answer = pin!(backend.fetch(&cx, request)).poll(&mut Task::from_waker(Waker::noop()));
    match answer {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}

fn bytes(fetched: &Fetched) -> Vec<u8> {
    assert!(fetched.version().is_none());
    match fetched.payload() {
        Payload::Secret(secret) => secret.expose().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// Reads one secret: its value, or kind, message and help of the error.
#[track_caller]
fn check(prefix: &str, request: Request, expected: Result<&str, &str>) {
    let answer = fetch(&environment(prefix), &request);
    let found = answer
        .map(|fetched| String::from_utf8(bytes(&fetched)).unwrap())
        .map_err(|error| {
            let shown = format!("{error:?}{error}{:?}", error.help());
            assert!(!shown.contains("canary"), "{shown}");
            format!(
                "{}: {error} | {}",
                error.kind(),
                error.help().unwrap_or("-")
            )
        });
    assert_eq!(
        found.as_deref().map_err(String::as_str),
        expected,
        "{request:?}"
    );
}

fn optional(resource: &str, prefix: &str) -> Request {
    let options: [(Box<str>, Box<str>); 1] = [("prefix".into(), prefix.into())];
    Request::new(resource).with_options(options)
}

#[test]
fn names_are_prefixed_upper_cased_and_have_no_dashes() {
    check("", Request::new("db-password"), Ok("pa55"));
    check("", Request::new("DB_PASSWORD"), Ok("pa55"));
    check("", Request::new("Db_Password"), Ok("pa55"));
    check("secrets-", Request::new("db"), Ok("prefixed"));
    check("Secrets_", Request::new("db"), Ok("prefixed"));
    check("", Request::new("empty"), Ok(""));
    check("", Request::new("straße"), Ok("ascii only"));
    check("", Request::new("a.b/c"), Ok("odd name"));
}

#[test]
fn a_reference_may_choose_another_prefix_or_none() {
    check("", optional("db", "secrets-"), Ok("prefixed"));
    check("secrets-", optional("db", ""), Ok("plain"));
    check(
        "",
        optional("db", "1="),
        Err(
            "invalid_reference: option `prefix` takes letters, digits, `_` and `-`, and no digit at \
             its beginning, not `1=` | for example `?prefix=SECRETS_`",
        ),
    );
}

#[test]
fn the_previous_value_has_a_variable_of_its_own() {
    let request = Request::new("db-password").with_selector(Selector::Previous);
    check("", request, Ok("0ld"));
    check(
        "",
        Request::new("empty").with_selector(Selector::Previous),
        Err(
            "not_found: environment variable `EMPTY_PREVIOUS` is not set | set `EMPTY_PREVIOUS` in \
             the environment of this process",
        ),
    );
    check(
        "",
        Request::new("db-password").with_selector(Selector::Number(3)),
        Err(
            "unsupported: no version can be chosen by number 3 here | this backend knows `#1` and \
             `#2`",
        ),
    );
}

#[test]
fn a_variable_that_is_not_set_is_not_found_and_the_help_says_why() {
    check(
        "",
        Request::new("db-absent"),
        Err(
            "not_found: environment variable `DB_ABSENT` is not set | set `DB_ABSENT` in the \
             environment of this process",
        ),
    );
    check(
        "secrets-",
        Request::new("absent"),
        Err(
            "not_found: environment variable `SECRETS_ABSENT` is not set | set `SECRETS_ABSENT` in \
             the environment of this process; the prefix `secrets-` was put before the name",
        ),
    );
    check(
        "",
        Request::new("db_user"),
        Err(
            "not_found: environment variable `DB_USER` is not set | `db_user` is set, but names are \
             upper-cased before they are looked up: rename it to `DB_USER`",
        ),
    );
    check(
        "",
        Request::new("db-user"),
        Err(
            "not_found: environment variable `DB_USER` is not set | `db_user` is set, but names are \
             upper-cased before they are looked up: rename it to `DB_USER`",
        ),
    );
    check(
        "",
        Request::new("api-token"),
        Err(
            "not_found: environment variable `API_TOKEN` is not set | `api-token` is set, but names \
             are upper-cased before they are looked up: rename it to `API_TOKEN`",
        ),
    );
    check(
        "secrets_",
        Request::new("low"),
        Err(
            "not_found: environment variable `SECRETS_LOW` is not set | `secrets_low` is set, but \
             names are upper-cased before they are looked up: rename it to `SECRETS_LOW`",
        ),
    );
}

#[test]
fn a_name_that_no_environment_can_hold_is_refused() {
    check(
        "",
        Request::new("a=b"),
        Err(
            "invalid_reference: no environment variable can be named `A=B` | a name holds neither \
             `=` nor a NUL byte",
        ),
    );
    check(
        "",
        Request::new("a\0b"),
        Err(
            "invalid_reference: no environment variable can be named `A\\0B` | a name holds neither \
             `=` nor a NUL byte",
        ),
    );
}

#[test]
fn an_error_names_resource_and_variable() {
    let error = fetch(&environment("x"), &Request::new("no-such")).unwrap_err();
    assert_eq!(error.operation(), Some(Operation::Fetch));
    let context: Vec<_> = error.context().collect();
    assert_eq!(
        context,
        [
            (ContextKey::Resource, "no-such"),
            (ContextKey::Variable, "XNO_SUCH")
        ]
    );
}

#[test]
fn a_prefix_that_is_none_makes_no_backend() {
    let error = Environment::new(Config::default().with_prefix("1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_come_through() {
    let raw = vec![0xff, b'a', 0xfe];
    let value = raw.clone();
    let odd = Environment::new(Config::default())
        .unwrap()
        .with_source(move |_: &str| Some(std::os::unix::ffi::OsStringExt::from_vec(value.clone())));
    assert_eq!(bytes(&fetch(&odd, &Request::new("any")).unwrap()), raw);
}

#[test]
fn each_fetch_reads_the_variable_anew() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reads);
    let counting = Environment::new(Config::default())
        .unwrap()
        .with_source(move |_: &str| {
            Some(counter.fetch_add(1, Ordering::SeqCst).to_string().into())
        });
    for expected in ["0", "1", "2"] {
        let fetched = fetch(&counting, &Request::new("any")).unwrap();
        assert_eq!(bytes(&fetched), expected.as_bytes());
    }
}

#[test]
fn the_table_s_row_reads_the_environment_of_this_process() {
    let row = backend_type();
    assert_eq!(row.name(), "env");
    let backend = row.build(&Default::default()).unwrap();
    // Cargo sets this one for every test.
    let fetched = fetch(&*backend, &Request::new("cargo-pkg-name")).unwrap();
    assert_eq!(bytes(&fetched), env!("CARGO_PKG_NAME").as_bytes());
    let error = fetch(&*backend, &Request::new("perennial-no-such-variable")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        format!("{backend:?}"),
        "Environment { config: Config { prefix: \"\" }, .. }"
    );
}

proptest! {
    #[test]
    fn no_name_panics_or_reads_another_variable(name in ".{0,40}", prefix in "[a-z_-]{0,6}") {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let spy = Environment::new(Config::default().with_prefix(prefix.as_str()))
            .unwrap()
            .with_source(move |name: &str| {
                log.lock().unwrap().push(name.to_owned());
                None
            });
        let error = fetch(&spy, &Request::new(name.as_str())).unwrap_err();
        let refused = [ErrorKind::NotFound, ErrorKind::InvalidReference];
        prop_assert!(refused.contains(&error.kind()));
        for variable in asked.lock().unwrap().iter() {
            prop_assert!(!variable.contains(['=', '\0']));
            let folded = variable.replace('-', "_").to_ascii_uppercase();
            let wanted = format!("{prefix}{name}").replace('-', "_").to_ascii_uppercase();
            prop_assert_eq!(folded, wanted);
        }
    }

    #[test]
    fn the_environment_of_the_process_takes_every_name(name in any::<String>()) {
        let process = Environment::new(Config::default()).unwrap();
        // A value or a failure: nothing panics.
        let _ = fetch(&process, &Request::new(name));
    }
}
