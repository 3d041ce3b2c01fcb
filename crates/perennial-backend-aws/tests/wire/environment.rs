//! What the SDK takes from the environment of the process: regions and credentials.
//!
//! A test cannot set variables of its own process safely, so each runs this program again, in an
//! environment that holds what the test gives it and nothing else.

use std::path::Path;
use std::time::Duration;

use perennial_backend::{Request, SettingMap};
use perennial_backend_aws::backend_type;
use perennial_testkit::LiveRuntime;
use perennial_testkit::http::{Answer, HttpServer, Identity, Received};
use serde_json::json;
use tokio::process::Command;

use crate::scene::{shows_nothing_in, text};
use crate::store::{REGION, Store};
use crate::sts;

/// What the child reads, `name=value` in each line.
const SETTINGS: &str = "PERENNIAL_TEST_SETTINGS";

/// How long the child may take; it gives up its one call by itself.
const LONGEST_RUN: Duration = Duration::from_secs(60);

/// Reads `db` with the settings of the environment and says what came. Not a test of its own.
#[tokio::test]
#[ignore = "run by the other tests of this file, each in an environment of its own"]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the child: it is told by a variable"
)]
async fn child() {
    let Ok(given) = std::env::var(SETTINGS) else {
        // Somebody runs all tests that are ignored; this one is none.
        return;
    };
    let pairs = given.lines().filter_map(|line| line.split_once('='));
    let settings = pairs.fold(SettingMap::new(), |map, (name, value)| {
        map.with(name, value)
    });
    let backend = backend_type().build(&settings).unwrap();
    let cx = LiveRuntime::new().context(Duration::from_secs(10));
    let request = Request::new("db");
    // As a driver does, with the default of `timeout`.
    let call = tokio::time::timeout(Duration::from_secs(10), backend.fetch(&cx, &request));
    match call.await.unwrap() {
        Ok(fetched) => println!("OUTCOME value {}", text(&fetched)),
        Err(error) => {
            println!(
                "OUTCOME {} {error} | {}",
                error.kind(),
                error.help().unwrap_or_default()
            );
        }
    }
}

/// Runs the child and returns what it said.
pub(crate) fn outcome(settings: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let settings: Vec<_> = settings
        .iter()
        .chain(&[("read_schedule", "off")])
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "environment::child", "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .env(SETTINGS, settings.join("\n"))
        .kill_on_drop(true);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let run = async { tokio::time::timeout(LONGEST_RUN, child.output()).await };
    let output = runtime.block_on(run).expect("the child is stuck").unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find_map(|line| line.split_once("OUTCOME "));
    let Some((_, line)) = line else {
        panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
    };
    line.to_owned()
}

/// Starts a store with the secret `db`, an STS, and whatever else answers.
pub(crate) fn server(
    also: impl Fn(&Received) -> Option<Answer> + Send + Sync + 'static,
) -> HttpServer {
    let store = Store::default();
    store.put("db", b"value");
    HttpServer::start(move |request| {
        also(request).unwrap_or_else(|| match sts::is_asked(request) {
            true => sts::answer(request),
            false => store.answer(request),
        })
    })
}

/// The ids of the keys with which Secrets Manager was asked.
pub(crate) fn keys(server: &HttpServer) -> Vec<String> {
    let requests = server.requests();
    let asked = requests.iter().filter(|request| !sts::is_asked(request));
    let id = |request: &Received| {
        let header = request.header("authorization").unwrap_or_default();
        let id = header
            .split("Credential=")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        id.unwrap_or_default().to_owned()
    };
    asked.map(id).collect()
}

fn write(path: &Path, content: &str) -> String {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(crate) const KEY: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAPROCESS"),
    ("AWS_SECRET_ACCESS_KEY", "canary-key"),
];

#[test]
fn the_variables_of_the_sdk_give_region_key_and_endpoint() {
    let server = server(|_| None);
    let url = server.url();
    let mut variables = vec![("AWS_REGION", REGION), ("AWS_ENDPOINT_URL", &url)];
    variables.extend(KEY);
    assert_eq!(outcome(&[], &variables), "value value");
    variables[1].0 = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
    assert_eq!(outcome(&[], &variables), "value value");
    assert_eq!(keys(&server), ["AKIAPROCESS", "AKIAPROCESS"]);
}

#[test]
fn a_setting_counts_before_the_variables() {
    let server = server(|_| None);
    let url = server.url();
    let mut variables = vec![
        ("AWS_REGION", "nowhere-1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    variables.extend(KEY);
    let settings = [
        ("region", REGION),
        ("endpoint_url", &url),
        ("access_key_id", "AKIASETTING"),
        ("secret_access_key", "canary-key"),
    ];
    assert_eq!(outcome(&settings, &variables), "value value");
    assert_eq!(keys(&server), ["AKIASETTING"]);
    let asked = server.requests();
    assert!(asked[0].header("authorization").unwrap().contains(REGION));
}

#[test]
fn a_named_profile_counts_before_the_key_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(|_| None);
    let url = server.url();
    let content = "[blue]\naws_access_key_id = AKIABLUE\naws_secret_access_key = canary\n";
    let file = write(&folder.path().join("credentials"), content);
    let settings = [
        ("region", REGION),
        ("endpoint_url", url.as_str()),
        ("credentials_file", file.as_str()),
    ];
    let named: Vec<_> = settings
        .iter()
        .copied()
        .chain([("profile", "blue")])
        .collect();
    assert_eq!(outcome(&named, &KEY), "value value");
    // One that only the environment names comes after the key, as everywhere with AWS.
    let variables: Vec<_> = KEY.into_iter().chain([("AWS_PROFILE", "blue")]).collect();
    assert_eq!(outcome(&settings, &variables), "value value");
    assert_eq!(keys(&server), ["AKIABLUE", "AKIAPROCESS"]);
}

#[test]
fn a_region_that_nobody_names_is_told() {
    let told = outcome(&[("profile", "blue")], &KEY);
    assert!(
        told.starts_with("invalid_config no region of AWS is set | set `region`, or AWS_REGION")
    );
    assert!(told.contains("the profile `blue`"), "{told}");
}

#[test]
fn credentials_that_nobody_gives_are_told() {
    let told = outcome(
        &[("region", REGION), ("endpoint_url", "http://127.0.0.1:9")],
        &[],
    );
    assert!(
        told.starts_with("unauthenticated no credentials for AWS were found | "),
        "{told}"
    );
}

#[test]
fn a_web_identity_is_turned_into_a_role() {
    let folder = tempfile::tempdir().unwrap();
    let token = write(&folder.path().join("token"), "canary.web.token");
    let server = server(|_| None);
    let url = server.url();
    let variables = [
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL_STS", url.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pod"),
        ("AWS_ROLE_SESSION_NAME", "app"),
    ];
    assert_eq!(
        outcome(&[("endpoint_url", &url)], &variables),
        "value value"
    );
    assert_eq!(keys(&server), ["ASIAPOD"]);
    let asked = server.requests();
    let parameter = |name: &str| sts::parameter(&asked[0], name).unwrap();
    assert_eq!(parameter("Action"), "AssumeRoleWithWebIdentity");
    assert_eq!(parameter("WebIdentityToken"), "canary.web.token");
    assert_eq!(parameter("RoleSessionName"), "app");
}

#[test]
fn the_agent_of_a_container_gives_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let token = write(&folder.path().join("token"), "canary-pod-token");
    let server = server(|request| {
        let given = json!({
            "AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "canary", "Token": "canary",
            "Expiration": "2099-01-01T00:00:00Z",
        });
        let asked = request.path() == "/credentials";
        let known = request.header("authorization") == Some("canary-pod-token");
        (asked && known).then(|| Answer::json(200, given.to_string()))
    });
    let url = server.url();
    let agent = format!("{url}/credentials");
    let variables = [
        ("AWS_REGION", REGION),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token),
    ];
    assert_eq!(
        outcome(&[("endpoint_url", &url)], &variables),
        "value value"
    );
    let last = server.requests().pop().unwrap();
    assert!(
        last.header("authorization")
            .unwrap()
            .contains("Credential=ASIACONTAINER/")
    );
}

/// Answers as the metadata service of a machine with a role.
fn metadata(request: &Received) -> Option<Answer> {
    let role = "/latest/meta-data/iam/security-credentials/";
    let given = json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
        "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "canary", "Token": "canary",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    if request.method == "PUT" && request.path() == "/latest/api/token" {
        let token = Answer::new(200).with_body("canary-session");
        return Some(token.with_header("x-aws-ec2-metadata-token-ttl-seconds", "21600"));
    }
    let known = request.header("x-aws-ec2-metadata-token") == Some("canary-session");
    let body = match request.path() {
        "/latest/meta-data/placement/region" => REGION.to_owned(),
        path if path == role => "app".to_owned(),
        path if path.strip_prefix(role) == Some("app") => given.to_string(),
        path if path.starts_with("/latest/") => return Some(Answer::new(404)),
        _ => return None,
    };
    Some(Answer::new(if known { 200 } else { 401 }).with_body(body))
}

#[test]
fn the_machine_gives_region_and_role() {
    let server = server(metadata);
    let url = server.url();
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
    ];
    assert_eq!(
        outcome(&[("endpoint_url", &url)], &variables),
        "value value"
    );
    let last = server.requests().pop().unwrap();
    let authorization = last.header("authorization").unwrap();
    assert!(
        authorization.contains("Credential=ASIAMACHINE/"),
        "{authorization}"
    );
    assert!(authorization.contains(REGION), "{authorization}");
}

#[test]
fn a_metadata_service_that_does_not_answer_costs_no_more_than_a_call_may_take() {
    let silent = HttpServer::start(|_| Answer::hang());
    let url = silent.url();
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
    ];
    let told = outcome(&[("endpoint_url", "http://127.0.0.1:9")], &variables);
    assert!(
        told.starts_with("invalid_config no region of AWS is set"),
        "{told}"
    );
    // The machine that has no such service still tells what is missing within a second or two.
    let settings = [("region", REGION), ("endpoint_url", "http://127.0.0.1:9")];
    let told = outcome(&settings, &variables);
    assert!(told.starts_with("unauthenticated"), "{told}");
}

#[test]
fn a_login_of_identity_center_is_turned_into_a_role() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    // The name of the file is the SHA-1 of the session's name.
    let cached = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    let login_until = |date: &str| {
        let login = json!({"accessToken": "canary-sso-token", "expiresAt": date});
        write(&home.join(cached), &login.to_string());
    };
    let server = server(|request| {
        let given = json!({"roleCredentials": {
            "accessKeyId": "ASIASSO", "secretAccessKey": "canary", "sessionToken": "canary",
            "expiration": 4_070_908_800_000_u64,
        }});
        let asked = request.path() == "/federation/credentials"
            && request.query() == Some("role_name=reader&account_id=111122223333")
            && request.header("x-amz-sso_bearer_token") == Some("canary-sso-token");
        asked.then(|| Answer::json(200, given.to_string()))
    });
    let url = server.url();
    let config = format!(
        "[profile corp]\nsso_session = corp\nsso_account_id = 111122223333\n\
         sso_role_name = reader\nregion = {REGION}\nservices = local\n\
         [sso-session corp]\nsso_region = {REGION}\nsso_start_url = https://corp.example.com\n\
         [services local]\nsso =\n  endpoint_url = {url}\n"
    );
    write(&home.join(".aws/config"), &config);
    let variables = [("HOME", home.to_str().unwrap())];
    let settings = [("profile", "corp"), ("endpoint_url", &url)];
    login_until("2020-01-01T00:00:00Z");
    let told = outcome(&settings, &variables);
    let expected = "unauthenticated the source of the credentials for AWS has failed";
    assert!(told.starts_with(expected), "{told}");
    shows_nothing_in(&told);
    login_until("2099-01-01T00:00:00Z");
    assert_eq!(outcome(&settings, &variables), "value value");
    let last = server.requests().pop().unwrap();
    assert!(
        last.header("authorization")
            .unwrap()
            .contains("Credential=ASIASSO/")
    );
}

#[test]
fn a_login_of_the_command_line_is_told_with_a_way_around() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[profile person]\nlogin_session = arn:aws:iam::111122223333:user/canary\n\
         region = {REGION}\n"
    );
    write(&folder.path().join(".aws/config"), &config);
    let variables = [("HOME", folder.path().to_str().unwrap())];
    let settings = [
        ("profile", "person"),
        ("endpoint_url", "http://127.0.0.1:9"),
    ];
    let told = outcome(&settings, &variables);
    let expected = "invalid_config the profile has a login of `aws login`, which is not read here";
    assert!(told.starts_with(expected), "{told}");
    assert!(told.contains("export-credentials"), "{told}");
    shows_nothing_in(&told);
}

#[test]
fn a_system_without_authorities_is_told_where_tls_needs_some() {
    let folder = tempfile::tempdir().unwrap();
    let (file, absent) = (
        write(&folder.path().join("none.pem"), ""),
        folder.path().join("absent"),
    );
    let server = server(|_| None);
    let mut variables = vec![
        ("AWS_REGION", REGION),
        ("SSL_CERT_FILE", file.as_str()),
        ("SSL_CERT_DIR", absent.to_str().unwrap()),
    ];
    variables.extend(KEY);
    let told = outcome(&[("endpoint_url", "https://127.0.0.1:9")], &variables);
    let expected = "invalid_config this system has no certificate authorities";
    assert!(told.starts_with(expected), "{told}");
    assert!(
        told.contains("ca-certificates") && told.contains("SSL_CERT_FILE"),
        "{told}"
    );
    // Nobody has to be trusted where there is no TLS.
    assert_eq!(
        outcome(&[("endpoint_url", &server.url())], &variables),
        "value value"
    );
    // Those that the variable names are trusted.
    let identity = Identity::new("ours");
    write(&folder.path().join("none.pem"), identity.ca_pem());
    let store = Store::default();
    store.put("db", b"value");
    let server = HttpServer::start_tls(&identity, move |request| store.answer(request));
    assert_eq!(
        outcome(&[("endpoint_url", &server.url())], &variables),
        "value value"
    );
}
