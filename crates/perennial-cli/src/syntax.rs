//! `perennial explain --syntax`: the parts of a reference's text, whatever they mean to its vault.

use std::borrow::Cow;
use std::io::BufRead;
use std::str::from_utf8;
use std::time::Duration;

use perennial::{Ref, VersionSpec};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Streams;
use crate::args::Explain;
use crate::report::{Failure, Outcome, parse_json};

pub(crate) fn run(args: &Explain, streams: &mut Streams<'_>) -> Outcome {
    if args.stdin {
        return answer_lines(streams);
    }
    let mut wrong = Vec::new();
    for text in &args.references {
        let parsed = Ref::parse(text);
        if args.json {
            print_answer(text, streams)?;
        } else if let Ok(reference) = &parsed {
            print_parts(reference, streams).map_err(Failure::Output)?;
        }
        wrong.extend(parsed.err());
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Syntax(wrong))
    }
}

/// Answers each line of the input, as it stands, with one of the output.
fn answer_lines(streams: &mut Streams<'_>) -> Outcome {
    let mut line = Vec::new();
    while read_line(streams.input, &mut line).map_err(Failure::Input)? {
        match from_utf8(&line) {
            Ok(text) => print_answer(text, streams)?,
            Err(error) => print_json(&not_text(&line, error.valid_up_to()), streams)?,
        }
        // Whoever writes a line and waits for its answer gets it.
        streams.output.flush().map_err(Failure::Output)?;
    }
    Ok(())
}

/// Reads up to the next line feed, which is dropped; returns whether there was a line.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let read = input.read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(read > 0)
}

/// One line of the output: the parts of a text, or what is wrong with it.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Parts(Parts<'a>),
    Wrong {
        #[serde(rename = "ref")]
        text: Cow<'a, str>,
        ok: bool,
        error: Value,
    },
}

/// The parts of a reference.
#[derive(Serialize)]
pub(crate) struct Parts<'a> {
    #[serde(rename = "ref")]
    text: &'a str,
    ok: bool,
    vault: &'a str,
    resource: &'a str,
    key: Option<&'a str>,
    version: Value,
    options: Map<String, Value>,
    canonical: String,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(text: &'a str, reference: &'a Ref<'_>) -> Self {
        Self {
            text,
            ok: true,
            vault: reference.vault(),
            resource: reference.resource(),
            key: reference.key(),
            version: version(reference.version()),
            options: options(reference),
            canonical: reference.to_string(),
        }
    }
}

fn print_answer(text: &str, streams: &mut Streams<'_>) -> Outcome {
    match Ref::parse(text) {
        Ok(reference) => print_json(&Answer::Parts(Parts::new(text, &reference)), streams),
        Err(error) => {
            let error = parse_json(&error);
            print_json(
                &Answer::Wrong {
                    text: text.into(),
                    ok: false,
                    error,
                },
                streams,
            )
        }
    }
}

/// Writes a value as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize, streams: &mut Streams<'_>) -> Outcome {
    let line = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
    writeln!(streams.output, "{line}").map_err(Failure::Output)
}

fn not_text(line: &[u8], offset: usize) -> Answer<'_> {
    Answer::Wrong {
        text: String::from_utf8_lossy(line),
        ok: false,
        error: json!({
            "kind": "invalid_utf8",
            "offset": offset,
            "message": "expected UTF-8, found other bytes",
        }),
    }
}

fn version(version: Option<&VersionSpec<'_>>) -> Value {
    match version {
        None => Value::Null,
        Some(VersionSpec::Number(number)) => json!(number),
        Some(VersionSpec::Id(id)) => json!(format!("v:{id}")),
        Some(VersionSpec::Stage(label)) => json!(format!("stage:{label}")),
        Some(other) => json!(format!("{other:?}")),
    }
}

fn options(reference: &Ref<'_>) -> Map<String, Value> {
    let options = reference.options();
    let mut members = Map::new();
    let spans = [
        ("ttl", options.ttl()),
        ("neg_ttl", options.neg_ttl()),
        ("resurrect_ttl", options.resurrect_ttl()),
        ("refresh_ahead", options.refresh_ahead()),
    ];
    for (name, span) in spans {
        members.extend(span.map(|span| (name.to_owned(), seconds(span))));
    }
    members.extend(
        options
            .pointer()
            .map(|text| ("pointer".to_owned(), json!(text))),
    );
    members.extend(
        options
            .base64_decode()
            .map(|flag| ("base64_decode".to_owned(), json!(flag))),
    );
    members.extend(
        options
            .coerce()
            .map(|kind| ("coerce".to_owned(), json!(kind.as_str()))),
    );
    for (name, value) in options.others() {
        let value = value.as_text().map_or(json!(true), |text| json!(text));
        members.insert(name.to_string(), value);
    }
    members
}

fn seconds(span: Duration) -> Value {
    if span.subsec_nanos() == 0 {
        json!(span.as_secs())
    } else {
        json!(span.as_secs_f64())
    }
}

pub(crate) fn print_parts(reference: &Ref<'_>, streams: &mut Streams<'_>) -> std::io::Result<()> {
    let shown = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let parts = Parts::new("", reference);
    let out = &mut streams.output;
    writeln!(out, "{:<10} {}", "canonical", parts.canonical)?;
    writeln!(out, "{:<10} {}", "vault", parts.vault)?;
    writeln!(out, "{:<10} {}", "resource", parts.resource)?;
    writeln!(out, "{:<10} {}", "key", parts.key.unwrap_or("-"))?;
    writeln!(out, "{:<10} {}", "version", shown(&parts.version))?;
    let listed: Vec<_> = parts
        .options
        .iter()
        .map(|(name, value)| format!("{name}={}", shown(value)))
        .collect();
    let listed = if listed.is_empty() {
        "-".to_owned()
    } else {
        listed.join(" ")
    };
    writeln!(out, "{:<10} {listed}", "options")
}
