//! The settings: what they become, and what is refused by which name.

use perennial_backend::{ErrorKind, FieldClass};

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

#[test]
fn settings_become_a_configuration() {
    let given = SettingMap::new()
        .with("region", "xx-anything-9")
        .with("endpoint_url", "http://127.0.0.1:5000")
        .with("profile", "production")
        .with("config_file", "/a/config")
        .with("credentials_file", "/a/credentials")
        .with("access_key_id", "AKIA")
        .with("secret_access_key", "key")
        .with("session_token", "token")
        .with("assume_role_arn", ROLE)
        .with("role_session_name", "me")
        .with("assume_role_external_id", "outside")
        .with("sts_endpoint_url", "http://127.0.0.1:5001")
        .with("use_fips", "off")
        .with("use_dualstack", "false")
        .with("ca_file", "/a/ca.pem")
        .with("ca_text", "PEM")
        .with("read_schedule", "off");
    let config = Config::from_settings(&given).unwrap();
    let by_code = Config::default()
        .with_region("xx-anything-9")
        .with_endpoint_url("http://127.0.0.1:5000")
        .with_profile("production")
        .with_config_file("/a/config")
        .with_credentials_file("/a/credentials")
        .with_access_key("AKIA", Secret::from("key"))
        .with_session_token(Secret::from("token"))
        .with_assume_role_arn(ROLE)
        .with_role_session_name("me")
        .with_assume_role_external_id(Secret::from("outside"))
        .with_sts_endpoint_url("http://127.0.0.1:5001")
        .with_use_fips(false)
        .with_use_dualstack(false)
        .with_ca_file("/a/ca.pem")
        .with_ca_text("PEM")
        .with_read_schedule(false);
    assert_eq!(format!("{config:?}"), format!("{by_code:?}"));
    let secrets = |config: &Config| {
        [
            config.access_key_id.clone(),
            config.secret_access_key.clone(),
            config.session_token.clone(),
            config.assume_role_external_id.clone(),
        ]
        .map(|secret| secret.unwrap().expose().to_vec())
    };
    assert_eq!(secrets(&config), secrets(&by_code));
    assert_eq!(
        secrets(&config),
        [&b"AKIA"[..], b"key", b"token", b"outside"]
    );
}

#[test]
fn the_documented_defaults_are_those_of_the_code() {
    let config = Config::from_settings(&SettingMap::new()).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert_eq!(config.role_session_name, "KongVault");
}

#[test]
fn every_setting_is_kept_from_references() {
    for field in SETTINGS.fields() {
        assert_ne!(field.class(), FieldClass::Plain, "{}", field.name());
    }
}

#[test]
fn roles_are_parted_by_commas_but_may_have_some_in_their_names() {
    let check = |text: &str, expected: &[&str]| {
        let given = SettingMap::new().with("assume_role_arn", text);
        assert_eq!(
            Config::from_settings(&given).unwrap().assume_role_arn,
            expected
        );
    };
    check(ROLE, &[ROLE]);
    check(&format!("{ROLE}, {ROLE}2"), &[ROLE, &format!("{ROLE}2")]);
    check(&format!("{ROLE},b,{ROLE}"), &[&format!("{ROLE},b"), ROLE]);
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let check = |given: &[(&str, &str)], expected: &str| {
        let given = given.iter().fold(SettingMap::new(), |map, (name, value)| {
            map.with(*name, *value)
        });
        let error = Config::from_settings(&given).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.message(), expected);
        assert!(!format!("{error:?}{:?}", error.help()).contains("canary"));
    };
    check(&[("regoin", "x")], "there is no setting `regoin`");
    check(&[("region", "")], "setting `region` is empty");
    check(
        &[("region", "eu/../x")],
        "setting `region` takes letters, digits and dashes, not `eu/../x`",
    );
    check(
        &[("endpoint_url", "localhost:5000")],
        "setting `endpoint_url` takes a URL that begins with http:// or https://, not \
         `localhost:5000`",
    );
    check(
        &[("access_key_id", "canary")],
        "setting `secret_access_key` is required",
    );
    check(
        &[("secret_access_key", "canary")],
        "setting `access_key_id` is required",
    );
    check(
        &[("session_token", "canary")],
        "setting `access_key_id` is required",
    );
    check(
        &[("assume_role_external_id", "canary")],
        "setting `assume_role_arn` is required",
    );
    check(
        &[("assume_role_arn", "reader")],
        "setting `assume_role_arn` takes ARNs of roles, not `reader`",
    );
    check(
        &[("role_session_name", "my session")],
        "setting `role_session_name` takes 2 to 64 letters, digits and `_+=,.@-`, not `my session`",
    );
    for name in ["use_fips", "use_dualstack"] {
        for place in ["endpoint_url", "sts_endpoint_url"] {
            check(
                &[(name, "true"), (place, "http://x")],
                &format!("setting `{name}` chooses the endpoint, and `{place}` gives another one"),
            );
        }
    }
}

#[test]
fn variables_that_the_sdk_does_not_turn_into_settings_are_conventions() {
    let conventions = |name: &str| SETTINGS.field(name).unwrap().conventions();
    assert_eq!(conventions("region"), ["AWS_REGION", "AWS_DEFAULT_REGION"]);
    assert_eq!(conventions("ca_file"), ["AWS_CA_BUNDLE"]);
    // A profile that is named here counts before a key of the process; one of AWS_PROFILE must not.
    assert!(conventions("profile").is_empty());
}
