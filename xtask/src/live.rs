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
    let listing = cargo(root, test).args(["--quiet", "--", "--ignored", "--list"]);
    let listed = listing.capture()?;
    let mut step = cargo(root, test).args(["--", "--ignored", "--exact"]);
    let mut any = false;
    for suite in suites {
        let names = chosen(&listed, *suite, args.filter.as_deref());
        // What did not run must never look green.
        if names.is_empty() && args.filter.is_none() {
            return Err(format!("the suite `{}` has no tests", suite.name()));
        }
        println!("{}: {} tests", suite.name(), names.len());
        any |= !names.is_empty();
        step = step.args(names);
    }
    if !any {
        return Err("no test of these suites is called so".to_owned());
    }
    for need in suites.iter().flat_map(|suite| suite.needs()) {
        step = step.env(need.variable(), &need.path(root).display().to_string());
    }
    let step = step.env(stage::VARIABLE, &stage.folder().display().to_string());
    step.args(&args.programs).run()
}

/// The tests of a suite whose names hold the filter, from a list of all.
fn chosen<'a>(listed: &'a str, suite: Suite, filter: Option<&str>) -> Vec<&'a str> {
    let prefix = format!("{}::", suite.name());
    listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|name| name.starts_with(&prefix) && name.contains(filter.unwrap_or_default()))
        .collect()
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
    fn a_filter_chooses_within_the_suite() {
        let listed =
            "aws::seal: test\ngcp::seal: test\nhcv::aws::x: test\n\n3 tests, 0 benchmarks\n";
        let check = |suite, filter, expected: &[&str]| {
            assert_eq!(chosen(listed, suite, filter), expected);
        };
        check(Suite::Aws, None, &["aws::seal"]);
        check(Suite::Hcv, Some("aws"), &["hcv::aws::x"]);
        check(Suite::Gcp, Some("typo"), &[]);
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
