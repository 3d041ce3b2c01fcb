//! Answers as the server writes them, and what no server should.

use perennial_backend::UnixTime;
use proptest::prelude::*;

use super::*;

const SECOND: &str = r#"{"request_id":"r","lease_id":"","renewable":false,"lease_duration":0,
    "data":{"data":{"n":1.50,"big":12345678901234567890123,"s":"\u00e4\"\\","d":{"a":[1, 2]}},
    "metadata":{"created_time":"2018-03-22T02:24:06.945319214Z","custom_metadata":{"owner":"me"},
    "deletion_time":"","destroyed":false,"version":3}},"wrap_info":null,"warnings":null,"auth":null}"#;

#[test]
fn the_value_of_a_version_is_kept_as_it_was_written() {
    let found = versioned(SECOND.as_bytes()).unwrap();
    let expected = r#"{"n":1.50,"big":12345678901234567890123,"s":"\u00e4\"\\","d":{"a":[1, 2]}}"#;
    assert_eq!(found.object.unwrap().expose_str().unwrap(), expected);
    assert_eq!(found.facts.number, 3);
    assert_eq!(found.facts.version().id(), "3");
    assert_eq!(found.facts.created_at.unwrap().as_secs(), 1_521_685_446);
    assert_eq!(found.facts.deleted_at, None);
}

#[test]
fn a_deleted_and_a_destroyed_version_have_facts_and_no_value() {
    let check = |deletion: &str, destroyed: bool| {
        let body = format!(
            r#"{{"data":{{"data":null,"metadata":{{"created_time":"2018-03-22T02:24:06Z",
            "deletion_time":"{deletion}","destroyed":{destroyed},"version":2}}}}}}"#
        );
        let found = versioned(body.as_bytes()).unwrap();
        assert!(found.object.is_none());
        assert_eq!(found.facts.destroyed, destroyed);
        assert_eq!(found.facts.deleted_at.is_some(), !deletion.is_empty());
    };
    check("2018-03-22T02:36:43.986212308Z", false);
    check("", true);
    check("2018-03-22T02:36:43.986212308Z", true);
}

#[test]
fn the_lease_of_kv_1_is_a_hint_unless_nobody_set_it() {
    let check = |lease: &str, expected: Option<u64>| {
        let body = format!(r#"{{"lease_duration":{lease},"data":{{"ttl":"5m","a":"b"}}}}"#);
        let found = plain(body.as_bytes()).unwrap();
        assert_eq!(found.object.expose(), br#"{"ttl":"5m","a":"b"}"#);
        assert_eq!(found.ttl_hint, expected.map(Duration::from_secs), "{lease}");
    };
    check("300", Some(300));
    check("0", None);
    check("2764800", None);
    check("null", None);
}

#[test]
fn versions_are_listed_newest_first_with_the_state_of_each() {
    let version = |number: u64, deletion: &str, destroyed: bool| {
        format!(
            r#""{number}":{{"created_time":"2018-03-22T02:24:06Z","deletion_time":"{deletion}",
            "destroyed":{destroyed}}}"#
        )
    };
    let check = |current: u64, listed: &[String], expected: &[(u64, VersionState)]| {
        let listed = listed.join(",");
        let body = format!(r#"{{"data":{{"current_version":{current},"versions":{{{listed}}}}}}}"#);
        let found = versions(body.as_bytes(), UnixTime::from_secs(2_000_000_000)).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(facts, state)| (facts.number, *state))
            .collect();
        assert_eq!(found, expected);
    };
    use VersionState::{Current, Destroyed, Disabled, Other, Previous};
    check(0, &[], &[]);
    let past = "2018-03-22T02:36:43Z";
    let future = "2040-03-22T02:36:43Z";
    check(
        10,
        &[
            version(7, "", false),
            version(8, "", true),
            version(9, future, false),
            version(10, "", false),
            version(6, past, false),
            version(5, "", false),
        ],
        &[
            (10, Current),
            (9, Previous),
            (8, Destroyed),
            (7, Other),
            (6, Disabled),
            (5, Other),
        ],
    );
    check(
        2,
        &[version(1, "", false), version(2, past, false)],
        &[(2, Disabled), (1, Previous)],
    );
}

#[test]
fn a_mount_says_what_it_is() {
    let check = |data: &str, path: Option<&str>, engine: Result<Engine, Option<&str>>| {
        let found = mounted(format!(r#"{{"data":{data}}}"#).as_bytes()).unwrap();
        assert_eq!(found.path.as_deref(), path);
        assert_eq!(found.engine, engine.map_err(|kind| kind.map(str::to_owned)));
    };
    let second = r#"{"type":"kv","path":"secret/","options":{"version":"2"}}"#;
    check(second, Some("secret"), Ok(Engine::V2));
    check(
        r#"{"type":"kv","options":{"version":"1"}}"#,
        None,
        Ok(Engine::V1),
    );
    check(r#"{"type":"kv","options":null}"#, None, Ok(Engine::V1));
    check(r#"{"type":"generic","options":{}}"#, None, Ok(Engine::V1));
    check(r#"{"type":"cubbyhole"}"#, None, Ok(Engine::V1));
    check(
        r#"{"type":"database","options":null}"#,
        None,
        Err(Some("database")),
    );
    check(r#"{"type":"ca nary\n"}"#, None, Err(None));
}

#[test]
fn a_login_brings_a_token_and_its_terms() {
    let body = br#"{"data":null,"auth":{"client_token":"hvs.t","accessor":"a","policies":null,
        "lease_duration":60,"renewable":true,"mfa_requirement":null}}"#;
    let found = granted(body).unwrap();
    assert_eq!(found.token.expose(), b"hvs.t");
    assert_eq!(
        (found.lease, found.renewable),
        (Some(Duration::from_secs(60)), true)
    );
    let root = br#"{"data":{"id":"hvs.t","ttl":0,"renewable":false}}"#;
    let expected = Known {
        lease: None,
        renewable: false,
    };
    assert_eq!(known(root), Some(expected));
    let secret = br#"{"data":{"secret_id":"s","secret_id_accessor":"a"}}"#;
    assert_eq!(unwrapped(secret).unwrap().expose(), b"s");
}

#[test]
fn what_is_no_such_answer_is_none() {
    for body in [
        "",
        "canary",
        "<html>",
        "null",
        "[]",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":"text"}"#,
        r#"{"data":[1]}"#,
        r#"{"data":{"data":"text","metadata":{"version":1}}}"#,
        r#"{"data":{"data":{},"metadata":{}}}"#,
        r#"{"data":{"data":{},"metadata":{"version":-1}}}"#,
        r#"{"data":{"data":{}}"#,
    ] {
        let bytes = body.as_bytes();
        assert!(versioned(bytes).is_none(), "{body}");
        assert!(written(bytes).is_none(), "{body}");
        assert!(granted(bytes).is_none(), "{body}");
        assert!(known(bytes).is_none(), "{body}");
        assert!(unwrapped(bytes).is_none(), "{body}");
        assert!(mounted(bytes).is_none(), "{body}");
    }
    for body in [
        "",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":"text"}"#,
        r#"{"data":[]}"#,
    ] {
        assert!(plain(body.as_bytes()).is_none(), "{body}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (plain(&bytes), versioned(&bytes), written(&bytes), mounted(&bytes));
        let _ = (granted(&bytes), known(&bytes), unwrapped(&bytes));
        let _ = versions(&bytes, UnixTime::EPOCH);
    }

    #[test]
    fn no_cut_or_changed_answer_makes_a_reader_panic(
        at in 0..SECOND.len(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = SECOND.as_bytes().to_vec();
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
            prop_assert!(versioned(&bytes).is_none());
        }
        let _ = (plain(&bytes), versioned(&bytes), versions(&bytes, UnixTime::EPOCH));
    }

    #[test]
    fn every_object_comes_as_it_was(members in proptest::collection::btree_map(".{0,8}", ".{0,16}", 0..6)) {
        let object = serde_json::to_string(&members).unwrap();
        let body = format!(r#"{{"data":{{"data":{object},"metadata":{{"version":1}}}}}}"#);
        let found = versioned(body.as_bytes()).unwrap();
        prop_assert!(found.object.unwrap().expose() == object.as_bytes());
        let body = format!(r#"{{"data":{object}}}"#);
        prop_assert!(plain(body.as_bytes()).unwrap().object.expose() == object.as_bytes());
    }
}
