//! What goes over the wire, exactly.

use perennial_backend::{ErrorKind, Request, Selector};
use perennial_backend_gcp::SecretManager;
use perennial_testkit::http::{Answer, HttpServer};

use crate::{anonymous, fetch, payload, value};

#[tokio::test]
async fn a_read_is_one_call_of_the_published_form() {
    let server = HttpServer::start(|_| Answer::json(200, payload("")));
    let check = async |config, request: Request, target: &str| {
        let backend = SecretManager::new(config).unwrap();
        server.forget();
        fetch(&backend, &request).await.unwrap();
        let requests = server.requests();
        let [asked] = requests.as_slice() else {
            panic!("{requests:?}");
        };
        assert_eq!(asked.method, "GET");
        let sent = format!("{target}?%24alt=json%3Benum-encoding%3Dint");
        assert_eq!(asked.target, sent);
        assert!(asked.body.is_empty());
        assert_eq!(asked.header("authorization"), None);
    };
    let config = || anonymous(&server).without_schedule();
    let read = || Request::new("db");
    check(
        config(),
        read(),
        "/v1/projects/p/secrets/db/versions/latest:access",
    )
    .await;
    let number = read().with_selector(Selector::Number(7));
    check(
        config(),
        number,
        "/v1/projects/p/secrets/db/versions/7:access",
    )
    .await;
    let alias = read().with_selector(Selector::Id("blue-1".into()));
    check(
        config(),
        alias,
        "/v1/projects/p/secrets/db/versions/blue-1:access",
    )
    .await;
    check(
        config().with_location("europe-west3"),
        read(),
        "/v1/projects/p/locations/europe-west3/secrets/db/versions/latest:access",
    )
    .await;
    check(
        config(),
        Request::new("projects/p/secrets/db"),
        "/v1/projects/p/secrets/db/versions/latest:access",
    )
    .await;
    let options = [(Box::from("project_id"), Box::from("my_other-1"))];
    check(
        config(),
        read().with_options(options),
        "/v1/projects/my_other-1/secrets/db/versions/latest:access",
    )
    .await;
    check(
        config().with_project_id("example.com:app"),
        read(),
        "/v1/projects/example.com:app/secrets/db/versions/latest:access",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_name_is_never_sent() {
    let server = HttpServer::start(|_| Answer::json(200, payload("")));
    let backend = SecretManager::new(anonymous(&server)).unwrap();
    let names = [
        "..",
        "a/b",
        "a?b",
        "%2e%2e",
        "a b",
        "projects/q/secrets/db",
        "projects/p/secrets/..",
    ];
    for name in names {
        let error = value(&backend, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference, "{name}");
        assert!(error.help().is_some(), "{name}");
    }
    let version = Request::new("db").with_selector(Selector::Id("../x".into()));
    let error = fetch(&backend, &version).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    let stage = Request::new("db").with_selector(Selector::Stage("x".into()));
    let error = fetch(&backend, &stage).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn without_a_project_the_error_names_the_setting() {
    let server = HttpServer::start(|_| Answer::json(200, payload("")));
    let mut config = anonymous(&server);
    config.project_id = None;
    let backend = SecretManager::new(config).unwrap();
    let error = value(&backend, "db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.help().unwrap().contains("project_id"));
    assert_eq!(
        value(&backend, "projects/q/secrets/db").await.unwrap(),
        b"canary"
    );
}
