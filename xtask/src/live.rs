//! `live`: the suites against real servers, which are brought, started and taken down.
//!
//! Which servers there are, and how each is had, stands in the file beside this one.

mod programs;
mod stage;

use std::path::Path;

use clap::ValueEnum;

use crate::process::cargo;
use programs::Program;
use stage::Stage;

/// Arguments of `live`.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask live                    every suite\n  cargo xtask live hcv aws            two of them\n  cargo xtask live --prepare          bring the servers, run nothing\n  cargo xtask live hcv --filter seal  tests whose name holds `seal`\n\nWhat is brought lies in target/live: versions and checksums stand in tests/servers."
)]
pub(crate) struct Args {
    /// Suites to run; all of them if none is named
    #[arg(value_enum, value_name = "SUITE")]
    suites: Vec<Suite>,
    /// Bring the servers' programs and run nothing
    #[arg(long)]
    prepare: bool,
    /// Leave out a suite whose server cannot be had, instead of failing
    #[arg(long)]
    allow_missing: bool,
    /// Run only tests whose name holds this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Arguments of the test program
    #[arg(last = true, value_name = "ARGS")]
    programs: Vec<String>,
}

/// What is tested against a real server: a backend, by its name. The one whose server takes longest
/// to bring stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    Hcv,
    Aws,
    Gcp,
}

impl Suite {
    const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Hcv => "hcv",
        }
    }

    /// The servers that its tests start.
    const fn needs(self) -> &'static [&'static Program] {
        match self {
            Self::Aws => &[&programs::MOTO],
            Self::Gcp => &[&programs::DRONGO],
            // Vault's login through AWS asks an STS.
            Self::Hcv => &[&programs::VAULT, &programs::MOTO],
        }
    }
}

/// Brings the servers and runs the suites.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let chosen = if args.suites.is_empty() {
        Suite::value_variants()
    } else {
        &args.suites
    };
    let (ready, missing) = bring(root, chosen);
    if !args.allow_missing
        && let Some((suite, why)) = missing.first()
    {
        return Err(format!(
            "the suite `{}` cannot run: {why}\n`--allow-missing` goes on without it",
            suite.name()
        ));
    }
    if !args.prepare && !ready.is_empty() {
        play(root, args, &ready)?;
    }
    for (suite, why) in &missing {
        println!("not run: {}: {why}", suite.name());
    }
    Ok(())
}

/// Brings what the suites need, and parts those that can run from those that cannot.
fn bring(root: &Path, chosen: &[Suite]) -> (Vec<Suite>, Vec<(Suite, String)>) {
    let mut ready = Vec::new();
    let mut missing = Vec::new();
    for suite in chosen {
        match suite.needs().iter().try_for_each(|need| need.bring(root)) {
            Ok(()) => ready.push(*suite),
            Err(why) => missing.push((*suite, why)),
        }
    }
    (ready, missing)
}

/// Runs the tests of the suites, with a folder in which they start their servers.
fn play(root: &Path, args: &Args, suites: &[Suite]) -> Result<(), String> {
    let stage = Stage::set(root)?;
    let test = ["test", "--package", "perennial-tests", "--test", "live"];
    cargo(root, test).args(["--no-run"]).run()?;
    for suite in suites {
        let listing = cargo(root, test).args(["--quiet", "--", "--ignored", "--list"]);
        let listed = listing.args([prefix(*suite)]).capture()?;
        let tests = listed.lines().filter(|line| line.ends_with(": test"));
        match tests.count() {
            0 => return Err(format!("the suite `{}` has no tests", suite.name())),
            some => println!("{}: {some} tests", suite.name()),
        }
    }
    let mut step = cargo(root, test).args(["--", "--ignored"]);
    step = match &args.filter {
        Some(text) => step.args([text]),
        None => step.args(suites.iter().map(|suite| prefix(*suite))),
    };
    for need in suites.iter().flat_map(|suite| suite.needs()) {
        step = step.env(need.variable(), &need.path(root).display().to_string());
    }
    let step = step.env(stage::VARIABLE, &stage.folder().display().to_string());
    step.args(&args.programs).run()
}

/// What the names of a suite's tests begin with.
fn prefix(suite: Suite) -> String {
    format!("{}::", suite.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_needs_a_server() {
        for suite in Suite::value_variants() {
            assert!(!suite.needs().is_empty(), "{suite:?}");
        }
    }

    #[test]
    fn a_suite_without_its_server_is_told_from_one_that_can_run() {
        let nowhere = Path::new("/nonexistent");
        let (ready, missing) = bring(nowhere, &[Suite::Aws]);
        assert!(ready.is_empty());
        assert_eq!(missing[0].0, Suite::Aws);
        let strict = Args {
            suites: vec![Suite::Gcp],
            ..Args::default()
        };
        let why = run(nowhere, &strict).unwrap_err();
        assert!(
            why.contains("`gcp`") && why.contains("--allow-missing"),
            "{why}"
        );
        let lenient = Args {
            allow_missing: true,
            ..strict
        };
        assert_eq!(run(nowhere, &lenient), Ok(()));
    }
}
