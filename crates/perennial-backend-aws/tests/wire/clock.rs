//! A clock that is wrong, and credentials that take long by it.

use std::time::Duration;

use perennial_backend::{Backend, Context, Error, ErrorKind, Request, Secret, UnixTime};
use perennial_testkit::http::Received;
use perennial_testkit::{SimClock, SimRuntime};

use crate::scene::{Scene, shows_nothing, text};
use crate::store::failure;
use crate::sts;

/// A scene whose AWS lives at ten past midnight and takes no signature of another time.
fn scene(
    configure: impl FnOnce(perennial_backend_aws::Config) -> perennial_backend_aws::Config,
) -> Scene {
    let scene = Scene::with(|config| {
        configure(config.with_access_key("AKIAEXAMPLE", Secret::from("canary-key")))
            .with_read_schedule(false)
    });
    scene.store.put("db", b"one");
    scene
}

fn signed_at(request: &Received) -> &str {
    request.header("x-amz-date").unwrap()
}

const DATE: &str = "Sat, 01 Jan 2000 00:10:00 GMT";

/// At midnight.
fn late_by_ten_minutes() -> Context {
    let clock = SimClock::new();
    clock.set_unix_time(UnixTime::from_secs(946_684_800));
    SimRuntime::new(clock).context(Duration::from_secs(10))
}

async fn read(scene: &Scene, cx: &Context) -> Result<String, Error> {
    let fetched = scene.backend.fetch(cx, &Request::new("db")).await;
    fetched.map(|fetched| text(&fetched))
}

#[tokio::test]
async fn a_clock_that_is_wrong_costs_one_call() {
    for (code, message) in [
        (
            "InvalidSignatureException",
            "Signature expired: canary is now earlier than canary",
        ),
        ("InvalidSignatureException", "canary"),
        ("RequestExpired", "canary"),
        ("RequestTimeTooSkewed", "canary"),
    ] {
        let scene = scene(|config| config);
        scene.script(move |request| {
            let timely = signed_at(request).starts_with("20000101T0010");
            (!timely).then(|| failure(code, message).with_header("date", DATE))
        });
        let cx = late_by_ten_minutes();
        let error = read(&scene, &cx).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{code}");
        assert_eq!(error.message(), "AWS refuses the time of the signature");
        shows_nothing(&error);
        assert_eq!(read(&scene, &cx).await.unwrap(), "one", "{code}");
        assert_eq!(scene.server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_costs_one_call_where_a_role_is_assumed() {
    let scene =
        scene(|config| config.with_assume_role_arn("arn:aws:iam::111122223333:role/reader"));
    scene.script(move |request| {
        let timely = signed_at(request).starts_with("20000101T0010");
        let refusal = match sts::is_asked(request) {
            true => sts::refuse(403, "SignatureDoesNotMatch", "Signature expired: canary"),
            false => failure("InvalidSignatureException", "Signature expired: canary"),
        };
        (!timely).then(|| refusal.with_header("date", DATE))
    });
    let cx = late_by_ten_minutes();
    // STS and Secrets Manager are two clients, and each learns for itself.
    for _ in 0..2 {
        let error = read(&scene, &cx).await.unwrap_err();
        assert_eq!(error.message(), "AWS refuses the time of the signature");
        shows_nothing(&error);
    }
    assert_eq!(read(&scene, &cx).await.unwrap(), "one");
}

#[tokio::test]
async fn where_the_clock_was_not_the_matter_credentials_are_looked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let content =
        |id: &str| format!("[blue]\naws_access_key_id = {id}\naws_secret_access_key = canary\n");
    for (message, refusals) in [
        ("canary", 4),
        (
            "The request signature we calculated does not match the signature you provided.",
            1,
        ),
    ] {
        std::fs::write(&file, content("AKIAOLD")).unwrap();
        let scene = Scene::with(|config| {
            let config = config.with_profile("blue").with_config_file("/dev/null");
            config
                .with_credentials_file(&file)
                .with_read_schedule(false)
        });
        scene.store.put("db", b"one");
        scene.script(move |request| {
            let known = request.header("authorization").unwrap().contains("AKIANEW");
            (!known).then(|| failure("InvalidSignatureException", message))
        });
        for _ in 0..refusals {
            let error = scene.read("db").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated);
            std::fs::write(&file, content("AKIANEW")).unwrap();
        }
        assert_eq!(scene.read("db").await.unwrap(), "one", "{message}");
    }
}

#[tokio::test]
async fn credentials_may_take_as_long_as_the_driver_lets_a_call_take() {
    let scene = scene(|config| {
        config
            .with_assume_role_arn("arn:aws:iam::111122223333:role/hub")
            .with_assume_role_arn("arn:aws:iam::111122223333:role/reader")
    });
    let clock = SimClock::new();
    let ticking = clock.clone();
    scene.script(move |request| {
        sts::is_asked(request).then(|| {
            // Whatever has a limit of less than this sees it before the answer.
            ticking.advance(Duration::from_secs(9));
            sts::answer(request).slow_headers(Duration::from_millis(100))
        })
    });
    let cx = SimRuntime::new(clock).context(Duration::from_secs(10));
    assert_eq!(read(&scene, &cx).await.unwrap(), "one");
}
