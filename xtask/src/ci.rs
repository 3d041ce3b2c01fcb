//! `ci`: the stages a change must pass, the same on a laptop as on a build machine.
//!
//! What did not run is named at the end: it must never look green.

mod by_hand;
mod package;
mod pure;
mod readme;
mod sample_backend;
mod stages;

use std::path::Path;
use std::time::Duration;

use crate::clock::timed;
use crate::workspace::Workspace;
use stages::{STAGES, Stage};

/// What is left to people and to nights, with the reason.
const OUTSIDE: &[(&str, &str)] = &[
    ("fuzz, miri", "long, and they need a nightly toolchain"),
    (
        "combinations",
        "minimal versions and pairs of features are long; `features` tries each alone",
    ),
];

/// Arguments of `ci`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask ci                  every stage but those by hand\n  cargo xtask ci fmt lint tidy    three of them\n  cargo xtask ci --keep-going     all, even after one failed\n  cargo xtask ci msrv             one that runs by hand only\n  cargo xtask ci --list           what each stage does"
)]
pub(crate) struct Args {
    /// Stages to run, in the order given; the usual ones if none is named
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// Go on after a stage has failed
    #[arg(long)]
    keep_going: bool,
    /// List the stages instead of running them
    #[arg(long)]
    list: bool,
}

/// What became of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    /// It could not run, or was not asked to, and why.
    NotRun(String),
}

/// What a stage is given.
#[derive(Debug)]
struct Scene<'a> {
    root: &'a Path,
    workspace: Workspace,
}

#[derive(Debug)]
struct Line {
    stage: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// Runs the stages and prints the table.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    if args.list {
        for stage in STAGES {
            let how = if stage.by_hand { " (by hand)" } else { "" };
            println!("{:<16} {}{how}", stage.name, stage.about);
        }
        return Ok(());
    }
    let chosen = choose(&args.stages)?;
    let scene = Scene {
        root,
        workspace: Workspace::load(root)?,
    };
    let mut lines: Vec<Line> = Vec::new();
    for stage in chosen {
        println!("\n== {}: {}", stage.name, stage.about);
        let (outcome, took) = timed(|| (stage.run)(&scene));
        let outcome = outcome.unwrap_or_else(Outcome::Failed);
        if let Outcome::Failed(why) = &outcome {
            println!("== {} failed: {why}", stage.name);
        }
        let stop = matches!(outcome, Outcome::Failed(_)) && !args.keep_going;
        lines.push(Line {
            stage: stage.name,
            outcome,
            took,
        });
        if stop {
            break;
        }
    }
    print!("{}", table(&lines));
    verdict(&lines)
}

fn choose(names: &[String]) -> Result<Vec<&'static Stage>, String> {
    if names.is_empty() {
        return Ok(STAGES.iter().filter(|stage| !stage.by_hand).collect());
    }
    let find = |name: &String| {
        STAGES
            .iter()
            .find(|stage| stage.name == name)
            .ok_or_else(|| {
                format!("there is no stage `{name}`: `cargo xtask ci --list` names them all")
            })
    };
    names.iter().map(find).collect()
}

/// How long each stage took, and everything that did not run.
fn table(lines: &[Line]) -> String {
    let mut text = String::from("\n== what ran\n");
    let mut absent = Vec::new();
    let mut total = Duration::ZERO;
    for line in lines {
        total += line.took;
        let word = match &line.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed(_) => "FAILED",
            Outcome::NotRun(why) => {
                absent.push((line.stage, why.as_str()));
                continue;
            }
        };
        text += &format!(
            "{:<16} {word:<7} {:>8.1} s\n",
            line.stage,
            line.took.as_secs_f64()
        );
    }
    text += &format!(
        "{:<16} {:<7} {:>8.1} s\n",
        "together",
        "",
        total.as_secs_f64()
    );
    for stage in STAGES
        .iter()
        .filter(|stage| lines.iter().all(|line| line.stage != stage.name))
    {
        absent.push((
            stage.name,
            if stage.by_hand {
                "by hand only"
            } else {
                "not reached or not asked for"
            },
        ));
    }
    absent.extend(OUTSIDE);
    text += "\n== not run\n";
    for (name, why) in absent {
        text += &format!("{name:<16} {why}\n");
    }
    text
}

fn verdict(lines: &[Line]) -> Result<(), String> {
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::Failed(_)))
        .map(|line| line.stage)
        .collect();
    let Some(first) = failed.first() else {
        return Ok(());
    };
    Err(format!(
        "failed: {}; run `cargo xtask ci {first}` again once it is mended",
        failed.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stage: &'static str, outcome: Outcome) -> Line {
        Line {
            stage,
            outcome,
            took: Duration::from_millis(1500),
        }
    }

    #[test]
    fn the_usual_stages_leave_out_those_by_hand() {
        let names: Vec<_> = choose(&[])
            .unwrap()
            .iter()
            .map(|stage| stage.name)
            .collect();
        assert!(
            names.contains(&"test") && !names.contains(&"deny"),
            "{names:?}"
        );
        assert_eq!(choose(&["deny".to_owned()]).unwrap().len(), 1);
        assert!(choose(&["tset".to_owned()]).unwrap_err().contains("`tset`"));
    }

    #[test]
    fn what_did_not_run_is_named() {
        let text = table(&[
            line("fmt", Outcome::Passed),
            line("lint", Outcome::Failed("x".to_owned())),
            line("lab", Outcome::NotRun("there is none".to_owned())),
        ]);
        let (ran, absent) = text.split_once("== not run").unwrap();
        assert!(
            ran.contains("fmt") && ran.contains("ok") && ran.contains("1.5 s"),
            "{ran}"
        );
        assert!(ran.contains("FAILED") && !ran.contains("lab"), "{ran}");
        for name in ["lab", "there is none", "test", "deny", "miri"] {
            assert!(absent.contains(name), "{name}: {absent}");
        }
    }

    #[test]
    fn one_failure_fails_the_whole() {
        assert!(verdict(&[line("fmt", Outcome::Passed)]).is_ok());
        let why = verdict(&[line("fmt", Outcome::Failed(String::new()))]).unwrap_err();
        assert!(why.contains("cargo xtask ci fmt"), "{why}");
    }
}
