//! The repository as a value: its files, its folders, its member crates.
//!
//! The rules and the release read this value only, so that their tests need no disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::manifest::{Manifest, strings};
use crate::process::Step;

/// Everything that is, or could be, under version control.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Path → text; `None` where the file is not text.
    files: BTreeMap<String, Option<String>>,
    folders: BTreeSet<String>,
    root: Manifest,
    members: Vec<Member>,
}

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its folder, from the top.
    pub(crate) dir: String,
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
}

/// Finds the top of the repository from the current folder upwards.
pub(crate) fn find_root() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|why| format!("no current folder: {why}"))?;
    here.ancestors()
        .find(|dir| dir.join("Cargo.toml").is_file() && dir.join("xtask/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| "not inside the repository: go to its folder first".to_owned())
}

impl Workspace {
    /// Reads the repository from disk: what git tracks or would track.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for path in list(root)? {
            // A file removed but not yet committed is still listed.
            if let Ok(bytes) = std::fs::read(root.join(&path)) {
                files.insert(path, String::from_utf8(bytes).ok());
            }
        }
        Self::new(files)
    }

    /// Makes sense of a set of files.
    pub(crate) fn new(files: BTreeMap<String, Option<String>>) -> Result<Self, String> {
        let mut folders = BTreeSet::new();
        for path in files.keys() {
            folders.extend(
                path.match_indices('/')
                    .filter_map(|(at, _)| path.get(..at))
                    .map(str::to_owned),
            );
        }
        let text = files
            .get("Cargo.toml")
            .and_then(Option::as_deref)
            .ok_or("there is no Cargo.toml at the top")?;
        let root = Manifest::parse("Cargo.toml", text)?;
        let mut members = Vec::new();
        for (path, text) in &files {
            let (Some(dir), Some(text)) = (path.strip_suffix("/Cargo.toml"), text) else {
                continue;
            };
            if is_member(&root, dir) {
                let manifest = Manifest::parse(path, text)?;
                let name = manifest
                    .name()
                    .ok_or_else(|| format!("{path} names no package"))?;
                members.push(Member {
                    dir: dir.to_owned(),
                    name: name.to_owned(),
                    manifest,
                });
            }
        }
        Ok(Self {
            files,
            folders,
            root,
            members,
        })
    }

    /// The manifest at the top.
    pub(crate) fn root(&self) -> &Manifest {
        &self.root
    }

    /// Every crate, by folder.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The crates that live under `crates/`.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.dir.starts_with("crates/"))
    }

    /// The crates that may be published.
    pub(crate) fn publishable(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.manifest.publishable())
    }

    /// The crate of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Is this package one of ours, written or still to be written?
    pub(crate) fn is_internal(&self, package: &str) -> bool {
        package == "perennial"
            || package.starts_with("perennial-")
            || self.member(package).is_some()
    }

    /// Every path of a file.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Every path of a folder.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// Every text file, with its text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Every Rust file, with its text.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Is there a file or a folder of this path?
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.folders.contains(path)
    }
}

fn is_member(root: &Manifest, dir: &str) -> bool {
    let Some(patterns) = root.get(&["workspace", "members"]) else {
        return false;
    };
    strings(patterns)
        .into_iter()
        .any(|pattern| match pattern.strip_suffix("/*") {
            Some(parent) => dir
                .rsplit_once('/')
                .is_some_and(|(above, _)| above == parent),
            None => dir == pattern,
        })
}

fn list(root: &Path) -> Result<Vec<String>, String> {
    let git = Step::new(root, "git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    if root.join(".git").exists() {
        let listed = git.capture()?;
        return Ok(listed.split_terminator('\0').map(str::to_owned).collect());
    }
    // An unpacked archive has no index: take every file but what builds leave behind.
    let mut found = Vec::new();
    walk(root, "", &mut found)?;
    Ok(found)
}

fn walk(root: &Path, dir: &str, found: &mut Vec<String>) -> Result<(), String> {
    let complain = |why| format!("cannot list {dir}: {why}");
    for entry in std::fs::read_dir(root.join(dir)).map_err(complain)? {
        let entry = entry.map_err(complain)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if dir.is_empty() {
            name.clone()
        } else {
            format!("{dir}/{name}")
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && name != "target" => walk(root, &path, found)?,
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// A workspace made of the given files, for the tests of the rules.
#[cfg(test)]
pub(crate) fn sample(files: &[(&str, &str)]) -> Workspace {
    let top = "[workspace]\nmembers = [\"crates/*\", \"tests\", \"xtask\"]\n\
               [workspace.package]\nversion = \"0.1.0\"\nrepository = \"https://forge.example/p/p\"\n\
               [workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
    let mut map = BTreeMap::from([("Cargo.toml".to_owned(), Some(top.to_owned()))]);
    map.extend(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned()))),
    );
    Workspace::new(map).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_folder_and_the_lab_is_not_one() {
        let workspace = sample(&[
            ("crates/a/Cargo.toml", "[package]\nname = \"a\""),
            ("crates/a/deep/Cargo.toml", "[package]\nname = \"deep\""),
            ("tests/Cargo.toml", "[package]\nname = \"t\""),
            ("tests/lab/Cargo.toml", "[workspace]"),
        ]);
        let names: Vec<_> = workspace
            .members()
            .iter()
            .map(|member| member.name.as_str())
            .collect();
        assert_eq!(names, ["a", "t"]);
    }

    #[test]
    fn folders_exist_as_files_do() {
        let workspace = sample(&[("docs/decisions/0001-x.md", "# X")]);
        assert!(workspace.exists("docs"));
        assert!(workspace.exists("docs/decisions"));
        assert!(workspace.exists("docs/decisions/0001-x.md"));
        assert!(!workspace.exists("docs/decisions/0001"));
    }

    #[test]
    fn the_root_is_found_from_inside() {
        let root = find_root().unwrap();
        assert!(root.join("xtask/src/workspace.rs").is_file());
    }
}
