//! What each kind of error says, word for word; which texts are wrong is tested elsewhere.

#![cfg(test)]

use std::collections::BTreeSet;

use perennial_reference::{ParseError, ParseErrorKind, Reference, Template, VaultName};

/// Compares kind, offset, option and message.
fn check(error: &ParseError, kind: &str, offset: usize, option: Option<&str>, message: &str) {
    assert_eq!(error.kind().as_str(), kind, "{error}");
    assert_eq!(error.offset(), offset, "{error}");
    assert_eq!(error.option(), option, "{error}");
    assert_eq!(error.to_string(), message);
}

fn reference(text: &str) -> ParseError {
    Reference::parse(text).unwrap_err()
}

#[test]
fn every_kind_says_what_was_expected_and_found() {
    check(
        &reference("hunter2"),
        "not_a_reference",
        0,
        None,
        "not a reference at byte 0: expected text that starts with `{vault://` and ends with `}`, \
         found other text, not shown since it may be a secret, as in `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://env/hunter2"),
        "not_a_reference",
        20,
        None,
        "not a reference at byte 20: expected text that starts with `{vault://` and ends with \
         `}`, found no closing brace at the end, as in `{vault://env/db-password}`",
    );
    check(
        &Template::parse("Bearer {vault://env/token").unwrap_err(),
        "unterminated",
        7,
        None,
        "unterminated reference at byte 7: expected `}` after `{vault://`, or `{{vault://` for \
         the text itself, found no `}`, as in `Bearer {vault://env/token}`",
    );
    check(
        &reference("{vault:///token}"),
        "missing_vault",
        9,
        None,
        "missing vault at byte 9: expected the name of a vault, found nothing, as in \
         `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://my_vault/token}"),
        "invalid_vault",
        11,
        None,
        "invalid vault name at byte 11: expected two or more of `a`-`z`, `0`-`9` and `-`, a \
         letter first and no hyphen last, found `my_vault`, as in `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://env}"),
        "missing_path",
        12,
        None,
        "missing path at byte 12: expected `/` and the name of a resource, found the end, as in \
         `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://env/?ttl=5}"),
        "empty_path",
        13,
        None,
        "empty path at byte 13: expected the name of a resource, found nothing, as in \
         `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://env///}"),
        "empty_resource",
        13,
        None,
        "empty resource at byte 13: expected the name of a resource, found only slashes, as in \
         `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://env/a{b}"),
        "unescaped_brace",
        14,
        None,
        "unescaped brace at byte 14: expected `%7B` or `%7D` for a brace inside a reference, \
         found `{`, as in `{vault://env/a%7Bb%7D}`",
    );
    check(
        &reference("{vault://env/a\nb}"),
        "control_character",
        14,
        None,
        "control character at byte 14: expected printable text, found the byte 0x0a, as in \
         `{vault://env/db-password}`",
    );
    check(
        &reference("{vault://env/a%FFb}"),
        "invalid_utf8",
        14,
        None,
        "invalid utf-8 at byte 14: expected escapes that spell utf-8, found the byte 0xff out of \
         place, as in `{vault://env/caf%C3%A9}`",
    );
    check(
        &reference("{vault://aws/db#latest}"),
        "invalid_version",
        16,
        None,
        "invalid version at byte 16: expected a decimal number below 2^64, `v:` and an id, or \
         `stage:` and a label, as the last part, found `latest`, as in \
         `{vault://aws/db/password#1}`",
    );
    check(
        &reference("{vault://aws/db?ttl=5&=v}"),
        "missing_option_name",
        22,
        None,
        "missing option name at byte 22: expected a name before `=`, found nothing, as in \
         `{vault://aws/db/password?ttl=600&neg_ttl=30}`",
    );
    check(
        &reference("{vault://aws/db?ttl=}"),
        "empty_option",
        20,
        Some("ttl"),
        "empty value of option `ttl` at byte 20: expected seconds such as `600` or `0.5`, or a \
         whole number and a unit such as `30s`, `5m`, `6h` or `1d`, at most 100000000 seconds, \
         found nothing, as in `{vault://aws/db/password?ttl=600&neg_ttl=30}`",
    );
    check(
        &reference("{vault://aws/db?pointer=a}"),
        "invalid_option",
        24,
        Some("pointer"),
        "invalid value of option `pointer` at byte 24: expected a json pointer such as \
         `/a/0/b`, with `~` written as `~0`, found `a`, as in \
         `{vault://aws/db?pointer=/users/0/password}`",
    );
    check(
        &reference("{vault://aws/db?a=1&%61=2}"),
        "repeated_option",
        20,
        Some("a"),
        "repeated option `a` at byte 20: expected it once, found it a second time, as in \
         `{vault://aws/db/password?ttl=600&neg_ttl=30}`",
    );
    let many: String = (0..101).map(|number| format!("&o{number:03}")).collect();
    check(
        &reference(&format!("{{vault://aws/db?{many}}}")),
        "too_many_options",
        517,
        None,
        "too many options at byte 517: expected at most 100 options, found another, as in \
         `{vault://aws/db/password?ttl=600&neg_ttl=30}`",
    );
    check(
        &reference("{vault://aws/db?key=a&pointer=/b}"),
        "key_and_pointer",
        16,
        None,
        "key and pointer together at byte 16: expected either `key` or `pointer`, found both, as \
         in `{vault://aws/db?pointer=/users/0/password}`",
    );
}

#[test]
fn options_say_what_they_take() {
    let expected = |text: &str, option: &str, words: &str| {
        let error = reference(text);
        assert_eq!(error.option(), Some(option), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    expected("{vault://aws/db?ttl}", "ttl", "found no value");
    expected("{vault://aws/db?neg_ttl=-1}", "neg_ttl", "found `-1`");
    expected(
        "{vault://aws/db?resurrect_ttl=1e3}",
        "resurrect_ttl",
        "`30s`",
    );
    expected(
        "{vault://aws/db?refresh_ahead=nan}",
        "refresh_ahead",
        "`0.5`",
    );
    expected(
        "{vault://aws/db?coerce=yes}",
        "coerce",
        "expected `scalar`, found `yes`, as in `{vault://aws/db/port?",
    );
    expected(
        "{vault://aws/db?base64_decode=1}",
        "base64_decode",
        "expected `true` or `false`, found `1`, as in `{vault://aws/db/password?b",
    );
    expected(
        "{vault://aws/db?key=}",
        "key",
        "expected the name of a key, found nothing, as in `{vault://fs/tls?key=",
    );
    expected("{vault://aws/db?pointer=/a~2}", "pointer", "found `/a~2`");
    expected(
        "{vault://aws/db?prefix=a%00}",
        "prefix",
        "control character of option `prefix`",
    );
    expected(
        "{vault://aws/db?ttl=5&ttl=5}",
        "ttl",
        "repeated option `ttl`",
    );
}

#[test]
fn a_text_that_is_no_reference_is_never_shown() {
    for text in [
        "hunter2",
        "{vault://hunter2",
        "vault://hunter2}",
        "hunter2 {vault://env/a}",
    ] {
        let error = reference(text);
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    let error = Template::parse("hunter2 {vault://env} hunter2").unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("hunter2"),
        "{error:?}"
    );
}

#[test]
fn a_long_piece_is_cut() {
    let error = reference(&format!("{{vault://{}/a}}", "é".repeat(1000)));
    assert!(
        error
            .to_string()
            .contains(&format!("`{}…`", "é".repeat(48))),
        "{error}"
    );
    let error = reference(&format!("{{vault://env/a?{0}&{0}}}", "n".repeat(1000)));
    assert_eq!(error.option().map(|name| name.chars().count()), Some(49));
}

#[test]
fn the_offset_of_a_name_counts_from_its_start() {
    assert_eq!(VaultName::new("aws_certs").unwrap_err().offset(), 3);
}

#[test]
fn names_of_kinds_are_all_different_and_in_snake_case() {
    use ParseErrorKind as Kind;
    let kinds = [
        Kind::NotAReference,
        Kind::Unterminated,
        Kind::MissingVault,
        Kind::InvalidVault,
        Kind::MissingPath,
        Kind::EmptyPath,
        Kind::EmptyResource,
        Kind::UnescapedBrace,
        Kind::ControlCharacter,
        Kind::InvalidUtf8,
        Kind::InvalidVersion,
        Kind::MissingOptionName,
        Kind::EmptyOption,
        Kind::InvalidOption,
        Kind::RepeatedOption,
        Kind::TooManyOptions,
        Kind::KeyAndPointer,
    ];
    let names: BTreeSet<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), kinds.len());
    let snake = |name: &str| name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_' | b'8'));
    assert!(names.into_iter().all(snake));
}
