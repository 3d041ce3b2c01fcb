//! Settings: what they become, what goes before what, and what is refused.

use perennial_backend::{ErrorKind, Origin, Setting};

use super::*;

fn with_token() -> SettingMap {
    SettingMap::new().with("token", "s.canary")
}

fn variable(map: SettingMap, field: &str, name: &str, text: &str) -> SettingMap {
    let mut map = map;
    map.insert(field, Setting::new(text, Origin::Variable(name.into())));
    map
}

fn read(settings: &SettingMap) -> Config {
    Config::from_settings(settings).unwrap()
}

#[test]
fn the_documented_defaults_are_those_of_the_code() {
    let config = read(&with_token());
    let default = Config::default();
    assert_eq!(config.address, default.address);
    assert_eq!(config.mount, default.mount);
    assert_eq!(config.namespace, default.namespace);
    assert_eq!(config.engine, default.engine);
    assert!(config.tls.verify && default.tls.verify);
}

#[test]
fn an_address_is_made_of_its_parts_unless_it_is_given_whole() {
    let check = |settings: SettingMap, expected: &str| {
        assert_eq!(read(&settings).address, expected);
    };
    let vendor = |map| variable(map, "address", "VAULT_ADDR", "https://from-env:1");
    check(with_token(), "http://127.0.0.1:8200");
    let parts = with_token()
        .with("protocol", "https")
        .with("host", "vault.example.com")
        .with("port", "443");
    check(parts.clone(), "https://vault.example.com:443");
    check(with_token().with("host", "::1"), "http://[::1]:8200");
    check(with_token().with("host", "[::1]"), "http://[::1]:8200");
    check(with_token().with("address", "https://h/p"), "https://h/p");
    check(vendor(with_token()), "https://from-env:1");
    // Whatever was configured goes before the vendor's variable.
    check(vendor(parts), "https://vault.example.com:443");
    check(vendor(with_token().with("port", "1")), "http://127.0.0.1:1");
    // A variable of ours is configuration, under whatever name.
    let ours = variable(
        with_token(),
        "address",
        "PERENNIAL_VAULT_HCV_ADDRESS",
        "https://ours:1",
    );
    check(ours, "https://ours:1");
}

#[test]
fn the_login_that_is_configured_goes_before_that_of_the_environment() {
    let check = |settings: SettingMap, expected: &str| {
        let auth = read(&settings).auth.unwrap();
        let shown = match &auth.method {
            crate::auth::Method::Token(Source::Given(token)) => {
                format!("token {}", token.expose_str().unwrap())
            }
            crate::auth::Method::Token(Source::File(path)) => format!("file {}", path.display()),
            _ => format!("{} at {}", auth.method(), auth.path),
        };
        assert_eq!(shown, expected);
    };
    let vendor = |map| variable(map, "token", "VAULT_TOKEN", "s.env");
    let home = |map| variable(map, "home", "HOME", "/var/lib/app");
    let none = SettingMap::new;
    check(with_token(), "token s.canary");
    check(none().with("token", " s.blank\n"), "token s.blank");
    check(vendor(none()), "token s.env");
    check(home(vendor(none())), "token s.env");
    check(home(none()), "file /var/lib/app/.vault-token");
    check(
        home(none()).with("token_file", "~/t"),
        "file /var/lib/app/t",
    );
    check(vendor(none().with("token_file", "/t")), "file /t");
    let approle = none()
        .with("auth_method", "approle")
        .with("approle_role_id", "r")
        .with("approle_secret_id", "s");
    check(vendor(approle.clone()), "approle at approle");
    let elsewhere = approle.with("approle_auth_path", "/team/approle/");
    check(elsewhere, "approle at team/approle");
    let role_alone = none()
        .with("auth_method", "approle")
        .with("approle_role_id", "r");
    check(role_alone, "approle at approle");
    check(vendor(none().with("auth_method", "none")), "none at none");
    let kubernetes = none()
        .with("auth_method", "kubernetes")
        .with("kube_role", "r");
    check(kubernetes, "kubernetes at kubernetes");
    let aws = none()
        .with("auth_method", "aws_iam")
        .with("aws_auth_role", "r")
        .with("aws_auth_region", "eu-central-1")
        .with("aws_login_path", "/v1/auth/team/aws/login");
    let keyed = aws
        .clone()
        .with("aws_access_key_id", "i")
        .with("aws_secret_access_key", "k");
    check(keyed, "aws_iam at team/aws");
    let id = variable(aws, "aws_access_key_id", "AWS_ACCESS_KEY_ID", "i");
    let both = variable(id, "aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "k");
    check(both, "aws_iam at team/aws");
}

#[test]
fn what_is_wrong_or_contradicts_is_refused_by_name() {
    let check = |settings: SettingMap, kind, expected: &str| {
        let error = Config::from_settings(&settings)
            .map(|_| ())
            .and_then(|()| crate::backend_type().build(&settings).map(|_| ()))
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?} {:?}", error.help()).contains("canary"));
    };
    let wrong = |settings, expected: &str| check(settings, ErrorKind::InvalidConfig, expected);
    let none = SettingMap::new;
    let by = |method: &str| SettingMap::new().with("auth_method", method);

    wrong(none(), "there is no token");
    wrong(
        none().with("token", "s.can ary"),
        "setting `token` has a blank, a line break or another sign that no token has",
    );
    wrong(
        with_token().with("token_file", "/t"),
        "settings `token` and `token_file` contradict each other",
    );
    wrong(
        none().with("token_file", "~/t"),
        "setting `token_file` begins with `~/`, and nothing says where that is",
    );
    wrong(
        with_token().with("address", "https://h").with("host", "h"),
        "settings `address` and `host` contradict each other",
    );
    wrong(
        with_token().with("address", "http://user:canary@h"),
        "setting `address` takes a URL without a user or password",
    );
    wrong(
        with_token().with("host", "h/canary/"),
        "setting `host` takes a name or an address",
    );
    wrong(
        with_token().with("mount", "a/../b"),
        "setting `mount` has `.` or `..` among its parts",
    );
    wrong(with_token().with("mount", "/"), "setting `mount` is empty");
    wrong(
        with_token().with("namespace", "a\nb"),
        "setting `namespace` has a control character",
    );
    wrong(
        with_token().with("kv", "v3"),
        "setting `kv` takes one of v1, v2, not `v3`",
    );
    wrong(
        with_token().with("ca_file", "/ca").with("ca_text", "ca"),
        "settings `ca_text` and `ca_file` contradict each other",
    );
    wrong(
        with_token()
            .with("protocol", "https")
            .with("client_cert_file", "/c"),
        "a client certificate is of no use without its key",
    );
    wrong(
        with_token().with("client_key_file", "/k"),
        "the key of a client certificate is of no use without it",
    );
    let https = "a client certificate needs `protocol` `https`";
    wrong(by("cert"), https);
    let pair = |settings: SettingMap| {
        let with_cert = settings.with("client_cert_file", "/c");
        with_cert.with("client_key_file", "/k")
    };
    wrong(pair(with_token()), https);
    wrong(pair(with_token().with("address", "http://h")), https);
    wrong(
        by("cert").with("protocol", "https"),
        "auth method `cert` needs a client certificate",
    );
    wrong(
        by("approle"),
        "auth method `approle` needs the setting `approle_role_id`",
    );
    wrong(
        by("approle")
            .with("approle_role_id", "r")
            .with("approle_response_wrapping", "true"),
        "setting `approle_secret_id` or `approle_secret_id_file` is required",
    );
    wrong(
        by("approle")
            .with("approle_role_id", "r")
            .with("approle_secret_id", "canary")
            .with("approle_secret_id_file", "/s"),
        "settings `approle_secret_id` and `approle_secret_id_file` contradict each other",
    );
    wrong(
        by("userpass").with("userpass_username", "u"),
        "setting `userpass_password` or `userpass_password_file` is required",
    );
    wrong(
        by("approle")
            .with("approle_role_id", "  ")
            .with("approle_secret_id", "s"),
        "auth method `approle` needs the setting `approle_role_id`",
    );
    wrong(
        by("kubernetes"),
        "auth method `kubernetes` needs the setting `kube_role`",
    );
    wrong(by("jwt"), "auth method `jwt` needs the setting `jwt_file`");
    let alice = |name: &str| {
        by("userpass")
            .with("userpass_username", name)
            .with("userpass_password", "canary")
    };
    wrong(alice("a/b"), "the name of the user has a slash in it");
    wrong(
        alice("%2e%2e"),
        "the name of the user has `.` or `..` among its parts",
    );
    let aws = by("aws_iam")
        .with("aws_auth_role", "r")
        .with("aws_auth_region", "eu-central-1");
    wrong(
        aws.clone(),
        "auth method `aws_iam` needs the setting `aws_access_key_id`",
    );
    // Half a pair of the configuration, and the other half of the environment.
    let half = aws.clone().with("aws_access_key_id", "i");
    let half = variable(
        half,
        "aws_secret_access_key",
        "AWS_SECRET_ACCESS_KEY",
        "canary",
    );
    wrong(
        half,
        "auth method `aws_iam` needs the setting `aws_secret_access_key`",
    );
    let keyed = aws
        .with("aws_access_key_id", "i")
        .with("aws_secret_access_key", "k");
    wrong(
        keyed.with("aws_login_path", "/auth/aws"),
        "setting `aws_login_path` takes a path like `/v1/auth/aws/login`, not `/auth/aws`",
    );
    wrong(with_token().with("tokn", "t"), "there is no setting `tokn`");
    // What is planned is not left out silently where it would count.
    let keyed = by("aws_iam")
        .with("aws_auth_role", "r")
        .with("aws_auth_region", "eu-central-1")
        .with("aws_access_key_id", "i")
        .with("aws_secret_access_key", "k");
    check(
        keyed.with("aws_assume_role_arn", "arn:aws:iam::1:role/r"),
        ErrorKind::Unsupported,
        "the setting `aws_assume_role_arn` is not available yet",
    );
    check(
        by("jwt").with("oauth2_client_secret", "canary"),
        ErrorKind::Unsupported,
        "the setting `oauth2_client_secret` is not available yet",
    );
    for method in ["aws_ec2", "azure", "gcp_gce", "gcp_iam"] {
        let expected = format!("the auth method `{method}` is not available yet");
        check(by(method), ErrorKind::Unsupported, &expected);
    }
}

#[test]
fn a_configuration_of_kong_with_logins_that_are_planned_is_read() {
    let mut map = with_token();
    for (name, text) in [
        ("gcp_auth_role", "r"),
        ("gcp_login_path", "/v1/auth/gcp/login"),
        ("gcp_service_account", "canary"),
        ("gcp_jwt_exp", "900"),
        ("azure_auth_role", "r"),
        ("azure_login_path", "/v1/auth/azure/login"),
        ("aws_auth_nonce", "canary"),
        ("aws_assume_role_arn", "arn:aws:iam::1:role/r"),
        ("aws_role_session_name", "kong"),
        ("oauth2_token_endpoint", "https://login.example.com/token"),
        ("oauth2_client_id", "c"),
        ("oauth2_client_secret", "canary"),
        ("oauth2_audiences", "a,b"),
    ] {
        map = map.with(name, text);
    }
    let config = read(&map);
    assert_eq!(config.auth.unwrap().method(), "token");
    let method = map.with("auth_method", "aws_ec2");
    let error = Config::from_settings(&method).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn blanks_at_the_ends_of_ids_do_not_count_and_those_of_passwords_do() {
    use crate::auth::Method;
    let shown = |secret: &Secret| format!("[{}]", secret.expose_str().unwrap());
    let given = |source: Option<Source>| match source {
        Some(Source::Given(secret)) => shown(&secret),
        other => panic!("{other:?}"),
    };
    let approle = SettingMap::new()
        .with("auth_method", "approle")
        .with("approle_role_id", " r\n")
        .with("approle_secret_id", "s \n");
    for map in [
        approle.clone(),
        approle.with("approle_response_wrapping", "true"),
    ] {
        let Method::AppRole {
            role_id, secret_id, ..
        } = read(&map).auth.unwrap().method
        else {
            panic!("another method");
        };
        assert_eq!(
            (shown(&role_id), given(secret_id)),
            ("[r]".into(), "[s]".into())
        );
    }
    let user = SettingMap::new()
        .with("auth_method", "userpass")
        .with("userpass_username", "u")
        .with("userpass_password", " p ");
    let Method::UserPass { password, .. } = read(&user).auth.unwrap().method else {
        panic!("another method");
    };
    assert_eq!(given(Some(password)), "[ p ]");
}

#[test]
fn a_certificate_of_the_environment_gives_way_where_there_is_no_tls() {
    let check = |address: &str, expected: bool| {
        let map = with_token().with("address", address);
        let map = variable(map, "client_cert_file", "VAULT_CLIENT_CERT", "/c");
        let map = variable(map, "client_key_file", "VAULT_CLIENT_KEY", "/k");
        assert_eq!(read(&map).tls.client_cert.is_some(), expected, "{address}");
    };
    check("http://h", false);
    check("https://h", true);
}

#[test]
fn a_session_of_the_environment_does_not_come_with_a_key_of_the_configuration() {
    let aws = SettingMap::new()
        .with("auth_method", "aws_iam")
        .with("aws_auth_role", "r")
        .with("aws_auth_region", "eu-central-1")
        .with("aws_access_key_id", "i")
        .with("aws_secret_access_key", "k");
    let aws = variable(aws, "aws_session_token", "AWS_SESSION_TOKEN", "env");
    let auth = read(&aws).auth.unwrap();
    let crate::auth::Method::AwsIam { keys, .. } = auth.method else {
        panic!("{auth:?}");
    };
    assert!(keys.session.is_none());
}

#[test]
fn nothing_shows_a_credential() {
    let config = read(&with_token())
        .with_auth(Auth::approle("canary", Source::given("canary")))
        .with_ca(Source::given("canary"))
        .with_client_certificate(Source::given("canary"), Source::given("canary"));
    let aws =
        crate::AwsKeys::new("canary", Secret::from("canary")).with_session(Secret::from("canary"));
    let config = config.with_address("https://vault.example.com:8200/p");
    let kv = crate::Kv::new(config.clone()).unwrap();
    assert!(format!("{config:?}").contains("https://vault.example.com:8200/p"));
    for address in [
        "https://user:canary@vault.example.com",
        "https://canary@vault.example.com",
        "canary",
    ] {
        let config = Config::default().with_address(address);
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    let shown = format!("{config:?} {config:#?} {aws:?} {kv:?} {kv:#?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn an_address_that_code_gives_holds_no_credentials_either() {
    let config = read(&with_token()).with_address("http://user:canary@h");
    let error = crate::Kv::new(config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("has a user or a password in it"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
