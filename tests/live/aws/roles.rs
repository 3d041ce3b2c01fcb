//! Who asks: roles with chain, external id and session name, a web identity, and policies.

use perennial::aws::{Config, SecretsManager};
use perennial_backend::{ErrorKind, Secret};

use super::moto::{Moto, REGION, read};

fn role(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

fn policy(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// Makes a user who may do one thing, and returns the id and secret of a key.
async fn user(moto: &Moto, name: &str, action: &str) -> (String, String) {
    moto.iam(&[
        ("Action", "CreateUser"),
        ("Version", VERSION),
        ("UserName", name),
    ])
    .await;
    let policy = policy(action);
    let put = [
        ("Action", "PutUserPolicy"),
        ("Version", VERSION),
        ("UserName", name),
        ("PolicyName", "one"),
        ("PolicyDocument", &policy),
    ];
    moto.iam(&put).await;
    let key = [
        ("Action", "CreateAccessKey"),
        ("Version", VERSION),
        ("UserName", name),
    ];
    let answer = moto.iam(&key).await;
    (
        within(&answer, "AccessKeyId"),
        within(&answer, "SecretAccessKey"),
    )
}

/// Makes a role that may do one thing.
async fn make_role(moto: &Moto, name: &str, action: &str) {
    let make = [
        ("Action", "CreateRole"),
        ("Version", VERSION),
        ("RoleName", name),
        ("AssumeRolePolicyDocument", TRUST),
    ];
    moto.iam(&make).await;
    let policy = policy(action);
    let put = [
        ("Action", "PutRolePolicy"),
        ("Version", VERSION),
        ("RoleName", name),
        ("PolicyName", "one"),
        ("PolicyDocument", &policy),
    ];
    moto.iam(&put).await;
}

const VERSION: &str = "2010-05-08";

fn within(answer: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = answer.split(&open).nth(1).unwrap();
    rest.split(&close).next().unwrap().to_owned()
}

fn config(moto: &Moto, (id, secret): (String, String)) -> Config {
    moto.config()
        .with_access_key(id, Secret::from(secret))
        .with_read_schedule(false)
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_chain_of_roles_reads_where_each_may_do_only_its_own_step() {
    let moto = Moto::start().await;
    moto.create("db", "one").await;
    let app = user(&moto, "app", "sts:AssumeRole").await;
    make_role(&moto, "hub", "sts:AssumeRole").await;
    make_role(&moto, "reader", "secretsmanager:GetSecretValue").await;
    let config = config(&moto, app);
    let alone = SecretsManager::new(config.clone()).unwrap();
    let chained = config
        .with_assume_role_arn(role("hub"))
        .with_assume_role_arn(role("reader"))
        .with_role_session_name("perennial-live")
        .with_assume_role_external_id(Secret::from("external-4711"));
    let chained = SecretsManager::new(chained).unwrap();
    moto.enforce(true).await;
    assert_eq!(
        read(&alone, "db").await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    for _ in 0..2 {
        assert_eq!(read(&chained, "db").await.unwrap(), "one");
    }
    moto.enforce(false).await;
    let sessions = moto.sessions().await;
    let told = |name: &str| -> Vec<_> {
        sessions
            .iter()
            .map(|session| session[name].as_str().map(str::to_owned))
            .collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told("role_arn"), [Some(role("hub")), Some(role("reader"))]);
    assert_eq!(
        told("session_name"),
        [some("perennial-live"), some("perennial-live")]
    );
    assert_eq!(told("external_id"), [None, some("external-4711")]);
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_role_that_may_not_be_assumed_is_told() {
    let moto = Moto::start().await;
    moto.create("db", "one").await;
    let app = user(&moto, "app", "secretsmanager:GetSecretValue").await;
    make_role(&moto, "reader", "secretsmanager:GetSecretValue").await;
    let direct = SecretsManager::new(config(&moto, app.clone())).unwrap();
    let through = config(&moto, app).with_assume_role_arn(role("reader"));
    let through = SecretsManager::new(through).unwrap();
    moto.enforce(true).await;
    assert_eq!(read(&direct, "db").await.unwrap(), "one");
    let error = read(&through, "db").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(
        error.message().contains("`sts:AssumeRole` is not allowed"),
        "{error}"
    );
    moto.enforce(false).await;
    assert_eq!(read(&through, "db").await.unwrap(), "one");
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_key_that_nobody_knows_is_told() {
    let moto = Moto::start().await;
    moto.create("db", "one").await;
    let stranger = ("AKIASTRANGER".to_owned(), "canary".to_owned());
    let backend = SecretsManager::new(config(&moto, stranger)).unwrap();
    moto.enforce(true).await;
    let error = read(&backend, "db").await.unwrap_err();
    let kinds = [ErrorKind::Unauthenticated, ErrorKind::PermissionDenied];
    assert!(kinds.contains(&error.kind()), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_web_identity_of_a_profile_becomes_a_role() {
    let moto = Moto::start().await;
    moto.create("db", "one").await;
    let folder = moto.server.folder();
    let (token, config_file) = (folder.join("token"), folder.join("config"));
    std::fs::write(&token, "canary.web.token").unwrap();
    let content = format!(
        "[profile pod]\nrole_arn = {}\nweb_identity_token_file = {}\n\
         role_session_name = pod-session\nservices = local\n\
         [services local]\nsts =\n  endpoint_url = {}\n",
        role("pod"),
        token.display(),
        moto.server.url(),
    );
    std::fs::write(&config_file, content).unwrap();
    let config = Config::default()
        .with_region(REGION)
        .with_endpoint_url(moto.server.url())
        .with_profile("pod")
        .with_config_file(config_file)
        .with_credentials_file("/dev/null");
    let backend = SecretsManager::new(config).unwrap();
    assert_eq!(read(&backend, "db").await.unwrap(), "one");
    let sessions = moto.sessions().await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["role_arn"], role("pod"));
    assert_eq!(sessions[0]["session_name"], "pod-session");
}
