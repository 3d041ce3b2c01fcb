//! Single references, part by part; the cases of the original's grammar stand in `vectors`.

#![cfg(test)]

use core::time::Duration;

use perennial_reference::{Coerce, OptionValue, Reference, VaultName, VersionSpec};

/// Compares vault, resource, key and canonical text.
fn check(text: &str, (vault, resource, key): (&str, &str, Option<&str>), canonical: &str) {
    let reference = Reference::parse(text).unwrap();
    let found = (reference.vault(), reference.resource(), reference.key());
    assert_eq!(found, (vault, resource, key), "{text}");
    assert_eq!(reference.to_string(), canonical, "{text}");
    assert_eq!(Reference::parse(canonical), Ok(reference), "{text}");
}

/// A text that is canonical itself.
fn check_canonical(text: &str, parts: (&str, &str, Option<&str>)) {
    check(text, parts, text);
}

#[test]
fn the_references_of_the_page_on_rotation_are_read_as_printed() {
    for vault in ["aws", "gcp", "hcv"] {
        let parts = (vault, "my-secret-name", Some("foo"));
        check_canonical(&format!("{{vault://{vault}/my-secret-name/foo}}"), parts);
        let own =
            format!("{{vault://{vault}/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}}");
        check_canonical(&own, parts);
        let own = Reference::parse(&own).unwrap();
        let options = own.options();
        assert_eq!(options.ttl(), Some(Duration::from_secs(600)));
        assert_eq!(options.neg_ttl(), Some(Duration::from_secs(30)));
        assert_eq!(options.resurrect_ttl(), Some(Duration::from_secs(600)));
        assert_eq!(options.refresh_ahead(), None);

        let certs = format!("{vault}-certs");
        let text = format!("{{vault://{certs}/certs/web-site}}");
        check_canonical(&text, (&certs, "certs", Some("web-site")));
    }
}

#[test]
fn the_canonical_path_keeps_slashes_apart() {
    check(
        "{vault://env/a%2Fb}",
        ("env", "a/b", None),
        "{vault://env/a/b/}",
    );
    check(
        "{vault://env/a%2fb/c}",
        ("env", "a/b", Some("c")),
        "{vault://env/a/b/c}",
    );
    check(
        "{vault://env/%2Fa/}",
        ("env", "/a", None),
        "{vault://env/%2Fa}",
    );
    check_canonical("{vault://env/%2Fa/b}", ("env", "/a", Some("b")));
    check(
        "{vault://env/a%2F%2Fb}",
        ("env", "a//b", None),
        "{vault://env/a/%2Fb/}",
    );
    check(
        "{vault://env/a/%2F/b/}",
        ("env", "a///b", None),
        "{vault://env/a/%2F/b/}",
    );
    check_canonical("{vault://env/a%2F}", ("env", "a/", None));
    check_canonical("{vault://env/%2F}", ("env", "/", None));
    check_canonical("{vault://env/%2F%2F}", ("env", "//", None));
    check_canonical("{vault://env/a/b%2Fc}", ("env", "a", Some("b/c")));
}

#[test]
fn a_key_may_be_named() {
    check(
        "{vault://env/a/b?key=c}",
        ("env", "a/b", Some("c")),
        "{vault://env/a/b/c}",
    );
    check(
        "{vault://env/a/b/?key=c}",
        ("env", "a/b", Some("c")),
        "{vault://env/a/b/c}",
    );
    check(
        "{vault://env/a?key=b/c}",
        ("env", "a", Some("b/c")),
        "{vault://env/a/b%2Fc}",
    );
    check(
        "{vault://env/a?key=x+y%2B}",
        ("env", "a", Some("x y+")),
        "{vault://env/a/x y+}",
    );
}

#[test]
fn a_pointer_leaves_the_path_whole() {
    let text = "{vault://aws/app/db?pointer=/users/0/na~1me~0}";
    check_canonical(text, ("aws", "app/db", None));
    assert_eq!(
        Reference::parse(text).unwrap().pointer(),
        Some("/users/0/na~1me~0")
    );
    check(
        "{vault://aws/db/?pointer=/}",
        ("aws", "db", None),
        "{vault://aws/db?pointer=/}",
    );
}

#[test]
fn only_what_must_be_is_escaped() {
    check_canonical(
        "{vault://env/a;b+c d:e@f=g&h,i\\j\"k|l}",
        ("env", "a;b+c d:e@f=g&h,i\\j\"k|l", None),
    );
    check("{vault://env/%}", ("env", "%", None), "{vault://env/%25}");
    check(
        "{vault://env/%7B%7d%3f%23%C3%A9}",
        ("env", "{}?#é", None),
        "{vault://env/%7B%7D%3F%23é}",
    );
    check(
        "{vault://env/a?p=%7B/?;+=%26%2B%25&q%3Dr}",
        ("env", "a", None),
        "{vault://env/a?p=%7B/?;%20=%26%2B%25&q%3Dr}",
    );
}

#[test]
fn options_are_printed_in_one_order() {
    let text = "{vault://env/a?zone=b&coerce=scalar&base64_decode&refresh_ahead=1m&resurrect_ttl=1d\
                &neg_ttl=0.50&ttl=6h&app&pointer=/x&&}";
    let printed = "{vault://env/a?ttl=21600&neg_ttl=0.5&resurrect_ttl=86400&refresh_ahead=60\
                   &pointer=/x&base64_decode=true&coerce=scalar&app&zone=b}";
    check(text, ("env", "a", None), printed);
    let reference = Reference::parse(text).unwrap();
    let options = reference.options();
    assert_eq!(options.refresh_ahead(), Some(Duration::from_secs(60)));
    assert_eq!(options.base64_decode(), Some(true));
    assert_eq!(options.coerce(), Some(Coerce::Scalar));
    let others: Vec<_> = options.others().collect();
    assert_eq!(
        others,
        [
            ("app".into(), OptionValue::Flag),
            ("zone".into(), OptionValue::Text("b".into())),
        ]
    );
    check_canonical("{vault://env/a?base64_decode=false}", ("env", "a", None));
}

#[test]
fn no_options_are_no_options() {
    for query in ["", "?", "?&", "?&&&"] {
        let reference = Reference::parse(&format!("{{vault://env/a{query}}}")).unwrap();
        assert!(reference.options().is_empty());
        assert_eq!(reference.as_str(), "{vault://env/a}");
    }
    assert!(
        !Reference::parse("{vault://env/a?x}")
            .unwrap()
            .options()
            .is_empty()
    );
    assert!(
        !Reference::parse("{vault://env/a?ttl=0}")
            .unwrap()
            .options()
            .is_empty()
    );
}

#[test]
fn a_hundred_options_are_allowed_and_printed_back() {
    let mut text = "{vault://env/a?key=b/c".to_owned();
    (1..100).for_each(|number| text += &format!("&o{number:02}"));
    let reference = Reference::parse(&(text.clone() + "}")).unwrap();
    assert_eq!(reference.options().others().count(), 99);
    assert_eq!(Reference::parse(reference.as_str()), Ok(reference));
    assert!(Reference::parse(&(text + "&more}")).is_err());
}

#[test]
fn versions_are_numbers_ids_and_stages() {
    let version = |text: &str| Reference::parse(text).unwrap().version().cloned();
    assert_eq!(version("{vault://aws/a}"), None);
    assert_eq!(version("{vault://aws/a#007}"), Some(VersionSpec::Number(7)));
    assert_eq!(
        version("{vault://aws/a#v:7}"),
        Some(VersionSpec::Id("7".into()))
    );
    assert_eq!(
        version("{vault://aws/a?ttl=5#stage:X%2FY}"),
        Some(VersionSpec::Stage("X/Y".into()))
    );
    check(
        "{vault://aws/a#007}",
        ("aws", "a", None),
        "{vault://aws/a#7}",
    );
    check(
        "{vault://aws/a#v:%61%23}",
        ("aws", "a", None),
        "{vault://aws/a#v:a%23}",
    );
}

#[test]
fn a_map_can_be_asked_with_canonical_text() {
    let reference = Reference::parse("{vault://env//a}").unwrap();
    let map = std::collections::HashMap::from([(reference.clone(), 1)]);
    assert_eq!(map.get("{vault://env/a}"), Some(&1));
    assert_eq!(map.get(&reference), Some(&1));
    let name = VaultName::new("env").unwrap();
    assert_eq!(reference.vault_name(), name);
    assert_eq!(
        std::collections::BTreeMap::from([(name, 1)]).get("env"),
        Some(&1)
    );
}

#[cfg(feature = "serde")]
mod serde {
    use perennial_reference::{Reference, Template, VaultName};
    use serde_json::{from_str, to_string};

    #[test]
    fn types_are_their_canonical_text() {
        let reference: Reference = from_str(r#""{vault://env//a?ttl=1m}""#).unwrap();
        assert_eq!(
            to_string(&reference).unwrap(),
            r#""{vault://env/a?ttl=60}""#
        );
        let name: VaultName = from_str(r#""aws-certs""#).unwrap();
        assert_eq!(to_string(&name).unwrap(), r#""aws-certs""#);
        let template: Template = from_str(r#""a {vault://env//b} {{vault://""#).unwrap();
        assert_eq!(
            to_string(&template).unwrap(),
            r#""a {vault://env/b} {{vault://""#
        );
    }

    #[test]
    fn an_error_is_the_parsers() {
        let error = from_str::<Reference>(r#""{vault://env}""#).unwrap_err();
        assert!(
            error.to_string().starts_with("missing path at byte 12"),
            "{error}"
        );
        let error = from_str::<VaultName>("true").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("found a boolean, expected the name of"),
            "{error}"
        );
    }
}
