//! Tests of taking values out of answers.

use proptest::prelude::*;

use super::*;

fn view(part: Part) -> View {
    View {
        part,
        base64_decode: false,
        coerce: None,
    }
}

fn key(name: &str) -> View {
    view(Part::Member(name.into()))
}

fn pointer(pointer: &str) -> View {
    view(Part::Pointer(pointer.into()))
}

#[track_caller]
fn check(fetched: &Fetched, view: &View, expected: Result<&str, &str>) {
    let found = select(fetched, "db", view);
    let shown = match &found {
        Ok(secret) => Ok(secret.expose_str().unwrap()),
        Err(error) => Err(error.to_string()),
    };
    assert_eq!(
        shown.as_ref().map(|text| &**text).map_err(String::as_str),
        expected
    );
}

#[track_caller]
fn check_json(json: &str, view: &View, expected: Result<&str, &str>) {
    check(&Fetched::secret(Secret::new(json)), view, expected);
}

#[test]
fn a_key_names_a_member_that_is_a_string() {
    let json = r#"{"user":"alice","n":5,"t":true,"z":null,"a":[1],"o":{"x":"y"},"e":"","user":"bob",
        "dotted.name":"literal","esc\u0061ped":"\u00e9\n"}"#;
    check_json(json, &view(Part::Whole), Ok(json));
    check_json(json, &key("user"), Ok("bob"));
    check_json(json, &key("e"), Ok(""));
    check_json(json, &key("dotted.name"), Ok("literal"));
    check_json(json, &key("escaped"), Ok("é\n"));
    check_json(json, &key("User"), Err("`db` has no member `User`"));
    check_json(json, &key("o.x"), Err("`db` has no member `o.x`"));
    check_json(
        json,
        &key("n"),
        Err("member `n` of `db` is a number, not a string"),
    );
    check_json(
        json,
        &key("t"),
        Err("member `t` of `db` is a boolean, not a string"),
    );
    check_json(
        json,
        &key("z"),
        Err("member `z` of `db` is null, not a string"),
    );
    check_json(
        json,
        &key("a"),
        Err("member `a` of `db` is an array, not a string"),
    );
    check_json(
        json,
        &key("o"),
        Err("member `o` of `db` is an object, not a string"),
    );
}

#[test]
fn scalars_are_taken_as_they_are_written_where_that_is_asked_for() {
    let scalars = |part| View {
        coerce: Some(Coerce::Scalar),
        ..view(part)
    };
    let json = r#"{"n":12345678901234567890123,"f":1.50,"e":1E3,"t":true,"z":null,"o":{}}"#;
    for (name, expected) in [
        ("n", Ok("12345678901234567890123")),
        ("f", Ok("1.50")),
        ("e", Ok("1E3")),
        ("t", Ok("true")),
        ("z", Err("member `z` of `db` is null, not a string")),
        ("o", Err("member `o` of `db` is an object, not a string")),
    ] {
        check_json(json, &scalars(Part::Member(name.into())), expected);
    }
}

#[test]
fn a_pointer_leads_through_objects_and_arrays() {
    let json =
        r#"{"a":[{"b":"first"},{"b":"second"}],"x/y":{"~":"odd"},"":"empty name","s":"text"}"#;
    check_json(json, &pointer("/a/1/b"), Ok("second"));
    check_json(json, &pointer("/x~1y/~0"), Ok("odd"));
    check_json(json, &pointer("/"), Ok("empty name"));
    check_json(json, &pointer("/s"), Ok("text"));
    for missing in [
        "/a/2/b",
        "/a/01/b",
        "/a/-/b",
        "/a/+1/b",
        "/s/deeper",
        "/nothing",
        "/a/x",
    ] {
        check_json(
            json,
            &pointer(missing),
            Err(&format!("`db` has nothing at `{missing}`")),
        );
    }
    check_json(
        json,
        &pointer("/a"),
        Err("`/a` in `db` is an array, not a string"),
    );
}

#[test]
fn what_is_no_object_has_no_members_and_is_not_repeated() {
    for scalar in ["\"hunter2\"", "12345", "[\"hunter2\"]", "null"] {
        check_json(
            scalar,
            &key("password"),
            Err("`db` has no member `password`"),
        );
    }
    let message = "`db` is not JSON, so nothing can be looked up in it";
    for broken in [
        "hunter2",
        "{\"password\":\"hunter2\"",
        "",
        "{\"a\":1} trailing",
    ] {
        check_json(broken, &key("password"), Err(message));
    }
}

#[test]
fn members_are_chosen_by_name_and_written_as_an_object() {
    let mut members: Members = [
        ("user", Secret::new("al\"ice")),
        ("conf", Secret::new(r#"{"p":["q"]}"#)),
    ]
    .into_iter()
    .collect();
    let fetched = Fetched::members(members.clone());
    check(&fetched, &key("user"), Ok("al\"ice"));
    check(&fetched, &key("nobody"), Err("`db` has no member `nobody`"));
    check(&fetched, &pointer("/conf/p/0"), Ok("q"));
    check(&fetched, &pointer("/user"), Ok("al\"ice"));
    check(
        &fetched,
        &pointer("/conf/p/1"),
        Err("`db/conf` has nothing at `/p/1`"),
    );
    check(
        &fetched,
        &view(Part::Whole),
        Ok(r#"{"conf":"{\"p\":[\"q\"]}","user":"al\"ice"}"#),
    );

    members.insert(
        "bad",
        Err(Error::new(
            ErrorKind::PermissionDenied,
            "`db/bad` is locked",
        )),
    );
    let fetched = Fetched::members(members.clone());
    check(&fetched, &key("user"), Ok("al\"ice"));
    check(&fetched, &key("bad"), Err("`db/bad` is locked"));
    check(&fetched, &view(Part::Whole), Err("`db/bad` is locked"));

    members.insert("bad", Ok(Secret::new([0xff])));
    let fetched = Fetched::members(members);
    check(
        &fetched,
        &view(Part::Whole),
        Err("member `bad` of `db` is not text"),
    );
}

#[test]
fn base64_is_decoded_after_the_key_was_looked_up() {
    let decoded = |part| View {
        base64_decode: true,
        ..view(part)
    };
    let json = r#"{"std":"+/+/AAE=","url":"-_-_AAE","blank":" aGVs\n bG8 = ","bad":"a*b"}"#;
    let take = |name: &str| {
        select(
            &Fetched::secret(Secret::new(json)),
            "db",
            &decoded(Part::Member(name.into())),
        )
    };
    let bytes = [0xfb, 0xff, 0xbf, 0x00, 0x01];
    assert_eq!(take("std").unwrap().expose(), bytes);
    assert_eq!(take("url").unwrap().expose(), bytes);
    assert_eq!(take("blank").unwrap().expose(), b"hello");
    assert_eq!(take("bad").unwrap_err().to_string(), "`db` is not base64");
}

proptest! {
    #[test]
    fn no_answer_panics_or_shows_itself(
        content in ".{0,12}canary.{0,12}",
        name in "[a-z]{1,3}",
        place in "(/[a-z0-9~/]{0,3}){0,3}",
    ) {
        for part in [Part::Member(name.into()), Part::Pointer(place.into()), Part::Whole] {
            for base64_decode in [false, true] {
                let view = View { part: part.clone(), base64_decode, coerce: None };
                if let Err(error) = select(&Fetched::secret(Secret::new(&*content)), "db", &view) {
                    let shown = format!("{error} {error:?} {:?}", error.help());
                    prop_assert!(!shown.contains("canary"));
                }
            }
        }
    }

    #[test]
    fn members_are_found_as_serde_json_finds_them(
        members in prop::collection::btree_map("[a-c]{1,2}", ".{0,8}", 0..5),
        name in "[a-c]{1,2}",
    ) {
        let json = serde_json::to_string(&members).unwrap();
        let found = select(&Fetched::secret(Secret::new(json)), "db", &key(&name)).ok();
        let found = found.map(|secret| secret.expose_str().unwrap().to_owned());
        prop_assert_eq!(found.as_deref(), members.get(&name).map(String::as_str));
    }
}
