//! `perennial explain`: what references mean to their vaults, and where each setting came from.

use std::io;

use perennial::{ExplainedSetting, Explanation, Origin, Resolver};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Streams;
use crate::args::{Explain, in_full};
use crate::report::{Failure, Outcome, error_json, is_absence, problem_json};
use crate::syntax::{Parts, print_json, print_parts};

pub(crate) fn run(args: &Explain, secrets: &Resolver, streams: &mut Streams<'_>) -> Outcome {
    let mut first = None;
    let mut failed = Vec::new();
    for (index, text) in args.references.iter().enumerate() {
        let reference = in_full(text);
        let explained = secrets.explain(&reference);
        match &explained {
            Ok(explanation) if args.json => print_explained(&reference, explanation, streams)?,
            Ok(explanation) => {
                if index > 0 {
                    writeln!(streams.output).map_err(Failure::Output)?;
                }
                print(explanation, streams).map_err(Failure::Output)?;
            }
            Err(error) if args.json => {
                let line = json!({"ref": reference, "ok": false, "error": error_json(error)});
                print_json(&line, streams)?;
            }
            Err(_) => {}
        }
        match explained {
            // That a backend is not there is no fault of the reference.
            Ok(explanation) => {
                let problem = explanation.problem().filter(|problem| !is_absence(problem));
                first = first.or(problem.map(|problem| problem.kind().into()));
            }
            Err(error) => failed.push(error),
        }
    }
    match (failed.is_empty(), first) {
        (false, _) => Err(Failure::References {
            failed,
            told: args.json,
        }),
        (true, Some(kind)) => Err(Failure::Explained(kind)),
        (true, None) => Ok(()),
    }
}

/// One line of the output with `--json`.
#[derive(Serialize)]
struct Explained<'e> {
    #[serde(flatten)]
    parts: Parts<'e>,
    backend: Option<&'e str>,
    declared: Option<String>,
    description: Option<&'e str>,
    selector: Option<String>,
    settings: Vec<Value>,
    problem: Option<Value>,
}

fn print_explained(text: &str, explanation: &Explanation, streams: &mut Streams<'_>) -> Outcome {
    let explained = Explained {
        parts: Parts::new(text, explanation.reference().parts()),
        backend: explanation.backend(),
        declared: explanation.declared().map(ToString::to_string),
        description: explanation.description(),
        selector: explanation.selector().map(ToString::to_string),
        settings: explanation.settings().iter().map(setting_json).collect(),
        problem: explanation.problem().map(problem_json),
    };
    print_json(&explained, streams)
}

fn setting_json(setting: &ExplainedSetting) -> Value {
    json!({
        "name": setting.name(),
        "value": setting.text(),
        "unset": setting.unset(),
        "credential": setting.is_credential(),
        "origin": setting.origin().to_string(),
    })
}

fn print(explanation: &Explanation, streams: &mut Streams<'_>) -> io::Result<()> {
    print_parts(explanation.reference().parts(), streams)?;
    let out = &mut streams.output;
    if let Some(backend) = explanation.backend() {
        match explanation.declared() {
            None | Some(Origin::Default) => {
                writeln!(
                    out,
                    "{:<10} {backend}, of which this is the default vault",
                    "backend"
                )?;
            }
            Some(origin) => {
                writeln!(
                    out,
                    "{:<10} {backend}, of which {origin} declares a vault",
                    "backend"
                )?;
            }
        }
    }
    if let Some(description) = explanation.description() {
        writeln!(out, "{:<10} {description}", "about")?;
    }
    if let Some(selector) = explanation.selector() {
        writeln!(out, "{:<10} {selector}", "asks for")?;
    }
    if !explanation.settings().is_empty() {
        writeln!(out, "settings")?;
    }
    print_settings(explanation.settings(), out)?;
    if let Some(problem) = explanation.problem() {
        writeln!(out, "{:<10} {problem}", "problem")?;
        if let Some(help) = problem.help() {
            writeln!(out, "{:<10} {help}", "help")?;
        }
    }
    Ok(())
}

fn print_settings(settings: &[ExplainedSetting], out: &mut dyn io::Write) -> io::Result<()> {
    let rows: Vec<_> = settings.iter().map(|one| (one, shown(one))).collect();
    let width = |of: fn(&(&ExplainedSetting, &str)) -> usize| rows.iter().map(of).max();
    let name = width(|(setting, _)| setting.name().len()).unwrap_or_default();
    let value = width(|(_, value)| value.chars().count()).unwrap_or_default();
    for (setting, text) in &rows {
        let (called, origin) = (setting.name(), setting.origin());
        writeln!(out, "  {called:<name$}  {text:<value$}  {origin}")?;
    }
    Ok(())
}

/// What stands for the value: a credential that was given is not shown.
fn shown(setting: &ExplainedSetting) -> &str {
    match (setting.text(), setting.is_credential()) {
        (_, true) if *setting.origin() != Origin::Default => "(not shown)",
        (Some(""), _) => "\"\"",
        (Some(text), _) => text,
        (None, _) => setting.unset().unwrap_or("-"),
    }
}
