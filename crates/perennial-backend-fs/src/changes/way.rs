//! The way to a resource: each place where a change may lead to another value.
//!
//! This only looks: names are asked for and links are read, but nothing is opened except to list
//! a directory. It goes by paths, so whoever moves things meanwhile can lead a look astray, and all
//! that comes of it is a hint too many or one look more. What is fetched goes another way.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use crate::names::{is_member, is_plain};

/// The directory below which everything is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    /// As it is set.
    prefix: PathBuf,
    /// Where it really is.
    path: PathBuf,
    number: Number,
}

/// What lies on the way to a resource.
#[derive(Debug, Default)]
pub(crate) struct Way {
    folders: BTreeSet<PathBuf>,
    points: BTreeSet<PathBuf>,
    passed: BTreeMap<PathBuf, Number>,
    sights: Vec<(PathBuf, Sight)>,
}

/// What tells directories of one path apart, where the system has it. It can be used again when
/// the directory is gone.
pub(crate) type Number = Option<(u64, u64)>;

/// What was seen at a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// A directory that is passed through.
    Passed(Number),
    /// A link, and where it leads.
    Link(PathBuf),
    /// The end of the way.
    End(Stamp),
    /// Nothing that can be looked at.
    Nothing(io::ErrorKind),
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    number: Number,
    len: u64,
    modified: Option<SystemTime>,
    /// When its content, owner or mode changed last, where the system has it.
    changed: Option<(i64, i64)>,
}

impl Ground {
    /// Finds out where the prefix really is, if it is there.
    pub(crate) fn find(prefix: &Path) -> Option<Self> {
        let path = fs::canonicalize(prefix).ok()?;
        let metadata = fs::metadata(&path).ok().filter(Metadata::is_dir)?;
        Some(Self {
            prefix: prefix.to_owned(),
            path,
            number: number(&metadata),
        })
    }

    /// Returns where it really is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Way {
    /// Looks for the way to a resource.
    pub(crate) fn explore(ground: &Ground, resource: &str, max_files: u64) -> Self {
        let mut walk = Walk {
            ground,
            way: Self::default(),
        };
        if is_plain(resource) {
            walk.passes(&ground.path, ground.number);
            if let Some(folder) = walk.go(&ground.path, Path::new(resource)) {
                walk.list(&folder, max_files);
            }
        }
        walk.way
    }

    #[cfg(test)]
    pub(crate) fn of(points: &[&str], folders: &[&str]) -> Self {
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect();
        Self {
            points: paths(points),
            folders: paths(folders),
            ..Self::default()
        }
    }

    /// Returns each place of which any change counts.
    pub(crate) fn points(&self) -> impl Iterator<Item = &PathBuf> {
        self.points.iter()
    }

    /// Returns each directory whose files all count.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.folders.iter()
    }

    /// Returns each directory in which something was looked for.
    pub(crate) fn passed(&self) -> impl Iterator<Item = (&PathBuf, Number)> {
        self.passed.iter().map(|(path, number)| (path, *number))
    }

    /// Returns whether everything looks as it did.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        self.sights == other.sights
    }

    /// Forgets what everything looked like.
    pub(crate) fn forget_looks(&mut self) {
        self.sights = Vec::new();
    }
}

struct Walk<'a> {
    ground: &'a Ground,
    way: Way,
}

impl Walk<'_> {
    /// Goes to where a path leads, and returns the directory that is there, if it is one.
    fn go(&mut self, from: &Path, path: &Path) -> Option<PathBuf> {
        let mut here = from.to_owned();
        let mut ahead = Vec::new();
        push(&mut ahead, path);
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                // Above the ground nothing is looked at.
                if here == self.ground.path {
                    return None;
                }
                here.pop();
                continue;
            }
            let place = here.join(&part);
            let metadata = self.look(&place)?;
            if metadata.is_symlink() {
                links += 1;
                let target = self.follow(&place)?;
                if links > MOST_LINKS {
                    return None;
                }
                if target.has_root() {
                    push(&mut ahead, &self.below(&target)?);
                    here.clone_from(&self.ground.path);
                } else {
                    push(&mut ahead, &target);
                }
            } else if metadata.is_dir() {
                let number = number(&metadata);
                self.see(&place, Sight::Passed(number));
                self.passes(&place, number);
                here = place;
            } else {
                self.see(&place, Sight::End(stamp(&metadata)));
                return None;
            }
        }
        Some(here)
    }

    /// Looks at the files of a directory, or at those to which its `..data` leads.
    fn list(&mut self, folder: &Path, max_files: u64) {
        let data = folder.join(DATA);
        let is_link = fs::symlink_metadata(&data).is_ok_and(|metadata| metadata.is_symlink());
        let inner = self.go(folder, Path::new(DATA));
        let place = match (is_link, inner) {
            (false, _) => folder.to_owned(),
            (true, Some(inner)) => inner,
            (true, None) => return,
        };
        // Its own times change as names come and go, even where there are too many to list.
        if let Some(metadata) = self.look(&place) {
            self.see(&place, Sight::End(stamp(&metadata)));
        }
        self.way.folders.insert(place.clone());
        let listed = match members(&place, max_files) {
            Ok(listed) => listed,
            Err(error) => return self.see(&place, Sight::Nothing(error.kind())),
        };
        for (name, is_link) in listed {
            let member = place.join(&name);
            if is_link {
                self.go(&place, Path::new(&name));
            } else if let Ok(metadata) = fs::symlink_metadata(&member) {
                self.see(&member, Sight::End(stamp(&metadata)));
            }
        }
    }

    /// Notes that something is looked for at a place.
    fn look(&mut self, place: &Path) -> Option<Metadata> {
        self.way.points.insert(place.to_owned());
        match fs::symlink_metadata(place) {
            Ok(metadata) => Some(metadata),
            Err(error) => {
                self.see(place, Sight::Nothing(error.kind()));
                None
            }
        }
    }

    fn follow(&mut self, place: &Path) -> Option<PathBuf> {
        match fs::read_link(place) {
            Ok(target) => {
                self.see(place, Sight::Link(target.clone()));
                Some(target)
            }
            Err(error) => {
                self.see(place, Sight::Nothing(error.kind()));
                None
            }
        }
    }

    fn see(&mut self, place: &Path, sight: Sight) {
        self.way.sights.push((place.to_owned(), sight));
    }

    fn passes(&mut self, place: &Path, number: Number) {
        self.way.points.insert(place.to_owned());
        self.way.passed.insert(place.to_owned(), number);
    }

    /// Returns what of an absolute path lies below the ground.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        let rest = path
            .strip_prefix(&self.ground.prefix)
            .or_else(|_| path.strip_prefix(&self.ground.path));
        rest.ok().map(Path::to_owned)
    }
}

/// Lists the names that members may have, in order, and which of them are links.
fn members(folder: &Path, max_files: u64) -> io::Result<Vec<(String, bool)>> {
    let mut members = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if kind.is_dir() || !is_member(&name) {
            continue;
        }
        if members.len() as u64 >= max_files {
            return Ok(Vec::new());
        }
        members.push((name, kind.is_symlink()));
    }
    members.sort();
    Ok(members)
}

/// Puts the parts of a path before those that are still ahead.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    ahead.extend(parts);
}

fn stamp(metadata: &Metadata) -> Stamp {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt;
        Some((metadata.ctime(), metadata.ctime_nsec()))
    };
    #[cfg(not(unix))]
    let changed = None;
    Stamp {
        number: number(metadata),
        len: metadata.len(),
        modified: metadata.modified().ok(),
        changed,
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> Number {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> Number {
    None
}

/// The link to the version of a volume that is in force.
const DATA: &str = "..data";
/// As many links as are followed to read something.
const MOST_LINKS: usize = 40;

#[cfg(test)]
#[cfg(unix)]
mod tests;
