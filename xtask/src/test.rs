//! `test`: every test there is, with one command.

use std::path::Path;

use crate::process::cargo;

/// The workspace of its own in which allocators and floors are measured.
pub(crate) const LAB: &str = "tests/lab/Cargo.toml";

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test                     everything\n  cargo xtask test stale               tests whose name holds `stale`\n  cargo xtask test -p perennial-cache  one crate, without the lab\n  cargo xtask test -- --nocapture      arguments of the test programs"
)]
pub(crate) struct Args {
    /// Test this crate only, and not the lab
    #[arg(long, short, value_name = "CRATE")]
    package: Vec<String>,
    /// Run only tests whose name holds this
    filter: Option<String>,
    /// Arguments of the test programs
    #[arg(last = true, value_name = "ARGS")]
    programs: Vec<String>,
}

impl Args {
    /// What follows `cargo test` and the choice of crates.
    fn rest(&self) -> Vec<String> {
        let mut rest: Vec<_> = self.filter.iter().cloned().collect();
        if !self.programs.is_empty() {
            rest.push("--".to_owned());
            rest.extend(self.programs.iter().cloned());
        }
        rest
    }
}

/// Tests the workspace with its doctests, then the lab.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let rest = args.rest();
    if !args.package.is_empty() {
        let packages = args.package.iter().flat_map(|name| ["--package", name]);
        return cargo(root, ["test"]).args(packages).args(&rest).run();
    }
    cargo(root, ["test", "--workspace"]).args(&rest).run()?;
    if root.join(LAB).is_file() {
        cargo(root, ["test", "--workspace", "--manifest-path", LAB])
            .args(&rest)
            .run()
    } else {
        println!("not run: {LAB} does not exist");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_the_test_programs_follow_two_dashes() {
        let check = |filter: Option<&str>, programs: &[&str], expected: &[&str]| {
            let args = Args {
                package: Vec::new(),
                filter: filter.map(str::to_owned),
                programs: programs.iter().map(|&word| word.to_owned()).collect(),
            };
            assert_eq!(args.rest(), expected);
        };
        check(None, &[], &[]);
        check(Some("stale"), &[], &["stale"]);
        check(Some("stale"), &["--exact"], &["stale", "--", "--exact"]);
        check(None, &["--nocapture"], &["--", "--nocapture"]);
    }
}
