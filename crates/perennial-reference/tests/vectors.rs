//! The cases of the grammar, with what the original makes of them; other tests stand elsewhere.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use perennial_reference::{OptionValue, Options, ParseErrorKind, Ref, Reference, is_reference};
use serde_json::Value;

const KONG: &str = include_str!("vectors/kong.tsv");
const OPTIONS: &str = include_str!("vectors/options.tsv");
const IDS: &str = include_str!("vectors/ids.txt");

/// How many cases the original's grammar has.
const CASES: usize = 121;

/// Which deviation makes which rows differ: a second account of the last column, so that none
/// changes unnoticed.
const DEVIATIONS: &[(&str, &str)] = &[
    ("D1", "G44.2 G44.3 O01 O01.2"),
    ("D2", "G58 O02 O02.2 O02.3 O02.4 O03 O03.2 O03.3 O04 O11.4"),
    ("D3", "O05 O05.2 O06 O09 O11.5 O13"),
    ("D4", "G48 G49 O02.6 O10.2 O12"),
    ("D5", "O02.5 O10"),
    ("D6", "G90 G91 G92 G93.2 G94 G95 G102.2"),
    ("D7", "G112 G112.2 G113 G114"),
    (
        "D8",
        "G21.2 G31 G130 G130.3 G130.4 G131 G131.2 G131.3 G132 G132.2 G132.3 G133 G134 G134.2 G135 \
         G135.2 G136 G137 G137.2 G138 G138.2 G139 G141 G142",
    ),
    ("D9", "G18 G26.2 G27.2 G29 G66"),
    (
        "D10",
        "G72 G72.2 G72.4 G73 G73.2 G73.3 G74 G74.2 G75 G75.2 G80",
    ),
    ("D13", "G63"),
    ("D14", "G106 G107 G107.2 G107.3 G111"),
    ("D17", "G44"),
    ("D19", "O02.7"),
];

/// The original's errors, and ours that say the same.
const ERRORS: &[(&str, ParseErrorKind)] = &[
    ("error MissingHost", ParseErrorKind::MissingVault),
    ("error MissingPath", ParseErrorKind::MissingPath),
    ("error EmptyPath", ParseErrorKind::EmptyPath),
    ("error InvalidPath", ParseErrorKind::EmptyResource),
    ("error InvalidVersion", ParseErrorKind::InvalidVersion),
];

struct Row<'a> {
    id: &'a str,
    asks: &'a str,
    input: Value,
    original: &'a str,
    ours: &'a str,
    differs: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Self {
        let columns: Vec<_> = line.split('\t').collect();
        let [id, asks, input, original, ours, differs] = columns[..] else {
            panic!("not six columns: {line}");
        };
        let input = serde_json::from_str(input).expect(line);
        let differs = if differs == "-" {
            Vec::new()
        } else {
            differs.split(',').collect()
        };
        Self {
            id,
            asks,
            input,
            original,
            ours,
            differs,
        }
    }

    /// The case that this row belongs to.
    fn case(&self) -> &'a str {
        self.id.split('.').next().unwrap()
    }

    fn answer(&self) -> String {
        // What is not text is no reference: the types say so, and `serde` refuses it.
        let text = self.input.as_str();
        match self.asks {
            "is" => if text.is_some_and(is_reference) {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
            "parse" => parts(text.expect(self.id)),
            other => panic!("{}: asks {other:?}", self.id),
        }
    }

    /// Whether the two results are the same, however they are called.
    fn agrees(&self) -> bool {
        let renamed = ERRORS.iter().find(|(name, _)| *name == self.original);
        match renamed {
            Some((_, kind)) => self.ours == format!("error {}", kind.as_str()),
            None => self.ours == self.original,
        }
    }
}

fn rows() -> Vec<Row<'static>> {
    let lines = KONG.lines().chain(OPTIONS.lines());
    lines
        .filter(|line| !line.starts_with('#'))
        .map(Row::parse)
        .collect()
}

/// The parts of a reference in the form that the rows have.
fn parts(text: &str) -> String {
    let reference = match Ref::parse(text) {
        Ok(reference) => reference,
        Err(error) => return format!("error {}", error.kind().as_str()),
    };
    let quoted = |text: &str| Value::from(text).to_string();
    let or_none = |part: Option<String>| part.unwrap_or_else(|| "-".into());
    [
        quoted(reference.vault()),
        quoted(reference.resource()),
        or_none(reference.key().map(quoted)),
        or_none(reference.version().map(ToString::to_string)),
        or_none(options(reference.options())),
    ]
    .join(" ")
}

fn options(options: &Options<'_>) -> Option<String> {
    let seconds = |span: Option<core::time::Duration>| span.map(|span| span.as_secs().to_string());
    let common = [
        ("ttl", seconds(options.ttl())),
        ("neg_ttl", seconds(options.neg_ttl())),
        ("resurrect_ttl", seconds(options.resurrect_ttl())),
        ("refresh_ahead", seconds(options.refresh_ahead())),
        ("pointer", options.pointer().map(Into::into)),
        (
            "base64_decode",
            options.base64_decode().map(|on| on.to_string()),
        ),
        (
            "coerce",
            options.coerce().map(|coerce| coerce.as_str().into()),
        ),
    ];
    let common = common
        .into_iter()
        .filter_map(|(name, value)| Some((name.into(), value?.into())));
    let others = options.others().map(|(name, value)| {
        let value = match value {
            OptionValue::Flag => true.into(),
            value => value.as_text().unwrap().into(),
        };
        (name.into_owned(), value)
    });
    let all: BTreeMap<String, Value> = common.chain(others).collect();
    (!all.is_empty()).then(|| serde_json::to_string(&all).unwrap())
}

#[test]
fn every_row_comes_out_as_written() {
    for row in rows() {
        assert_eq!(row.answer(), row.ours, "{}", row.id);
    }
}

#[test]
fn a_row_differs_from_the_original_only_under_a_deviation() {
    for row in rows() {
        assert_eq!(row.agrees(), row.differs.is_empty(), "{}", row.id);
    }
}

#[test]
fn each_deviation_makes_just_its_own_rows_differ() {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for row in rows() {
        for deviation in &row.differs {
            found.entry(*deviation).or_default().insert(row.id);
        }
    }
    let expected: BTreeMap<_, BTreeSet<_>> = DEVIATIONS
        .iter()
        .map(|(id, rows)| (*id, rows.split_whitespace().collect()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn no_case_and_no_row_is_missing() {
    let rows = rows();
    let listed: Vec<_> = IDS.lines().collect();
    assert_eq!(listed, rows.iter().map(|row| row.id).collect::<Vec<_>>());

    let cases: BTreeSet<_> = rows
        .iter()
        .map(Row::case)
        .filter(|case| case.starts_with('G'))
        .collect();
    let ranges = [1..=19, 20..=32, 40..=68, 70..=84, 90..=121, 130..=142];
    let expected: Vec<_> = ranges
        .into_iter()
        .flatten()
        .map(|id| format!("G{id:02}"))
        .collect();
    assert_eq!(cases, expected.iter().map(String::as_str).collect());
    assert_eq!(cases.len(), CASES);
}

#[test]
fn every_row_survives_printing() {
    for row in rows() {
        let Some(Ok(reference)) = row.input.as_str().map(Reference::parse) else {
            continue;
        };
        let again = Reference::parse(reference.as_str()).expect(row.id);
        assert_eq!(again.as_str(), reference.as_str(), "{}", row.id);
        assert_eq!(
            parts(again.as_str()),
            parts(row.input.as_str().unwrap()),
            "{}",
            row.id
        );
    }
}

#[cfg(feature = "serde")]
#[test]
fn what_is_not_text_is_refused_unseen() {
    for row in rows().iter().filter(|row| !row.input.is_string()) {
        let error = serde_json::from_value::<Reference>(row.input.clone()).unwrap_err();
        assert!(!error.to_string().contains("12"), "{error}");
    }
}
