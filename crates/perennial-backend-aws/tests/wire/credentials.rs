//! Who asks: roles and their chains, keys in files, processes, and credentials that expire mid-run.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use perennial_backend::{ContextKey, ErrorKind, Secret};
use perennial_testkit::http::{Answer, Received};

use crate::scene::{Scene, shows_nothing};
use crate::store::failure;
use crate::sts::{self, parameter};

/// The id of the key with which a request is signed.
fn key(request: &Received) -> String {
    let header = request.header("authorization").unwrap();
    let id = header
        .split("Credential=")
        .nth(1)
        .unwrap()
        .split('/')
        .next();
    id.unwrap().to_owned()
}

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

fn with_roles() -> Scene {
    let scene = Scene::with(|config| {
        config
            .with_access_key("AKIAEXAMPLE", Secret::from("canary-key"))
            .with_assume_role_arn(role("hub"))
            .with_assume_role_arn(role("reader"))
            .with_role_session_name("perennial-test")
            .with_assume_role_external_id(Secret::from("external-4711"))
            .with_read_schedule(false)
    });
    scene.store.put("db", b"canary-value");
    scene
}

#[tokio::test]
async fn roles_are_assumed_one_after_another_and_only_once() {
    let scene = with_roles();
    for _ in 0..3 {
        assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    }
    let sent = scene.server.requests();
    let keys: Vec<_> = sent.iter().map(key).collect();
    assert_eq!(
        keys,
        [
            "AKIAEXAMPLE",
            "ASIAHUB",
            "ASIAREADER",
            "ASIAREADER",
            "ASIAREADER"
        ]
    );
    let asked: Vec<_> = sent.iter().take(2).collect();
    for (request, name) in asked.iter().zip(["hub", "reader"]) {
        assert_eq!(parameter(request, "Action").as_deref(), Some("AssumeRole"));
        assert_eq!(parameter(request, "RoleArn").unwrap(), role(name));
        assert_eq!(
            parameter(request, "RoleSessionName").as_deref(),
            Some("perennial-test")
        );
    }
    let external = |request: &Received| parameter(request, "ExternalId");
    assert_eq!(external(asked[0]), None);
    assert_eq!(external(asked[1]).as_deref(), Some("external-4711"));
    let token = |request: &Received| request.header("x-amz-security-token").map(str::to_owned);
    assert_eq!(token(&sent[2]).as_deref(), Some("canary-token-of-READER"));
}

#[tokio::test]
async fn a_role_that_is_refused_is_told_and_asked_for_again_later() {
    let scene = with_roles();
    let message = "User: arn:aws:iam::1:user/canary is not authorized to perform: sts:AssumeRole \
                   on resource: canary";
    scene.script(move |request| {
        sts::is_asked(request).then(|| sts::refuse(403, "AccessDenied", message))
    });
    let error = scene.fails_and_recovers(ErrorKind::Unauthenticated).await;
    assert_eq!(
        error.message(),
        "a role was not given: `sts:AssumeRole` is not allowed"
    );
    assert!(
        error
            .context()
            .any(|pair| pair == (ContextKey::Capability, "sts:AssumeRole"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_sts_is_told_from_what_is_wrong_with_credentials() {
    let check = async |answer: Answer, kind: ErrorKind| {
        let scene = with_roles();
        scene.script(move |request| sts::is_asked(request).then(|| answer.clone()));
        scene.fails_and_recovers(kind).await;
    };
    check(
        sts::refuse(400, "Throttling", "canary"),
        ErrorKind::RateLimited,
    )
    .await;
    check(
        sts::refuse(503, "ServiceUnavailable", "canary"),
        ErrorKind::Unavailable,
    )
    .await;
    check(
        sts::refuse(403, "ExpiredToken", "canary"),
        ErrorKind::Unauthenticated,
    )
    .await;
    check(
        Answer::new(502).with_body("<html>canary</html>"),
        ErrorKind::Unavailable,
    )
    .await;

    let scene = with_roles();
    scene.server.down(true);
    scene.fails_and_recovers(ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn a_session_that_expires_mid_run_is_replaced_by_the_next_call() {
    let scene = with_roles();
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    scene.server.forget();
    scene.script(|request| {
        (!sts::is_asked(request)).then(|| failure("ExpiredTokenException", "canary has expired"))
    });
    let error = scene.read("db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.message(), "the credentials for AWS have expired");
    shows_nothing(&error);
    scene.mend();
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    let keys: Vec<_> = scene.server.requests().iter().map(key).collect();
    assert_eq!(keys, ["ASIAREADER", "AKIAEXAMPLE", "ASIAHUB", "ASIAREADER"]);
}

/// A shared file without profiles: one that is named has to be there.
const EMPTY: &str = "/dev/null";

fn write(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
}

#[tokio::test]
async fn a_key_that_was_replaced_in_its_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let content =
        |id: &str| format!("[blue]\naws_access_key_id = {id}\naws_secret_access_key = canary\n");
    write(&file, &content("AKIAOLD"));
    let scene = Scene::with(|config| {
        let config = config.with_profile("blue").with_config_file(EMPTY);
        config
            .with_credentials_file(&file)
            .with_read_schedule(false)
    });
    scene.store.put("db", b"canary-value");
    scene.script(|request| {
        let known = key(request) == "AKIANEW" || request.text().contains("first");
        (!known).then(|| {
            failure(
                "UnrecognizedClientException",
                "the token in canary is invalid",
            )
        })
    });
    scene.store.put("first", b"one");
    assert_eq!(scene.read("first").await.unwrap(), "one");
    write(&file, &content("AKIANEW"));
    let error = scene.read("db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    shows_nothing(&error);
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
}

#[tokio::test]
async fn a_profile_that_is_written_later_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    write(&file, "");
    let scene = Scene::with(|config| {
        let config = config.with_profile("blue").with_config_file(EMPTY);
        config
            .with_credentials_file(&file)
            .with_read_schedule(false)
    });
    scene.store.put("db", b"canary-value");
    let error = scene.read("db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    write(
        &file,
        "[blue]\naws_access_key_id = AKIABLUE\naws_secret_access_key = canary\n",
    );
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
}

#[tokio::test]
async fn a_process_of_the_profile_gives_credentials_and_its_failure_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("give");
    let given = r#"{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"canary","SessionToken":"canary","Expiration":"2099-01-01T00:00:00Z"}"#;
    write(&script, "#!/bin/sh\necho canary >&2\nexit 3\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let config_file = folder.path().join("config");
    let content = format!(
        "[profile tool]\ncredential_process = {}\n",
        script.display()
    );
    write(&config_file, &content);
    let scene = Scene::with(|config| {
        let config = config.with_profile("tool").with_config_file(&config_file);
        let config = config.with_credentials_file(EMPTY);
        config.with_read_schedule(false)
    });
    scene.store.put("db", b"canary-value");
    let error = scene.read("db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    shows_nothing(&error);
    write(&script, &format!("#!/bin/sh\necho '{given}'\n"));
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    assert_eq!(key(&scene.server.requests()[0]), "ASIAPROCESS");
}

#[tokio::test]
async fn a_profile_may_itself_assume_a_role() {
    let folder = tempfile::tempdir().unwrap();
    let config_file = folder.path().join("config");
    let scene = Scene::with_urls(|config, url| {
        let content = format!(
            "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = canary\n\
             [profile team]\nsource_profile = base\nrole_arn = {}\nservices = local\n\
             [services local]\nsts =\n  endpoint_url = {url}\n",
            role("team")
        );
        write(&config_file, &content);
        let config = config.with_profile("team").with_config_file(&config_file);
        let config = config.with_credentials_file(EMPTY);
        config
            .with_assume_role_arn(role("reader"))
            .with_read_schedule(false)
    });
    scene.store.put("db", b"canary-value");
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
    let keys: Vec<_> = scene.server.requests().iter().map(key).collect();
    assert_eq!(keys, ["AKIABASE", "ASIATEAM", "ASIAREADER"]);
}

#[tokio::test]
async fn a_call_that_is_dropped_while_a_role_is_assumed_costs_nothing() {
    let scene = with_roles();
    scene.script(|request| sts::is_asked(request).then(Answer::hang));
    for _ in 0..3 {
        let call = tokio::time::timeout(Duration::from_millis(50), scene.read("db"));
        assert!(call.await.is_err());
    }
    scene.mend();
    assert_eq!(scene.read("db").await.unwrap(), "canary-value");
}
