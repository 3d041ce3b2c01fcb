//! From a path at which something happened to the resources that it concerns.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::way::Way;
use crate::names::is_member;

type Names = BTreeSet<Arc<str>>;

/// Which places belong to which resources.
#[derive(Debug, Default)]
pub(crate) struct Map {
    points: HashMap<PathBuf, Names>,
    folders: HashMap<PathBuf, Names>,
}

impl Map {
    /// Notes the way to a resource.
    pub(crate) fn insert(&mut self, name: &Arc<str>, way: &Way) {
        let add = |places: &mut HashMap<PathBuf, Names>, path: &PathBuf| {
            let names = places.entry(path.clone()).or_default();
            names.insert(Arc::clone(name));
        };
        way.points().for_each(|path| add(&mut self.points, path));
        way.folders().for_each(|path| add(&mut self.folders, path));
    }

    /// Forgets the way to a resource.
    pub(crate) fn remove(&mut self, name: &str, way: &Way) {
        let drop = |places: &mut HashMap<PathBuf, Names>, path: &PathBuf| {
            if let Some(names) = places.get_mut(path) {
                names.remove(name);
                if names.is_empty() {
                    places.remove(path);
                }
            }
        };
        way.points().for_each(|path| drop(&mut self.points, path));
        way.folders().for_each(|path| drop(&mut self.folders, path));
    }

    /// Returns whether a place is on the way to anything.
    pub(crate) fn is_point(&self, path: &Path) -> bool {
        self.points.contains_key(path)
    }

    /// Returns the resources that something at a path concerns.
    pub(crate) fn touched(&self, path: &Path) -> impl Iterator<Item = &Arc<str>> {
        let named = self.points.get(path);
        // Whoever writes a volume makes names with two dots, which are no members of it.
        let is_member = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(is_member);
        let listed = path
            .parent()
            .filter(|_| is_member)
            .and_then(|folder| self.folders.get(folder));
        named.into_iter().chain(listed).flatten()
    }
}
