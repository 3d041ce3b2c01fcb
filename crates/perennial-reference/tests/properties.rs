//! What holds for every reference and every text; single cases stand in the other tests.

#![cfg(test)]

use core::fmt::Write;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use perennial_reference::{
    Coerce, OptionValue, Options, Ref, Reference, Segment, Template, VaultName, VersionSpec,
    is_reference, is_vault_name,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// Everything that a reference can mean.
#[derive(Clone, Debug, PartialEq)]
struct Meaning {
    vault: String,
    resource: String,
    key: Option<String>,
    version: Option<VersionSpec<'static>>,
    spans: [Option<Duration>; 4],
    pointer: Option<String>,
    base64_decode: Option<bool>,
    coerce: bool,
    others: BTreeMap<String, Option<String>>,
}

impl Meaning {
    fn of(reference: &Ref<'_>) -> Self {
        let options = reference.options();
        let others = options.others().map(|(name, value)| {
            let value = match value {
                OptionValue::Flag => None,
                value => Some(value.as_text().unwrap().to_owned()),
            };
            (name.into_owned(), value)
        });
        Self {
            vault: reference.vault().into(),
            resource: reference.resource().into(),
            key: reference.key().map(Into::into),
            version: reference.version().cloned().map(VersionSpec::into_owned),
            spans: [
                options.ttl(),
                options.neg_ttl(),
                options.resurrect_ttl(),
                options.refresh_ahead(),
            ],
            pointer: reference.pointer().map(Into::into),
            base64_decode: options.base64_decode(),
            coerce: options.coerce() == Some(Coerce::Scalar),
            others: others.collect(),
        }
    }

    /// Writes this in one of many ways, as `taste` has it.
    fn spelled(&self, mut taste: impl FnMut() -> bool) -> String {
        let mut query = Vec::new();
        for (name, span) in Options::COMMON.iter().zip(self.spans) {
            let Some(span) = span else { continue };
            let seconds = span.as_secs();
            query.push(match span.subsec_nanos() {
                0 if seconds % 3_600 == 0 && taste() => format!("{name}={}h", seconds / 3_600),
                0 if taste() => format!("{name}={seconds}s"),
                0 => format!("{name}={seconds}"),
                nanos => format!("{name}={seconds}.{nanos:09}"),
            });
        }
        let mut path = escaped(&self.resource, &mut taste);
        let mut ends_in_key = false;
        match (&self.key, &self.pointer) {
            (Some(key), _) if taste() => query.push(format!("key={}", escaped(key, &mut taste))),
            (Some(key), _) => {
                ends_in_key = true;
                let key = escaped(key, &mut taste);
                write!(path, "{}{key}", if taste() { "///" } else { "/" }).unwrap();
            }
            (None, Some(pointer)) => {
                query.push(format!("pointer={}", escaped(pointer, &mut taste)));
            }
            (None, None) => {}
        }
        if !ends_in_key && taste() {
            path.push('/');
        }
        match self.base64_decode {
            Some(true) if taste() => query.push("base64_decode".into()),
            Some(on) => query.push(format!("base64_decode={on}")),
            None => {}
        }
        if self.coerce {
            query.push("coerce=scalar".into());
        }
        for (name, value) in &self.others {
            let name = escaped(name, &mut taste);
            query.push(match value {
                None => name,
                Some(value) => format!("{name}={}", escaped(value, &mut taste)),
            });
        }
        if taste() {
            query.reverse();
        }
        let mut text = format!("{{vault://{}/{path}", self.vault);
        if !query.is_empty() || taste() {
            write!(text, "?{}", query.join(if taste() { "&" } else { "&&" })).unwrap();
        }
        match &self.version {
            None => {}
            Some(VersionSpec::Id(id)) => write!(text, "#v:{}", escaped(id, &mut taste)).unwrap(),
            Some(VersionSpec::Stage(label)) => {
                write!(text, "#stage:{}", escaped(label, &mut taste)).unwrap();
            }
            Some(version) => write!(text, "#{}{version}", if taste() { "00" } else { "" }).unwrap(),
        }
        text + "}"
    }
}

/// Escapes more than must be, never less.
fn escaped(text: &str, mut taste: impl FnMut() -> bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let safe = byte.is_ascii_alphanumeric() || b"-._~:;,@!$*'()".contains(&byte);
        if safe && taste() {
            out.push(byte.into());
        } else if taste() {
            write!(out, "%{byte:02X}").unwrap();
        } else {
            write!(out, "%{byte:02x}").unwrap();
        }
    }
    out
}

/// Text that is hard on a grammar: every delimiter, and letters from near and far.
fn text() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        4 => "[a-c/%{}?#&=+ ;:~._|\\\\\"']",
        1 => "%[0-9a-fA-F]{2}",
        2 => "[a-z0-9]{1,8}",
        1 => "\\PC",
        1 => Just("{vault://".to_owned()),
    ];
    vec(parts, 1..8)
        .prop_map(|parts| parts.concat())
        .prop_filter("no controls", |text| {
            !text.bytes().any(|b| b.is_ascii_control())
        })
}

fn version() -> impl Strategy<Value = VersionSpec<'static>> {
    prop_oneof![
        any::<u64>().prop_map(VersionSpec::Number),
        text().prop_map(|id| VersionSpec::Id(id.into())),
        text().prop_map(|label| VersionSpec::Stage(label.into())),
    ]
}

fn span() -> impl Strategy<Value = Option<Duration>> {
    let nanos = prop_oneof![3 => Just(0), 1 => 0_u32..1_000_000_000];
    option::of((0_u64..100_000_000, nanos).prop_map(|(secs, nanos)| Duration::new(secs, nanos)))
}

fn meaning() -> impl Strategy<Value = Meaning> {
    let pointer = text().prop_map(|text| format!("/{}", text.replace('~', "~0")));
    let inside = prop_oneof![
        Just((None, None)),
        text().prop_map(|key| (Some(key), None)),
        pointer.prop_map(|pointer| (None, Some(pointer))),
    ];
    let others = btree_map(
        text(),
        option::of(prop_oneof![text(), Just(String::new())]),
        0..4,
    )
    .prop_map(|mut others| {
        others.retain(|name, _| !Options::COMMON.contains(&name.as_str()));
        others
    });
    let parts = (
        "[a-z][a-z0-9-]{0,6}[a-z0-9]",
        text(),
        inside,
        option::of(version()),
        [span(), span(), span(), span()],
        any::<Option<bool>>(),
        any::<bool>(),
        others,
    );
    parts.prop_map(
        |(vault, resource, (key, pointer), version, spans, base64_decode, coerce, others)| {
            Meaning {
                vault,
                resource,
                key,
                version,
                spans,
                pointer,
                base64_decode,
                coerce,
                others,
            }
        },
    )
}

/// A meaning and two ways to write it.
fn spelled_twice() -> impl Strategy<Value = (Meaning, String, String)> {
    (meaning(), vec(any::<bool>(), 61), vec(any::<bool>(), 67)).prop_map(|(meaning, one, two)| {
        let (mut one, mut two) = (one.into_iter().cycle(), two.into_iter().cycle());
        let one = meaning.spelled(|| one.next().unwrap());
        let two = meaning.spelled(|| two.next().unwrap());
        (meaning, one, two)
    })
}

/// Texts that are nearly references, and some that are.
fn mistyped() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        0_usize..3,
        "[/%{}?#&=+a\\x00\\n~é]{0,2}",
    );
    let edited = (spelled_twice(), vec(edit, 0..4)).prop_map(|((_, text, _), edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (index, removed, added) in edits {
            let from = index.index(chars.len() + 1);
            let to = (from + removed).min(chars.len());
            chars.splice(from..to, added.chars());
        }
        String::from_iter(chars)
    });
    prop_oneof![
        edited,
        "\\{vault://[a-e/?#%&=;:+{}2-]{0,20}\\}",
        any::<String>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_reference_means_what_was_written(
        (meaning, one, two) in spelled_twice()
    ) {
        let borrowed = Ref::parse(&one).unwrap();
        prop_assert_eq!(&Meaning::of(&borrowed), &meaning);
        let owned = Reference::parse(&one).unwrap();
        prop_assert_eq!(&Meaning::of(owned.parts()), &meaning);
        prop_assert_eq!(owned.parts(), &borrowed);
        prop_assert_eq!(owned.as_str(), borrowed.to_string());

        // Invariant: spelling does not count.
        let other = Reference::parse(&two).unwrap();
        prop_assert_eq!(other.as_str(), owned.as_str());
        prop_assert_eq!(&Ref::parse(&two).unwrap(), &borrowed);
        prop_assert_eq!(&other, &owned);
        prop_assert!(HashMap::from([(owned, ())]).contains_key(&other));
    }

    #[test]
    fn a_reference_is_made_of_its_parts(
        vault in "[a-z][a-z0-9-]{0,6}[a-z0-9]",
        resource in text(),
        key in option::of(text()),
        version in option::of(version()),
    ) {
        let made = Reference::new(&VaultName::new(&vault).unwrap(), &resource).unwrap();
        let made = match &key {
            Some(key) => made.with_key(key).unwrap(),
            None => made,
        };
        let made = match version.clone() {
            Some(version) => made.with_version(version).unwrap(),
            None => made,
        };
        prop_assert_eq!((made.vault(), made.resource()), (&*vault, &*resource));
        prop_assert_eq!((made.key(), made.version()), (key.as_deref(), version.as_ref()));
        prop_assert_eq!(Reference::parse(made.as_str()), Ok(made));
    }

    #[test]
    fn printing_and_reading_change_nothing((meaning, text, _) in spelled_twice()) {
        let printed = Reference::parse(&text).unwrap().to_string();
        let again = Reference::parse(&printed).unwrap();
        prop_assert_eq!(again.as_str(), &printed);
        prop_assert_eq!(Meaning::of(again.parts()), meaning);
        prop_assert_eq!(Ref::parse(&printed).unwrap().to_string(), printed);
    }

    #[test]
    fn no_text_brings_the_parser_down(text in mistyped()) {
        match Ref::parse(&text) {
            Ok(reference) => {
                prop_assert!(is_reference(&text));
                prop_assert!(is_vault_name(reference.vault()));
                prop_assert!(!reference.resource().is_empty());
                let owned = reference.clone().into_owned();
                prop_assert_eq!(owned.parts(), &reference);
                let again = Reference::parse(owned.as_str());
                prop_assert_eq!(again.as_ref(), Ok(&owned));
            }
            Err(error) => {
                prop_assert!(error.offset() <= text.len());
                prop_assert!(text.is_char_boundary(error.offset()) || !text.is_ascii());
                prop_assert_eq!(Reference::parse(&text), Err(error));
            }
        }
    }

    #[test]
    fn references_are_equal_just_when_their_parts_are(
        one in "\\{vault://env/[ab/]{1,4}(\\?([a=&]{0,5}|key=[ab/]))?(#0?[12])?\\}",
        two in "\\{vault://env/[ab/]{1,4}(\\?([a=&]{0,5}|key=[ab/]))?(#0?[12])?\\}",
    ) {
        let (Ok(one), Ok(two)) = (Reference::parse(&one), Reference::parse(&two)) else {
            return Ok(());
        };
        let same = Meaning::of(one.parts()) == Meaning::of(two.parts());
        prop_assert_eq!(one == two, same);
        prop_assert_eq!(one.parts() == two.parts(), same);
        prop_assert_eq!(one.cmp(&two).is_eq(), same);
    }

    #[test]
    fn templates_survive_printing(
        pieces in vec(prop_oneof![
            text(),
            "\\{{0,4}",
            "\\{{1,4}vault://",
            spelled_twice().prop_map(|(_, text, _)| text),
        ], 0..6),
    ) {
        let Ok(template) = Template::parse(&pieces.concat()) else { return Ok(()) };
        let printed = template.to_string();
        let again = Template::parse(&printed);
        prop_assert_eq!(again.as_ref(), Ok(&template));
        prop_assert_eq!(again.unwrap().to_string(), printed);
    }

    #[test]
    fn templates_hold_what_was_put_in(
        pieces in vec((text(), spelled_twice().prop_map(|(_, text, _)| text)), 0..4),
        last in text(),
    ) {
        let mut text = String::new();
        let mut expected = Vec::new();
        for (literal, reference) in &pieces {
            text += &doubled(&format!("{literal}{{vault://"));
            text.truncate(text.len() - "{{vault://".len());
            text += reference;
            expected.push((literal.as_str(), Some(Reference::parse(reference).unwrap())));
        }
        text += &doubled(&last);
        expected.push((&last, None));
        let template = Template::parse(&text).unwrap();
        let mut segments = template.segments();
        for (literal, reference) in &expected {
            prop_assert_eq!(segments.next(), Some(Segment::Literal(literal)));
            prop_assert_eq!(segments.next(), reference.as_ref().map(Segment::Reference));
        }
        prop_assert_eq!(segments.next(), None);
    }

    #[test]
    fn no_text_brings_the_template_down(text in "[{}a/ ]{0,4}", more in mistyped()) {
        let text = text + &more;
        if let Err(error) = Template::parse(&text) {
            prop_assert!(error.offset() <= text.len());
        }
    }
}

/// Doubles all braces that stand before `vault://`, in a slow and obvious way.
fn doubled(text: &str) -> String {
    let mut parts: Vec<_> = text.split("vault://").map(str::to_owned).collect();
    let last = parts.pop().unwrap();
    for part in &mut parts {
        let braces = part.len() - part.trim_end_matches('{').len();
        *part += &"{".repeat(braces);
        *part += "vault://";
    }
    parts.concat() + &last
}
