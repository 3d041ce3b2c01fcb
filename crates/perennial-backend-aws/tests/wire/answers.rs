//! Whatever the store answers: a value comes only where there is one, as it was sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perennial_backend::{Payload, Request, Selector};
use perennial_testkit::http::Answer;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::{Scene, shows_nothing};

/// A JSON value of some kind, mostly not the one that belongs there.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "canary[ -~]{0,8}".prop_map(Value::from),
        proptest::collection::vec("[A-Z]{0,12}", 0..3).prop_map(Value::from),
        Just(json!({"canary": ["canary"]})),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let stages = prop_oneof![Just(json!(["AWSCURRENT"])), anything()];
    let binary = prop_oneof![Just(json!(STANDARD.encode(b"canary"))), anything()];
    let fields = (
        anything(),
        anything(),
        stages,
        anything(),
        binary,
        anything(),
    );
    let object = fields.prop_map(|(arn, version, stages, text, binary, created)| {
        json!({"ARN": arn, "VersionId": version, "VersionStages": stages, "SecretString": text,
               "SecretBinary": binary, "CreatedDate": created})
        .to_string()
        .into_bytes()
    });
    let cut = (object, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(body, at, cut)| {
        let end = if cut {
            at.index(body.len())
        } else {
            body.len()
        };
        body.get(..end).unwrap_or_default().to_vec()
    });
    prop_oneof![4 => cut, 1 => proptest::collection::vec(any::<u8>(), 0..64)]
}

#[test]
fn a_value_comes_only_where_there_is_one_as_it_was_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let scene = Scene::start();
    let selectors = [
        Selector::Current,
        Selector::Pending,
        Selector::Stage("BLUE".into()),
    ];
    let case = (
        body(),
        prop::sample::select(selectors.to_vec()),
        200_u16..600,
    );
    let config = ProptestConfig {
        cases: 400,
        ..ProptestConfig::default()
    };
    proptest!(config, |((body, selector, status) in case)| {
        scene.always(Answer::json(status, "").with_body(body.clone()));
        let request = Request::new("db").with_selector(selector.clone());
        match runtime.block_on(scene.fetch(&request)) {
            Err(error) => shows_nothing(&error),
            Ok(fetched) => {
                let sent: Value = serde_json::from_slice(&body).unwrap();
                let text = sent["SecretString"].as_str().map(|text| text.as_bytes().to_vec());
                let binary = sent["SecretBinary"].as_str().and_then(|t| STANDARD.decode(t).ok());
                let came = match fetched.payload() {
                    Payload::Secret(secret) => secret.expose().to_vec(),
                    other => panic!("{other:?}"),
                };
                prop_assert!((200..300).contains(&status));
                prop_assert_eq!(Some(came), text.or(binary));
            }
        }
    });
}
