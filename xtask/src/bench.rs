//! `bench`: the benches, which live beside what they measure.

use std::path::Path;

use crate::process::cargo;
use crate::test::LAB;
use crate::workspace::Workspace;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bench                  every bench, in full\n  cargo xtask bench --quick parse    fewer samples, names that hold `parse`"
)]
pub(crate) struct Args {
    /// Take fewer samples: for a first look, not for a comparison
    #[arg(long)]
    quick: bool,
    /// Run only benches whose name holds this
    filter: Option<String>,
}

/// Measures everything, in the workspace and in the lab.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let workspace = Workspace::load(root)?;
    let mut rest = vec!["--".to_owned()];
    rest.extend(args.quick.then(|| "--quick".to_owned()));
    rest.extend(args.filter.clone());
    let places = places(&workspace);
    if places.is_empty() {
        return Err(
            "there are no benches yet: a bench stands in the folder `benches` of its crate"
                .to_owned(),
        );
    }
    for place in places {
        cargo(root, ["bench"])
            .args(place)
            .args(["--bench", "*"])
            .args(&rest)
            .run()?;
    }
    Ok(())
}

/// How cargo is pointed to each workspace that has benches.
pub(crate) fn places(workspace: &Workspace) -> Vec<Vec<&'static str>> {
    let bench = |path: &str| path.ends_with(".rs") && path.contains("/benches/");
    let mut found = Vec::new();
    if workspace
        .paths()
        .any(|path| path.starts_with("crates/") && bench(path))
    {
        found.push(vec!["--workspace"]);
    }
    if workspace
        .paths()
        .any(|path| path.starts_with("tests/lab/") && bench(path))
    {
        found.push(vec!["--workspace", "--manifest-path", LAB]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    #[test]
    fn benches_are_found_where_they_stand() {
        assert!(places(&sample(&[("crates/a/src/lib.rs", "")])).is_empty());
        let both = sample(&[
            ("crates/a/benches/parse.rs", ""),
            ("tests/lab/benches/floor.rs", ""),
        ]);
        assert_eq!(
            places(&both),
            [
                vec!["--workspace"],
                vec!["--workspace", "--manifest-path", LAB]
            ]
        );
    }
}
