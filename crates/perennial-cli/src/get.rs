//! `perennial get`: values of references.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perennial::{Error, Resolver, Value};
use serde::Serialize;

use crate::Streams;
use crate::args::{Get, in_full};
use crate::report::{Failure, Outcome, error_json};

pub(crate) fn run(args: &Get, secrets: &Resolver, streams: &mut Streams<'_>) -> Outcome {
    let references: Vec<_> = args.references.iter().map(|text| in_full(text)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(Failure::Output)?;
    let values = runtime.block_on(secrets.get_many(&references));
    if args.json {
        print_json(&references, values, streams)
    } else {
        print_plain(values, args.no_newline, streams)
    }
}

fn print_plain(
    values: Vec<Result<Value, Error>>,
    no_newline: bool,
    streams: &mut Streams<'_>,
) -> Outcome {
    let mut found = Vec::with_capacity(values.len());
    let mut failed = Vec::new();
    for value in values {
        match value {
            Ok(value) => found.push(value),
            Err(error) => failed.push(error),
        }
    }
    if !failed.is_empty() {
        return Err(Failure::References {
            failed,
            told: false,
        });
    }
    let last = found.len().saturating_sub(1);
    for (index, value) in found.iter().enumerate() {
        streams
            .output
            .write_all(value.secret().expose())
            .map_err(Failure::Output)?;
        if index < last || !no_newline {
            streams.output.write_all(b"\n").map_err(Failure::Output)?;
        }
    }
    Ok(())
}

fn print_json(
    references: &[String],
    values: Vec<Result<Value, Error>>,
    streams: &mut Streams<'_>,
) -> Outcome {
    let mut failed = Vec::new();
    for (reference, value) in references.iter().zip(values) {
        let line = match value {
            Ok(value) => found(reference, &value),
            Err(error) => {
                let line = Line {
                    reference,
                    ok: false,
                    value: None,
                    value_base64: None,
                    version: None,
                    error: Some(error_json(&error)),
                };
                failed.push(error);
                serde_json::to_string(&line)
            }
        };
        let line = line.map_err(|error| Failure::Output(error.into()))?;
        writeln!(streams.output, "{line}").map_err(Failure::Output)?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::References { failed, told: true })
    }
}

/// One line of the output with `--json`.
#[derive(Serialize)]
struct Line<'l> {
    #[serde(rename = "ref")]
    reference: &'l str,
    ok: bool,
    /// The value, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'l str>,
    /// The value in base64, if it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<serde_json::Value>,
}

fn found(reference: &str, value: &Value) -> serde_json::Result<String> {
    let encoded;
    let (text, value_base64) = match value.secret().expose_str() {
        Ok(text) => (Some(text), None),
        Err(_) => {
            encoded = STANDARD.encode(value.secret().expose());
            (None, Some(encoded.as_str()))
        }
    };
    serde_json::to_string(&Line {
        reference,
        ok: true,
        value: text,
        value_base64,
        version: value.version().map(|version| version.id()),
        error: None,
    })
}
