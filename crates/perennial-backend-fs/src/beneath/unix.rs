//! One step at a time, each relative to a directory that is held open.
//!
//! Linux has `openat2` with `RESOLVE_BENEATH` for this, but it is missing from other systems and
//! from many sandboxes, takes no absolute link even if it stays below, and does not tell which
//! links it followed. Walking by hand gives all of that, and the same guarantee: a directory is
//! entered by its descriptor, no step follows a link by itself, and `..` goes back to the
//! descriptor that the walk came from, never above the first.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, open, openat, readlinkat, statat};
use rustix::io::Errno;

use super::{Found, Obstacle, Trail};
use crate::names::is_member;

/// The directory below which everything lies.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    fd: Rc<OwnedFd>,
}

/// A directory at or below a root, and the way to it.
#[derive(Debug)]
pub(crate) struct Directory<'r> {
    root: &'r Root,
    /// The root is the first, this directory the last.
    way: Vec<Rc<OwnedFd>>,
}

impl Root {
    /// Opens the root itself; links on the way to it are followed wherever they lead.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let fd = open(path, ENTER, Mode::empty())?;
        Ok(Self {
            path: path.to_owned(),
            fd: Rc::new(fd),
        })
    }

    /// Returns the directory of the root.
    pub(crate) fn directory(&self) -> Directory<'_> {
        Directory {
            root: self,
            way: vec![Rc::clone(&self.fd)],
        }
    }

    /// Returns what of an absolute path lies below the root.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        if let Ok(rest) = path.strip_prefix(&self.path) {
            return Some(rest.to_owned());
        }
        let canonical = std::fs::canonicalize(&self.path).ok()?;
        path.strip_prefix(canonical).ok().map(Path::to_owned)
    }
}

impl<'r> Directory<'r> {
    /// Goes to where a path leads from here. Links are noted on the trail.
    pub(crate) fn find(&self, path: &str, trail: &mut Trail) -> Result<Found<Self>, Obstacle> {
        let mut way = self.way.clone();
        let mut ahead: Vec<OsString> = Vec::new();
        push(&mut ahead, Path::new(path));
        let mut turns = 0;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                way.pop();
            }
            let Some(here) = way.last() else {
                return Err(Obstacle::Outside);
            };
            if part == ".." {
                continue;
            }
            if turns > MOST_TURNS || way.len() > DEEPEST {
                return Err(Obstacle::Endless);
            }
            match step(here, &part) {
                Ok(Step::Directory(fd)) => way.push(Rc::new(fd)),
                Ok(Step::File(_)) if !ahead.is_empty() => {
                    return Err(Obstacle::System(Errno::NOTDIR.into()));
                }
                Ok(Step::File(file)) => return Ok(Found::File(file)),
                Ok(Step::Link(target)) => {
                    turns += 1;
                    let target = PathBuf::from(target);
                    if target.is_absolute() {
                        let rest = self.root.below(&target).ok_or(Obstacle::Outside)?;
                        way.truncate(1);
                        push(&mut ahead, &rest);
                    } else {
                        push(&mut ahead, &target);
                    }
                    trail.push(target.into_os_string());
                }
                Ok(Step::Changed) => {
                    turns += 1;
                    ahead.push(part);
                }
                Err(obstacle) => return Err(obstacle),
            }
        }
        Ok(Found::Directory(Self {
            root: self.root,
            way,
        }))
    }

    /// Returns the names that members may have, or nothing if there are more than `most`.
    pub(crate) fn members(&self, most: u64) -> io::Result<Option<Vec<String>>> {
        let Some(here) = self.way.last() else {
            return Ok(Some(Vec::new()));
        };
        let mut names = Vec::new();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        for entry in Dir::new(openat(here, ".", flags, Mode::empty())?)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if entry.file_type() == FileType::Directory || !is_member(name) {
                continue;
            }
            if names.len() as u64 >= most {
                return Ok(None);
            }
            names.push(name.to_owned());
        }
        Ok(Some(names))
    }

    /// Returns whether two handles are of one directory, whatever path led there. Since both are
    /// open, their numbers cannot have been used again.
    pub(crate) fn is_same(&self, other: &Directory<'_>) -> bool {
        let number = |directory: &Directory<'_>| {
            let stat = fstat(directory.way.last()?).ok()?;
            Some((stat.st_dev, stat.st_ino))
        };
        let own = number(self);
        own.is_some() && own == number(other)
    }
}

enum Step {
    Directory(OwnedFd),
    File(File),
    Link(OsString),
    /// It became something else between two looks at it.
    Changed,
}

/// Takes one step down from a directory, without following a link.
fn step(here: &OwnedFd, part: &OsStr) -> Result<Step, Obstacle> {
    let stat = statat(here, part, AtFlags::SYMLINK_NOFOLLOW)?;
    let opened = |flags| match openat(here, part, flags, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        // A link now, as different systems say it, or no longer a directory.
        Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            let fd = opened(ENTER | OFlags::NOFOLLOW)?;
            Ok(fd.map_or(Step::Changed, Step::Directory))
        }
        FileType::Symlink => match readlinkat(here, part, Vec::new()) {
            Ok(target) => Ok(Step::Link(OsString::from_vec(target.into_bytes()))),
            Err(Errno::INVAL) => Ok(Step::Changed),
            Err(errno) => Err(errno.into()),
        },
        FileType::RegularFile => {
            // Had a pipe come into its place, opening it would wait without NONBLOCK.
            let flags = OFlags::RDONLY
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::NOCTTY
                | OFlags::CLOEXEC;
            let Some(fd) = opened(flags)? else {
                return Ok(Step::Changed);
            };
            match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
                FileType::RegularFile => Ok(Step::File(File::from(fd))),
                _ => Ok(Step::Changed),
            }
        }
        _ => Err(Obstacle::Special),
    }
}

/// Puts the parts of a path before those that are still ahead.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::from_bytes(b"..").to_owned()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    ahead.extend(parts);
}

impl From<Errno> for Obstacle {
    fn from(errno: Errno) -> Self {
        Self::System(errno.into())
    }
}

/// How a directory is opened that is only passed through: leave to enter it is enough.
#[cfg(any(target_os = "linux", target_os = "android"))]
const ENTER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// How a directory is opened that is only passed through.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const ENTER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// As many links as Linux follows.
const MOST_TURNS: usize = 40;
/// Room for a name as deep as is allowed, behind links.
const DEEPEST: usize = 128;
