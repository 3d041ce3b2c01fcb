//! Whole configurations resolved through the public API.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use perennial_backend::Secret;
use perennial_resolver::{ErrorKind, Resolver};
use perennial_testkit::{Fault, ScriptedBackend};
use serde::Deserialize;
use serde_json::{Value, json};

fn store() -> ScriptedBackend {
    let store = ScriptedBackend::new();
    store.put(
        "db",
        r#"{"user":"alice","password":"pa55-canary","port":"5432","debug":"true"}"#,
    );
    store.put("plain", "pla1n");
    store
}

fn resolver(store: &ScriptedBackend) -> Resolver {
    Resolver::builder()
        .backends(store.backends())
        .build()
        .unwrap()
}

#[tokio::test]
async fn references_are_replaced_wherever_they_stand_and_all_else_passes() {
    let store = store();
    let source = json!({
        "db": {
            "user": "{vault://scripted/db/user}",
            "port": 5432,
            "nested": [["{vault://scripted/plain}", null], {"x": "{vault://scripted/db/user}"}],
        },
        "list": ["a", "{vault://scripted/plain}", true, 1.5, -3],
        "{vault://scripted/key-is-no-value}": "kept",
        "header": "Bearer {vault://scripted/plain}",
        "almost": " {vault://scripted/plain}",
        "empty": "",
        "none": null,
    });
    let before = source.clone();
    let resolved: Value = resolver(&store).resolve(&source).await.unwrap();
    assert_eq!(source, before);
    assert_eq!(
        resolved,
        json!({
            "db": {
                "user": "alice",
                "port": 5432,
                "nested": [["pla1n", null], {"x": "alice"}],
            },
            "list": ["a", "pla1n", true, 1.5, -3],
            "{vault://scripted/key-is-no-value}": "kept",
            "header": "Bearer {vault://scripted/plain}",
            "almost": " {vault://scripted/plain}",
            "empty": "",
            "none": null,
        })
    );
    assert_eq!(
        store.calls(),
        2,
        "two secrets, however often each is mentioned"
    );
    let again: Value = resolver(&store).resolve(&resolved).await.unwrap();
    assert_eq!(again, resolved);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    database: Database,
    tokens: BTreeSet<String>,
    peers: BTreeMap<String, Option<String>>,
    mode: Mode,
    tuple: (u8, String),
    wrapped: Wrapped,
}

#[derive(Debug, Deserialize)]
struct Database {
    user: String,
    password: Secret,
    port: u16,
    debug: bool,
    #[serde(default)]
    replica: Option<Box<Self>>,
}

#[derive(Debug, Deserialize)]
struct Wrapped(Secret);

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Off,
    Basic { user: String },
    Token(String),
}

fn service() -> Value {
    json!({
        "database": {
            "user": "{vault://scripted/db/user}",
            "password": "{vault://scripted/db/password}",
            "port": "{vault://scripted/db/port}",
            "debug": "{vault://scripted/db/debug}",
        },
        "tokens": ["{vault://scripted/plain}", "literal"],
        "peers": {"one": "{vault://scripted/plain}", "two": null},
        "mode": {"basic": {"user": "{vault://scripted/db/user}"}},
        "tuple": [7, "{vault://scripted/plain}"],
        "wrapped": "{vault://scripted/plain}",
    })
}

#[tokio::test]
async fn any_type_that_serde_reads_can_be_the_target() {
    let store = store();
    let service: Service = resolver(&store).resolve(&service()).await.unwrap();
    assert_eq!(service.database.user, "alice");
    assert_eq!(service.database.password.expose(), b"pa55-canary");
    assert_eq!(
        (service.database.port, service.database.debug),
        (5432, true)
    );
    assert!(service.database.replica.is_none());
    assert_eq!(
        service.tokens,
        ["literal", "pla1n"].map(String::from).into()
    );
    assert_eq!(service.peers["one"].as_deref(), Some("pla1n"));
    assert_eq!(service.peers["two"], None);
    assert_eq!(
        service.mode,
        Mode::Basic {
            user: "alice".to_owned()
        }
    );
    assert_eq!(service.tuple, (7, "pla1n".to_owned()));
    assert_eq!(service.wrapped.0.expose(), b"pla1n");
    assert!(!format!("{service:?}").contains("canary"));
}

#[tokio::test]
async fn variants_without_and_with_one_value_are_read() {
    let store = store();
    let secrets = resolver(&store);
    assert_eq!(
        secrets.resolve::<Mode, _>(&json!("off")).await.unwrap(),
        Mode::Off
    );
    let token = secrets
        .resolve::<Mode, _>(&json!({"token": "{vault://scripted/plain}"}))
        .await;
    assert_eq!(token.unwrap(), Mode::Token("pla1n".to_owned()));
}

#[tokio::test]
async fn all_problems_are_told_at_once_with_their_places() {
    let store = store();
    let mut source = service();
    source["database"]["user"] = json!("{vault://scripted/db/nobody}");
    source["tokens"][1] = json!("{vault://nowhere/x}");
    let error = resolver(&store)
        .resolve::<Service, _>(&source)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let places: Vec<_> = error
        .problems()
        .iter()
        .map(perennial_resolver::Problem::place)
        .collect();
    assert_eq!(places, ["database.user", "tokens.1"]);
    assert_eq!(
        error.to_string(),
        "2 references cannot be resolved\n\
         - at `database.user`: cannot resolve {vault://scripted/db/nobody}: `db` has no member \
         `nobody`\n\
         - at `tokens.1`: cannot resolve {vault://nowhere/x}: there is no vault `nowhere`"
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_told_by_its_place_and_never_shown() {
    let store = store();
    let secrets = resolver(&store);
    for (field, reference, expected) in [
        (
            "port",
            "{vault://scripted/db/password}",
            "the configuration does not fit at `database.port`: expected a whole number, found \
             another value",
        ),
        (
            "debug",
            "{vault://scripted/db/password}",
            "the configuration does not fit at `database.debug`: expected a boolean, found another \
             value",
        ),
        (
            "replica",
            "{vault://scripted/db/password}",
            "the configuration does not fit at `database.replica`: expected struct Database, found \
             a text",
        ),
    ] {
        let mut source = service();
        source["database"][field] = json!(reference);
        let error = secrets.resolve::<Service, _>(&source).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("canary"));
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
}

/// A type whose own error message repeats the value, as many do.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Talkative;

impl TryFrom<String> for Talkative {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Err(format!("{text} is not what I like"))
    }
}

#[tokio::test]
async fn the_message_of_a_talkative_type_is_not_repeated() {
    let store = store();
    let source = json!({"a": ["{vault://scripted/db/password}"]});
    let resolved = resolver(&store)
        .resolve::<BTreeMap<String, Vec<Talkative>>, _>(&source)
        .await;
    let error = resolved.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration does not fit at `a.0`: the type of the configuration refuses it"
    );
    assert!(!format!("{error:?}").contains("canary"));
}

#[derive(Debug, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Column {
    User,
    Password,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(default)]
    order: Vec<Column>,
}

#[derive(Debug, Deserialize)]
struct Flat {
    #[serde(flatten)]
    strict: Strict,
}

#[tokio::test]
async fn an_unknown_field_is_named_if_it_is_a_key_and_never_if_it_is_a_value() {
    let store = store();
    let secrets = resolver(&store);
    let known: Flat = secrets
        .resolve(&json!({"order": ["user", "password"]}))
        .await
        .unwrap();
    assert!(matches!(
        known.strict.order[..],
        [Column::User, Column::Password]
    ));
    let error = secrets
        .resolve::<BTreeMap<String, Strict>, _>(&json!({"a": {"oder": []}}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration does not fit at `a.oder`: unknown field, expected order"
    );
    let source = json!({"order": ["user", "{vault://scripted/db/password}"]});
    let errors = [
        secrets.resolve::<Strict, _>(&source).await.unwrap_err(),
        secrets.resolve::<Flat, _>(&source).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            error.to_string().contains("expected user, password"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn an_outage_never_leaves_the_reference_or_an_empty_text_behind() {
    let store = store();
    store.fault(Fault::outage());
    let error = resolver(&store)
        .resolve::<Value, _>(&service())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.problems().len(), 9);
}
