//! `perennial watch`: what happens to references, a line each.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perennial::{Error, Handle, Happening, Resolver, Value, What};
use serde::Serialize;

use crate::Streams;
use crate::args::{Watch, in_full};
use crate::report::{Failure, Outcome};
use crate::syntax::print_json;

pub(crate) fn run(args: &Watch, secrets: &Resolver, streams: &mut Streams<'_>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(Failure::Output)?;
    runtime.block_on(watch(args, secrets, streams))
}

async fn watch(args: &Watch, secrets: &Resolver, streams: &mut Streams<'_>) -> Outcome {
    // Listened to from before the first value, so that nothing falls in between.
    let mut events = secrets.events();
    let mut handles = BTreeMap::new();
    let mut failed: Vec<Error> = Vec::new();
    for text in &args.references {
        match secrets.watch(in_full(text)).await {
            Ok(handle) => {
                handles.insert(handle.reference().to_owned(), handle);
            }
            Err(error) => failed.push(error),
        }
    }
    if !failed.is_empty() {
        return Err(Failure::References {
            failed,
            told: false,
        });
    }
    for handle in handles.values() {
        print(args, &Line::current(handle, args.reveal), streams)?;
    }
    while let Some(happening) = events.next().await {
        if let Some(line) = Line::of(&happening, &handles, args.reveal) {
            print(args, &line, streams)?;
        }
    }
    Ok(())
}

fn print(args: &Watch, line: &Line, streams: &mut Streams<'_>) -> Outcome {
    if args.json {
        print_json(line, streams)?;
    } else {
        writeln!(streams.output, "{}", line.text()).map_err(Failure::Output)?;
    }
    // Whoever waits for a line gets it when it is there.
    streams.output.flush().map_err(Failure::Output)
}

/// One line of the output.
#[derive(Serialize)]
struct Line {
    event: &'static str,
    vault: String,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The value, if it is text and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The value in base64, if it is not text and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl Line {
    fn current(handle: &Handle, reveal: bool) -> Self {
        let last = handle.last();
        let vault = handle.status().vault().to_owned();
        let version = last
            .as_ref()
            .and_then(Value::version)
            .map(|version| version.id().to_owned());
        let (value, value_base64) = shown(last, reveal);
        Self {
            event: "current",
            vault,
            reference: Some(handle.reference().to_owned()),
            version,
            kind: None,
            message: None,
            value,
            value_base64,
        }
    }

    /// Returns what is printed of something that happened, if it concerns what is watched.
    fn of(happening: &Happening, handles: &BTreeMap<String, Handle>, reveal: bool) -> Option<Self> {
        let handle = match happening.reference() {
            Some(reference) => Some(handles.get(reference)?),
            None => None,
        };
        let watched = |handle: &Handle| handle.status().vault() == happening.vault();
        if handle.is_none() && !handles.values().any(watched) {
            return None;
        }
        let last = handle
            .filter(|_| happening.what() == What::Rotated)
            .and_then(Handle::last);
        let (value, value_base64) = shown(last, reveal);
        Some(Self {
            event: happening.what().as_str(),
            vault: happening.vault().to_owned(),
            reference: happening.reference().map(str::to_owned),
            version: happening.version().map(|version| version.id().to_owned()),
            kind: happening.kind().map(perennial::ErrorKind::as_str),
            message: happening.message().map(str::to_owned),
            value,
            value_base64,
        })
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{} {}",
            self.event,
            self.reference.as_ref().unwrap_or(&self.vault)
        );
        // A value of several lines must not look like several lines of output.
        let value = self
            .value
            .as_ref()
            .map(|value| value.escape_debug().to_string());
        let parts = [
            ("version ", &self.version),
            ("", &self.message),
            ("value ", &value),
            ("value in base64 ", &self.value_base64),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                text.push_str(&format!(": {name}{part}"));
            }
        }
        text
    }
}

/// Returns a value as text, or in base64 if it is none, where it may be shown.
fn shown(value: Option<Value>, reveal: bool) -> (Option<String>, Option<String>) {
    match value.filter(|_| reveal) {
        None => (None, None),
        Some(value) => match value.secret().expose_str() {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(value.secret().expose()))),
        },
    }
}
