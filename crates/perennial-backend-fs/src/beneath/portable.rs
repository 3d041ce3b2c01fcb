//! The whole path at once: resolved, compared with the root, then opened.
//!
//! Whoever can move directories below the root between the comparison and the opening can lead it
//! astray; the standard library has no means against that.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Found, Obstacle, Trail};
use crate::names::is_member;

/// The directory below which everything lies.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
}

/// A directory at or below a root.
#[derive(Debug)]
pub(crate) struct Directory<'r> {
    root: &'r Root,
    path: PathBuf,
}

impl Root {
    /// Finds the root itself; links on the way to it are followed wherever they lead.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        if !fs::metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { path })
    }

    /// Returns the directory of the root.
    pub(crate) fn directory(&self) -> Directory<'_> {
        Directory {
            root: self,
            path: self.path.clone(),
        }
    }
}

impl<'r> Directory<'r> {
    /// Goes to where a path leads from here. Where links lead is noted on the trail.
    pub(crate) fn find(&self, path: &str, trail: &mut Trail) -> Result<Found<Self>, Obstacle> {
        let named = self.path.join(path);
        if fs::symlink_metadata(&named)?.is_symlink() {
            trail.push(fs::read_link(&named)?.into_os_string());
        }
        let path = fs::canonicalize(&named)?;
        if !path.starts_with(&self.root.path) {
            return Err(Obstacle::Outside);
        }
        let kind = fs::metadata(&path)?.file_type();
        if kind.is_dir() {
            Ok(Found::Directory(Self {
                root: self.root,
                path,
            }))
        } else if kind.is_file() {
            Ok(Found::File(File::open(&path)?))
        } else {
            Err(Obstacle::Special)
        }
    }

    /// Returns the names that members may have, or nothing if there are more than `most`.
    pub(crate) fn members(&self, most: u64) -> io::Result<Option<Vec<String>>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if entry.file_type()?.is_dir() || !is_member(&name) {
                continue;
            }
            if names.len() as u64 >= most {
                return Ok(None);
            }
            names.push(name);
        }
        Ok(Some(names))
    }

    /// Returns whether two handles are of one directory.
    pub(crate) fn is_same(&self, other: &Directory<'_>) -> bool {
        self.path == other.path
    }
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}
