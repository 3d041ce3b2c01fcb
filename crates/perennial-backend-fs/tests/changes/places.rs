//! The prefix itself, and what lies outside of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use perennial_backend_fs::{Files, Watch};

use crate::ear::{Ear, either_way};
use crate::stage::Stage;

#[test]
fn a_prefix_that_goes_and_comes_back_is_told_of() {
    let set = |stage: &Stage| stage.write("a", "canary");
    either_way(set, &["a"], |ear| {
        let replace = |stage: &Stage| {
            fs::rename(stage.beside("prefix"), stage.beside("old")).unwrap();
            fs::create_dir(stage.beside("prefix")).unwrap();
            stage.write("a", "canary 2");
        };
        ear.check_all(replace);
        ear.check(|stage| stage.write("a", "canary no. 3"), &["a"]);
        let write_old = |stage: &Stage| fs::write(stage.beside("old/a"), "canary!").unwrap();
        ear.check(write_old, &[]);
    });
}

#[test]
fn a_prefix_that_is_not_there_yet_is_told_of_when_it_appears() {
    let set = |stage: &Stage| fs::remove_dir(stage.beside("prefix")).unwrap();
    for watch in [Watch::Auto, Watch::Poll] {
        let mut ear = Ear::unsettled(watch, set, &["a"]);
        let appear = |stage: &Stage| {
            fs::create_dir(stage.beside("prefix")).unwrap();
            stage.write("a", "canary");
        };
        ear.check_all(appear);
        ear.check(|stage| stage.write("a", "canary 2"), &["a"]);
    }
}

#[test]
fn a_prefix_that_is_a_link_is_told_of_when_it_is_swapped() {
    let set = |stage: &Stage| {
        for number in ["one", "two"] {
            fs::create_dir(stage.beside(number)).unwrap();
            fs::write(stage.beside(number).join("a"), "canary").unwrap();
        }
        fs::remove_dir(stage.beside("prefix")).unwrap();
        symlink("one", stage.beside("prefix")).unwrap();
    };
    either_way(set, &["a"], |ear| {
        let swap = |stage: &Stage| {
            symlink("two", stage.beside("next")).unwrap();
            fs::rename(stage.beside("next"), stage.beside("prefix")).unwrap();
        };
        ear.check_all(swap);
        ear.check(|stage| stage.write("a", "canary 2"), &["a"]);
        let write_old = |stage: &Stage| fs::write(stage.beside("one/a"), "canary!").unwrap();
        ear.check(write_old, &[]);
    });
}

/// Names and links that lead out of the prefix, to what is there.
fn way_out(stage: &Stage) {
    fs::create_dir_all(stage.beside("outside/deep")).unwrap();
    fs::write(stage.beside("outside/deep/file"), "canary").unwrap();
    stage.link("link", "../outside/deep/file");
    stage.link("folder", "../outside/deep");
    stage.link("absolute", stage.beside("outside/deep"));
    stage.link("parent", "..");
    fs::create_dir(stage.below("volume")).unwrap();
    stage.link("volume/..data", "../../outside/deep");
    fs::create_dir(stage.below("members")).unwrap();
    stage.link("members/file", "../../outside/deep/file");
}

const WAYS_OUT: &[&str] = &[
    "../outside/deep",
    "../outside/deep/file",
    "link",
    "folder",
    "folder/file",
    "absolute/file",
    "parent/outside/deep/file",
    "volume",
    "volume/..data/file",
    "members",
    "members/file",
    "",
    "/",
    "a/../../outside",
];

#[test]
fn what_is_outside_of_the_prefix_is_not_told_of() {
    either_way(way_out, WAYS_OUT, |ear| {
        let write = |stage: &Stage| {
            fs::write(stage.beside("outside/deep/file"), "canary 2").unwrap();
            fs::write(stage.beside("outside/deep/another"), "canary").unwrap();
        };
        ear.check(write, &[]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_outside_of_the_prefix_is_watched() {
    let ear = Ear::new(Watch::Auto, way_out, WAYS_OUT);
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let watched = watched_inodes();
    assert!(watched.contains(&inode(&ear.stage.below(""))));
    assert!(watched.contains(&inode(&ear.stage.below("volume"))));
    for outside in ["", "outside", "outside/deep", "outside/deep/file"] {
        assert!(
            !watched.contains(&inode(&ear.stage.beside(outside))),
            "{outside}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_nobody_holds_any_more_is_not_watched_any_more() {
    let set = |stage: &Stage| {
        stage.write("one/a", "canary");
        stage.write("one/b", "canary");
    };
    let mut ear = Ear::new(Watch::Auto, set, &["one/a", "one/b"]);
    let inode = fs::metadata(ear.stage.below("one")).unwrap().ino();
    ear.changes().unwatch("one/a");
    ear.settle();
    assert!(watched_inodes().contains(&inode));
    ear.changes().unwatch("one/b");
    ear.settle();
    assert!(!watched_inodes().contains(&inode));
}

/// What this process watches, as the system tells it.
#[cfg(target_os = "linux")]
fn watched_inodes() -> BTreeSet<u64> {
    let entries = fs::read_dir("/proc/self/fdinfo").unwrap();
    let texts = entries.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    let mut inodes = BTreeSet::new();
    for text in texts {
        for line in text.lines().filter(|line| line.starts_with("inotify ")) {
            let inode = line
                .split(' ')
                .find_map(|part| part.strip_prefix("ino:"))
                .unwrap();
            inodes.insert(u64::from_str_radix(inode, 16).unwrap());
        }
    }
    inodes
}

#[test]
fn nobody_is_woken_while_nothing_is_held() {
    let stage = Stage::new();
    let files = Files::new(stage.config()).unwrap();
    let mut ear = Ear::of(stage, files, Watch::Auto);
    assert_eq!(ear.try_next(), None);
    assert_eq!(ear.clock.next_wakeup(), None);
    ear.changes().watch("a");
    ear.next();
    assert_eq!(ear.try_next(), None);
    let wakeup = ear.clock.next_wakeup().unwrap();
    assert_eq!(
        wakeup,
        perennial_backend::Clock::now(&ear.clock) + Duration::from_secs(2)
    );
}
