//! A crate's `Cargo.toml` as the chores see it: its text, its table, its dependencies.
//!
//! Only reading lives here; what is right or wrong in a manifest is a matter for `tidy`.

use toml::{Table, Value};

/// A manifest, parsed, with the text that comments are read from.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Where it is, from the top of the repository.
    pub(crate) path: String,
    /// The text as written.
    pub(crate) text: String,
    table: Table,
}

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

/// One dependency as it stands in a manifest.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The name of the package, whatever it is called here.
    pub(crate) package: String,
    pub(crate) kind: Kind,
    /// Says `workspace = true`.
    pub(crate) inherited: bool,
    /// Names a version, a repository or a registry by itself.
    pub(crate) pinned: bool,
    /// Names a folder.
    pub(crate) path: bool,
}

impl Manifest {
    /// Parses a manifest.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let table = text
            .parse::<Table>()
            .map_err(|why| format!("{path} is not a manifest: {why}"))?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            table,
        })
    }

    /// Follows keys into the manifest.
    pub(crate) fn get(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter()
            .try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }

    /// A text at these keys.
    pub(crate) fn str(&self, keys: &[&str]) -> Option<&str> {
        self.get(keys)?.as_str()
    }

    /// The name in `[package]`.
    pub(crate) fn name(&self) -> Option<&str> {
        self.str(&["package", "name"])
    }

    /// Does the manifest say `<key>.workspace = true` at these keys?
    pub(crate) fn inherits(&self, keys: &[&str]) -> bool {
        self.get(keys).is_some_and(says_workspace)
    }

    /// May this crate be published?
    pub(crate) fn publishable(&self) -> bool {
        match self.get(&["package", "publish"]) {
            Some(Value::Boolean(publish)) => *publish,
            Some(Value::Array(registries)) => !registries.is_empty(),
            _ => true,
        }
    }

    /// The features and what each turns on, in the order of their names.
    pub(crate) fn features(&self) -> Vec<(&str, Vec<&str>)> {
        let Some(features) = self.get(&["features"]).and_then(Value::as_table) else {
            return Vec::new();
        };
        features
            .iter()
            .map(|(name, list)| (name.as_str(), strings(list)))
            .collect()
    }

    /// Every dependency, those of each target included.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let mut found = section(&self.table);
        if let Some(targets) = self.get(&["target"]).and_then(Value::as_table) {
            for target in targets.values().filter_map(Value::as_table) {
                found.extend(section(target));
            }
        }
        found
    }
}

/// The texts of an array.
pub(crate) fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn section(table: &Table) -> Vec<Dependency> {
    let kinds = [
        ("dependencies", Kind::Normal),
        ("build-dependencies", Kind::Build),
        ("dev-dependencies", Kind::Dev),
    ];
    let mut found = Vec::new();
    for (key, kind) in kinds {
        for (name, value) in table
            .get(key)
            .and_then(Value::as_table)
            .into_iter()
            .flatten()
        {
            found.push(dependency(name, value, kind));
        }
    }
    found
}

fn dependency(name: &str, value: &Value, kind: Kind) -> Dependency {
    let pins = ["version", "git", "registry"];
    Dependency {
        package: value
            .get("package")
            .and_then(Value::as_str)
            .unwrap_or(name)
            .to_owned(),
        kind,
        inherited: says_workspace(value),
        pinned: value.is_str() || pins.iter().any(|key| value.get(key).is_some()),
        path: value.get("path").is_some(),
    }
}

fn says_workspace(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_section_are_read() {
        let manifest = Manifest::parse(
            "Cargo.toml",
            "[dependencies]\na = \"1\"\nb.workspace = true\n\
             [dev-dependencies]\nc = { path = \"../c\" }\n\
             [target.'cfg(unix)'.dependencies]\nd = { package = \"e\", version = \"1\" }\n",
        )
        .unwrap();
        let seen: Vec<_> = manifest
            .dependencies()
            .into_iter()
            .map(|dep| (dep.package, dep.kind, dep.inherited, dep.pinned, dep.path))
            .collect();
        assert_eq!(
            seen,
            [
                ("a".to_owned(), Kind::Normal, false, true, false),
                ("b".to_owned(), Kind::Normal, true, false, false),
                ("c".to_owned(), Kind::Dev, false, false, true),
                ("e".to_owned(), Kind::Normal, false, true, false),
            ]
        );
    }

    #[test]
    fn publish_false_and_an_empty_list_keep_a_crate_at_home() {
        let check = |text: &str, expected| {
            let manifest = Manifest::parse("Cargo.toml", text).unwrap();
            assert_eq!(manifest.publishable(), expected, "{text}");
        };
        check("[package]\nname = \"a\"", true);
        check("[package]\npublish = false", false);
        check("[package]\npublish = []", false);
    }

    #[test]
    fn a_manifest_that_does_not_parse_is_named() {
        let why = Manifest::parse("crates/a/Cargo.toml", "[").unwrap_err();
        assert!(why.starts_with("crates/a/Cargo.toml"), "{why}");
    }
}
