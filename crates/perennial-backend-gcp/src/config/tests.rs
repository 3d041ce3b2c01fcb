//! What settings become, and which are refused.

use perennial_backend::{ErrorKind, Setting};

use super::*;
use crate::SecretManager;

fn read(settings: &SettingMap) -> Config {
    Config::from_settings(settings).unwrap()
}

fn by_variable(map: SettingMap, field: &str, variable: &str, text: &str) -> SettingMap {
    let mut map = map;
    map.insert(field, Setting::new(text, Origin::Variable(variable.into())));
    map
}

#[test]
fn a_project_id_is_never_judged_by_its_spelling() {
    for id in ["my_project_id-1", "example.com:old", "123456789", "A"] {
        let config = read(&SettingMap::new().with("project_id", id));
        assert_eq!(config.project_id.as_deref(), Some(id));
    }
    for id in ["", "a/b", "..", ".", "a?b", "a#b", "a%2fb", "a\nb"] {
        let error = Config::from_settings(&SettingMap::new().with("project_id", id));
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{id}");
        assert!(error.message().contains("project_id"), "{error}");
    }
}

#[test]
fn the_endpoint_follows_location_domain_and_override() {
    let check = |config: Config, expected: &str| assert_eq!(config.endpoint(), expected);
    check(Config::default(), "https://secretmanager.googleapis.com");
    check(
        Config::default().with_location("europe-west3"),
        "https://secretmanager.europe-west3.rep.googleapis.com",
    );
    check(
        Config::default().with_universe_domain("example.cloud"),
        "https://secretmanager.example.cloud",
    );
    check(
        Config::default()
            .with_location("x")
            .with_endpoint_url("http://127.0.0.1:1/"),
        "http://127.0.0.1:1",
    );
}

#[test]
fn the_order_is_the_originals_where_its_variable_gives_the_account() {
    let check = |map: SettingMap, expected| assert_eq!(read(&map).auth_method_order, expected);
    let theirs = by_variable(
        SettingMap::new(),
        "service_account",
        "GCP_SERVICE_ACCOUNT",
        "{}",
    );
    check(theirs.clone(), AuthOrder::Legacy);
    check(
        theirs.clone().with("auth_method_order", "adc"),
        AuthOrder::Adc,
    );
    check(
        by_variable(theirs, "auth_method_order", "GCP_AUTH_METHOD_ORDER", "adc"),
        AuthOrder::Adc,
    );
    let ours = SettingMap::new().with("service_account", "{}");
    check(ours.clone(), AuthOrder::Adc);
    check(ours.with("auth_method_order", "legacy"), AuthOrder::Legacy);
}

#[test]
fn what_is_configured_goes_before_the_vendors_variables() {
    let file = |map| {
        by_variable(
            map,
            "credentials_file",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "/theirs",
        )
    };
    let config = read(&file(SettingMap::new().with("service_account", "{}")));
    assert!(config.service_account.is_some() && config.credentials_file.is_none());

    let both = by_variable(
        SettingMap::new().with("credentials_file", "/ours"),
        "service_account",
        "GCP_SERVICE_ACCOUNT",
        "{}",
    );
    let config = read(&both);
    assert!(config.service_account.is_none() && config.credentials_file.is_some());

    let explicit = SettingMap::new()
        .with("service_account", "canary")
        .with("credentials_file", "/ours");
    let error = Config::from_settings(&explicit).unwrap_err();
    assert!(error.message().contains("contradict"), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn given_credentials_and_a_method_that_uses_none_contradict_each_other() {
    for method in ["metadata", "anonymous"] {
        let given = SettingMap::new()
            .with("auth_method", method)
            .with("service_account", "canary");
        let error = Config::from_settings(&given).unwrap_err();
        assert!(error.message().contains("auth_method"), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
        // What merely lies in the environment is not meant.
        let found = by_variable(
            SettingMap::new().with("auth_method", method),
            "service_account",
            "GCP_SERVICE_ACCOUNT",
            "canary",
        );
        assert!(read(&found).service_account.is_none());
    }
}

#[test]
fn no_credential_is_in_debug() {
    let config = Config::default().with_service_account(Secret::from("canary"));
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn an_endpoint_is_a_url_and_holds_no_credentials() {
    for url in ["", "secretmanager", "https://user:canary@host"] {
        let error = SecretManager::new(Config::default().with_endpoint_url(url));
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn a_host_is_the_name_of_a_host() {
    for host in ["metadata", "127.0.0.1:8080", "[::1]:80", "a-b.example.com"] {
        read(&SettingMap::new().with("metadata_host", host));
    }
    for host in ["", "http://a", "a/b", "a?b", "a@b", "a b"] {
        let given = SettingMap::new().with("metadata_host", host);
        assert!(Config::from_settings(&given).is_err(), "{host:?}");
    }
}
