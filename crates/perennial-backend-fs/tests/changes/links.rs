//! Links, volumes and directories: whatever lies on the way to a value counts.

use std::fs;

use crate::ear::either_way;
use crate::stage::{Stage, publish};

fn release(stage: &Stage, number: u32) {
    let text = format!("canary {}", "x".repeat(number as usize));
    stage.write(&format!("releases/{number}/password"), text);
    stage.link("next", format!("releases/{number}"));
    fs::rename(stage.below("next"), stage.below("current")).unwrap();
}

#[test]
fn a_volume_that_is_swapped_is_told_of() {
    let set = |stage: &Stage| {
        publish(
            &stage.below("db"),
            &[("user", b"canary"), ("password", b"canary")],
        );
        publish(&stage.below("other"), &[("user", b"canary")]);
    };
    either_way(set, &["db", "db/password", "other"], |ear| {
        for text in [b"canary 2", b"canary 3"] {
            let swap = |stage: &Stage| {
                publish(
                    &stage.below("db"),
                    &[("user", b"canary"), ("password", text)],
                );
            };
            ear.check(swap, &["db", "db/password"]);
        }
    });
}

#[test]
fn a_directory_that_becomes_a_volume_is_told_of() {
    let set = |stage: &Stage| stage.write("db/user", "canary");
    either_way(set, &["db"], |ear| {
        let become_one = |stage: &Stage| {
            fs::remove_file(stage.below("db/user")).unwrap();
            publish(&stage.below("db"), &[("user", b"canary")]);
        };
        ear.check(become_one, &["db"]);
        let swap = |stage: &Stage| {
            publish(&stage.below("db"), &[("user", b"canary 2")]);
        };
        ear.check(swap, &["db"]);
    });
}

#[test]
fn a_link_to_a_directory_that_is_swapped_is_told_of() {
    let set = |stage: &Stage| release(stage, 1);
    either_way(set, &["current", "current/password"], |ear| {
        ear.check(|stage| release(stage, 2), &["current", "current/password"]);
        // The old one counts no more, and the new one does.
        ear.check(|stage| stage.write("releases/1/password", "canary"), &[]);
        let write = |stage: &Stage| stage.write("releases/2/password", "canary in place");
        ear.check(write, &["current", "current/password"]);
        ear.check(|stage| release(stage, 3), &["current", "current/password"]);
    });
}

#[test]
fn a_link_to_a_file_is_told_of_and_so_is_what_it_leads_to() {
    let set = |stage: &Stage| {
        stage.write("store/deep/one", "canary");
        stage.write("store/two", "canary");
        stage.link("a", "store/deep/one");
        stage.link("b", stage.below("store/two"));
        stage.link("c", "b");
        stage.link("dangling", "store/later");
    };
    either_way(set, &["a", "b", "c", "dangling"], |ear| {
        ear.check(|stage| stage.write("store/deep/one", "canary 2"), &["a"]);
        ear.check(|stage| stage.write("store/two", "canary 2"), &["b", "c"]);
        ear.check(|stage| stage.write("store/later", "canary"), &["dangling"]);
        let turn = |stage: &Stage| {
            fs::remove_file(stage.below("b")).unwrap();
            stage.link("b", "store/deep/one");
        };
        ear.check(turn, &["b", "c"]);
        ear.check(|stage| stage.write("store/two", "canary no. 3"), &[]);
        ear.check(
            |stage| stage.write("store/deep/one", "canary no. 3"),
            &["a", "b", "c"],
        );
    });
}

#[test]
fn what_a_directory_gains_and_loses_is_told_of() {
    let set = |stage: &Stage| {
        stage.write("db/user", "canary");
        stage.write("store/key", "canary");
    };
    either_way(set, &["db", "db/user"], |ear| {
        ear.check(|stage| stage.write("db/password", "canary"), &["db"]);
        ear.check(|stage| stage.write("db/password", "canary 2"), &["db"]);
        ear.check(
            |stage| stage.write("db/user", "canary 2"),
            &["db", "db/user"],
        );
        ear.check(|stage| stage.link("db/key", "../store/key"), &["db"]);
        ear.check(|stage| stage.write("store/key", "canary 2"), &["db"]);
        ear.check(
            |stage| fs::remove_file(stage.below("db/key")).unwrap(),
            &["db"],
        );
        ear.check(|stage| stage.write("store/key", "canary no. 3"), &[]);
        ear.check(
            |stage| fs::remove_file(stage.below("db/user")).unwrap(),
            &["db", "db/user"],
        );
    });
}

#[test]
fn what_lies_deeper_than_the_files_of_a_directory_is_not_told_of() {
    let set = |stage: &Stage| stage.write("db/deep/user", "canary");
    either_way(set, &["db"], |ear| {
        ear.check(|stage| stage.write("db/deep/user", "canary 2"), &[]);
    });
}

#[test]
fn a_directory_on_the_way_that_is_replaced_is_told_of() {
    let set = |stage: &Stage| stage.write("a/b/c", "canary");
    either_way(set, &["a/b/c"], |ear| {
        for text in ["canary 2", "canary no. 3"] {
            let replace = |stage: &Stage| {
                stage.write("new/b/c", text);
                fs::rename(stage.below("a"), stage.below("old")).unwrap();
                fs::rename(stage.below("new"), stage.below("a")).unwrap();
            };
            ear.check(replace, &["a/b/c"]);
            ear.check(|stage| stage.write("old/b/c", "canary, but old"), &[]);
            ear.check(
                |stage| stage.write("a/b/c", format!("{text} in place")),
                &["a/b/c"],
            );
            fs::remove_dir_all(ear.stage.below("old")).unwrap();
            ear.settle();
        }
    });
}

#[test]
fn two_names_of_one_directory_are_both_told_of() {
    let set = |stage: &Stage| {
        stage.write("a/b", "canary");
        stage.link("self", ".");
        stage.link("again", "self/a");
    };
    either_way(set, &["a/b", "self/self/a/b", "again/b", "again"], |ear| {
        let all = ["a/b", "again", "again/b", "self/self/a/b"];
        ear.check(|stage| stage.write("a/b", "canary 2"), &all);
    });
}
