//! `new-backend`: writes the crate of a backend that compiles and whose conformance tests fail.

use std::path::Path;

use crate::process::cargo;
use crate::workspace::Workspace;

/// Arguments of `new-backend`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask new-backend acme        writes crates/perennial-backend-acme\n  cargo xtask new-backend acme-kms    writes crates/perennial-backend-acme-kms"
)]
pub(crate) struct Args {
    /// Name of the provider, as in `{vault://<name>/…}`: lower-case letters, digits and dashes
    name: String,
}

impl Args {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }
}

/// Path within the crate → what stands there.
const TEMPLATES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        include_str!("../templates/backend/Cargo.toml"),
    ),
    ("README.md", include_str!("../templates/backend/README.md")),
    (
        "src/auth.rs",
        include_str!("../templates/backend/src/auth.rs"),
    ),
    (
        "src/config.rs",
        include_str!("../templates/backend/src/config.rs"),
    ),
    (
        "src/error.rs",
        include_str!("../templates/backend/src/error.rs"),
    ),
    (
        "src/lib.rs",
        include_str!("../templates/backend/src/lib.rs"),
    ),
    (
        "src/store.rs",
        include_str!("../templates/backend/src/store.rs"),
    ),
    (
        "src/wire.rs",
        include_str!("../templates/backend/src/wire.rs"),
    ),
    (
        "tests/conformance.rs",
        include_str!("../templates/backend/tests/conformance.rs"),
    ),
    (
        "tests/documentation.rs",
        include_str!("../templates/backend/tests/documentation.rs"),
    ),
];

/// Writes the crate and says what remains.
pub(crate) fn run(root: &Path, args: &Args) -> Result<(), String> {
    let name = args.name.as_str();
    check_name(name)?;
    let dir = format!("crates/perennial-backend-{name}");
    if root.join(&dir).exists() {
        return Err(format!(
            "{dir} is there already: choose another name, or remove it"
        ));
    }
    for (path, text) in files(name) {
        let path = root.join(&dir).join(path);
        let complain = |why| format!("cannot write {}: {why}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(complain)?;
        }
        std::fs::write(&path, text).map_err(complain)?;
    }
    // Where lines break depends on the length of the name.
    let package = format!("perennial-backend-{name}");
    cargo(root, ["fmt", "--package", &package]).capture()?;
    let workspace = Workspace::load(root)?;
    let version = workspace
        .root()
        .str(&["workspace", "package", "version"])
        .unwrap_or("0.1.0");
    println!("{}", remaining(name, version));
    Ok(())
}

fn files(name: &str) -> Vec<(&'static str, String)> {
    let title: Vec<_> = name.split('-').map(capital).collect();
    let fill = |text: &str| {
        text.replace("__NAME__", name)
            .replace("__IDENT__", &name.replace('-', "_"))
            .replace("__TITLE__", &title.join(" "))
    };
    TEMPLATES
        .iter()
        .map(|(path, text)| (*path, fill(text)))
        .collect()
}

fn capital(word: &str) -> String {
    let mut signs = word.chars();
    signs
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(signs)
        .collect()
}

/// A backend's name is its default vault's name, so the grammar's rules for those hold.
fn check_name(name: &str) -> Result<(), String> {
    let signs = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() > 1
        && begins
        && !name.ends_with('-')
        && !name.contains("--")
        && name.chars().all(signs)
    {
        return Ok(());
    }
    Err(format!(
        "`{name}` cannot be a backend's name: use at least two lower-case letters, digits and single dashes, as in `acme-kms`"
    ))
}

fn remaining(name: &str, version: &str) -> String {
    let package = format!("perennial-backend-{name}");
    let ident = package.replace('-', "_");
    format!(
        "written: crates/{package}\n\n\
         Its tests say which rules of the contract are not met yet:\n  cargo test -p {package}\n\n\
         What remains:\n\
         1. Cargo.toml, [workspace.dependencies]:\n     {package} = {{ version = \"{version}\", path = \"crates/{package}\" }}\n\
         2. crates/perennial/Cargo.toml: the optional dependency, and the feature with a comment above it:\n     {package} = {{ workspace = true, optional = true }}\n     {name} = [\"dep:{package}\"]\n   and `{name}` in the feature `full`\n\
         3. crates/perennial/README.md, the section on features:\n     - `{name}`: …\n\
         4. crates/perennial/src/backends.rs, one row: {ident}::backend_type()\n\
         5. every setting in crates/{package}/README.md: its default, an example\n\n\
         `cargo xtask tidy` names what is forgotten."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_vaults() {
        for name in ["acme", "acme-kms", "k2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in [
            "", "a", "Acme", "2k", "-a", "a-", "a--b", "a_b", "a/b", "../ab",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        for (path, text) in files("acme-kms") {
            for left in ["__NAME", "__IDENT", "__TITLE"] {
                assert!(!text.contains(left), "{path}: {left}");
            }
        }
        let text = |wanted: &str| {
            let found = files("acme-kms")
                .into_iter()
                .find(|(path, _)| *path == wanted);
            found.unwrap().1
        };
        assert!(text("Cargo.toml").contains("name = \"perennial-backend-acme-kms\""));
        assert!(text("tests/conformance.rs").contains("use perennial_backend_acme_kms::"));
        assert!(text("README.md").contains("Secrets of Acme Kms"));
    }

    #[test]
    fn what_is_written_is_tidy() {
        let written: Vec<_> = files("acme")
            .into_iter()
            .map(|(path, text)| (format!("crates/perennial-backend-acme/{path}"), text))
            .collect();
        let given: Vec<_> = written
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let about: Vec<_> = crate::tidy::found(&crate::workspace::sample(&given))
            .into_iter()
            .filter(|line| line.contains("acme"))
            .collect();
        assert_eq!(about, Vec::<String>::new());
    }

    #[test]
    fn what_remains_is_said() {
        let text = remaining("acme", "0.1.0");
        assert!(
            text.contains("acme = [\"dep:perennial-backend-acme\"]"),
            "{text}"
        );
        assert!(
            text.contains("perennial_backend_acme::backend_type()"),
            "{text}"
        );
    }
}
