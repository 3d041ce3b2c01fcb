//! The stages: what each one runs. The longer ones have files of their own.

use super::{Outcome, Scene, by_hand, package, pure, readme, sample_backend};
use crate::bench;
use crate::live;
use crate::manifest::Manifest;
use crate::process::cargo;
use crate::test::LAB;
use crate::tidy;

type Ran = Result<Outcome, String>;

/// A named stage.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) name: &'static str,
    /// What it proves, in one line.
    pub(super) about: &'static str,
    /// Needs a tool, a toolchain or a database that may not be there.
    pub(super) by_hand: bool,
    pub(super) run: fn(&Scene<'_>) -> Ran,
}

/// Every stage, the quick ones first.
pub(super) const STAGES: &[Stage] = &[
    usual("fmt", "the code is formatted", fmt),
    usual("tidy", "the rules of the house hold", rules),
    usual(
        "pure",
        "the pure crates stand on nothing but what is listed",
        pure::run,
    ),
    usual("lint", "clippy has nothing to say", lint),
    usual(
        "features",
        "each crate compiles alone, and each of its features",
        features,
    ),
    usual("docs", "the documentation builds without a warning", docs),
    usual(
        "test",
        "the tests pass, by the README's own command",
        readme::test,
    ),
    usual("lab", "the tests of the lab pass", lab),
    usual("live", "the suites against real servers pass", servers),
    usual("bench", "every bench runs once", benches),
    usual(
        "new-backend",
        "a new backend's crate compiles, and its tests say what is not met",
        sample_backend::run,
    ),
    usual(
        "package",
        "what would be published can be packed, and compiles from there",
        package::run,
    ),
    manual(
        "msrv",
        "the oldest Rust each crate promises compiles it",
        by_hand::msrv,
    ),
    manual(
        "deny",
        "licences and advisories of what we stand on",
        by_hand::deny,
    ),
    manual(
        "semver",
        "the API has not broken since the last release",
        by_hand::semver,
    ),
    manual(
        "external-types",
        "only listed types of others appear in the API",
        by_hand::external_types,
    ),
];

const fn usual(name: &'static str, about: &'static str, run: fn(&Scene<'_>) -> Ran) -> Stage {
    Stage {
        name,
        about,
        by_hand: false,
        run,
    }
}

const fn manual(name: &'static str, about: &'static str, run: fn(&Scene<'_>) -> Ran) -> Stage {
    Stage {
        name,
        about,
        by_hand: true,
        run,
    }
}

fn fmt(scene: &Scene<'_>) -> Ran {
    cargo(scene.root, ["fmt", "--all", "--check"]).run()?;
    if has_lab(scene) {
        cargo(
            scene.root,
            ["fmt", "--all", "--check", "--manifest-path", LAB],
        )
        .run()?;
    }
    Ok(Outcome::Passed)
}

fn rules(scene: &Scene<'_>) -> Ran {
    tidy::check_all(&scene.workspace).map(|()| Outcome::Passed)
}

fn lint(scene: &Scene<'_>) -> Ran {
    let deny = ["--", "-D", "warnings"];
    let everything = ["clippy", "--workspace", "--all-targets", "--all-features"];
    cargo(scene.root, everything).args(deny).run()?;
    if has_lab(scene) {
        let lab = [
            "clippy",
            "--manifest-path",
            LAB,
            "--workspace",
            "--all-targets",
            "--all-features",
        ];
        cargo(scene.root, lab).args(deny).run()?;
    }
    Ok(Outcome::Passed)
}

fn features(scene: &Scene<'_>) -> Ran {
    let mut any = false;
    for member in scene.workspace.publishable() {
        for feature in alone(&member.manifest) {
            any = true;
            let lib = scene
                .workspace
                .exists(&format!("{}/src/lib.rs", member.dir));
            let target = if lib { "--lib" } else { "--bins" };
            let step = cargo(
                scene.root,
                ["check", "--quiet", target, "--package", &member.name],
            );
            step.args(["--no-default-features"]).args(feature).run()?;
        }
    }
    // What was left out says so: that is another build than the one that all tests run in.
    if scene.workspace.member("perennial").is_some() {
        let bare = [
            "test",
            "--quiet",
            "--lib",
            "--package",
            "perennial",
            "--no-default-features",
        ];
        cargo(scene.root, bare).run()?;
    }
    if any {
        Ok(Outcome::Passed)
    } else {
        Ok(Outcome::NotRun("there is no crate to publish".to_owned()))
    }
}

/// The choices to try: none of the features, then each by itself.
///
/// A crate without features is tried as well: in a build of the whole workspace it could live on
/// what others ask of a dependency that they share.
fn alone(manifest: &Manifest) -> Vec<Vec<String>> {
    let features = manifest.features();
    let single = features.iter().filter(|(name, _)| *name != "default");
    let mut choices = vec![Vec::new()];
    choices.extend(single.map(|(name, _)| vec!["--features".to_owned(), (*name).to_owned()]));
    choices
}

fn docs(scene: &Scene<'_>) -> Ran {
    let all = [
        "doc",
        "--workspace",
        "--all-features",
        "--no-deps",
        "--document-private-items",
    ];
    cargo(scene.root, all)
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(Outcome::Passed)
}

fn lab(scene: &Scene<'_>) -> Ran {
    if !has_lab(scene) {
        return Ok(Outcome::NotRun(format!("{LAB} does not exist")));
    }
    cargo(scene.root, ["test", "--workspace", "--manifest-path", LAB]).run()?;
    Ok(Outcome::Passed)
}

fn servers(scene: &Scene<'_>) -> Ran {
    live::run(scene.root, &live::Args::default()).map(|()| Outcome::Passed)
}

/// `cargo test` runs each bench once, with what the tests have compiled already: a release build
/// would prove nothing more.
fn benches(scene: &Scene<'_>) -> Ran {
    let places = bench::places(&scene.workspace);
    if places.is_empty() {
        return Ok(Outcome::NotRun("there are no benches".to_owned()));
    }
    for place in places {
        cargo(scene.root, ["test"])
            .args(place)
            .args(["--bench", "*"])
            .run()?;
    }
    Ok(Outcome::Passed)
}

fn has_lab(scene: &Scene<'_>) -> bool {
    scene.workspace.exists(LAB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_tried_alone_and_all_are_left_out_once() {
        let parse = |text: &str| alone(&Manifest::parse("Cargo.toml", text).unwrap());
        assert_eq!(parse("[package]").len(), 1);
        let tried = parse("[features]\ndefault = [\"a\"]\na = []\nb = []\n");
        assert_eq!(
            tried,
            [vec![], vec!["--features", "a"], vec!["--features", "b"]]
        );
    }
}
