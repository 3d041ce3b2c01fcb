//! Single files: written, renamed, removed, brought back, closed and opened again.

use std::fs;

use perennial_backend::{Backend, Hint};
use perennial_backend_fs::Watch;

use crate::ear::{Ear, MARK, either_way, until};
use crate::stage::Stage;

fn two(stage: &Stage) {
    stage.write("a", "canary");
    stage.write("b", "canary");
}

#[test]
fn a_file_that_is_written_in_place_is_told_of() {
    either_way(two, &["a", "b"], |ear| {
        ear.check(|stage| stage.write("a", "canary 2"), &["a"]);
        ear.check(|stage| stage.write("b", "canary 2"), &["b"]);
        ear.check(|stage| stage.write("a", ""), &["a"]);
    });
}

#[test]
fn a_file_that_is_renamed_into_place_is_told_of() {
    either_way(two, &["a", "b"], |ear| {
        for text in ["canary 2", "canary 3"] {
            let rename = |stage: &Stage| {
                stage.write(".a.new", text);
                fs::rename(stage.below(".a.new"), stage.below("a")).unwrap();
            };
            ear.check(rename, &["a"]);
        }
    });
}

#[test]
fn a_file_that_goes_and_comes_back_is_told_of() {
    either_way(two, &["a"], |ear| {
        for text in ["canary 2", "canary 3"] {
            ear.check(|stage| fs::remove_file(stage.below("a")).unwrap(), &["a"]);
            ear.check(|stage| stage.write("a", text), &["a"]);
        }
    });
}

#[test]
fn leave_to_read_a_file_is_told_of() {
    either_way(two, &["a"], |ear| {
        ear.check(|stage| stage.chmod("a", 0o000), &["a"]);
        ear.check(|stage| stage.chmod("a", 0o644), &["a"]);
    });
}

#[test]
fn reading_is_no_change_and_neither_is_a_neighbour() {
    either_way(two, &["a"], |ear| {
        let read = |stage: &Stage| {
            fs::read(stage.below("a")).unwrap();
            fs::read_dir(stage.below("")).unwrap().for_each(drop);
        };
        ear.check(read, &[]);
        ear.check(|stage| stage.write("b", "canary 2"), &[]);
        ear.check(|stage| stage.write("ab", "canary 2"), &[]);
        ear.check(|stage| fs::remove_file(stage.below("b")).unwrap(), &[]);
    });
}

#[test]
fn what_does_not_exist_yet_is_told_of_when_it_appears() {
    either_way(two, &["x/y/z", "new"], |ear| {
        ear.check(|stage| stage.write("new", "canary"), &["new"]);
        ear.check(
            |stage| fs::create_dir(stage.below("x")).unwrap(),
            &["x/y/z"],
        );
        ear.check(|stage| stage.write("x/y/z", "canary"), &["x/y/z"]);
        ear.check(|stage| stage.write("x/y/z", "canary 2"), &["x/y/z"]);
        ear.check(|stage| stage.write("x/y/other", "canary"), &[]);
        // All of it at once, faster than anybody can begin to watch.
        let again = |stage: &Stage| {
            fs::remove_dir_all(stage.below("x")).unwrap();
            stage.write("x/y/z", "canary 3");
        };
        ear.check(again, &["x/y/z"]);
        ear.check(|stage| stage.write("x/y/z", "canary no. 4"), &["x/y/z"]);
    });
}

#[test]
fn what_is_no_longer_held_is_not_told_of() {
    either_way(two, &["a", "b"], |ear| {
        ear.changes().unwatch("a");
        let both = |stage: &Stage| {
            stage.write("a", "canary 2");
            stage.write("b", "canary 2");
        };
        ear.check(both, &["b"]);
        ear.changes().watch("a");
        ear.settle();
        ear.check(|stage| stage.write("a", "canary no. 3"), &["a"]);
    });
}

#[test]
fn a_hint_that_waits_is_dropped_when_nobody_holds_it_any_more() {
    let mut ear = Ear::new(Watch::Poll, two, &["a"]);
    ear.stage.write("a", "canary 2");
    ear.changes().unwatch("a");
    ear.check(|_| (), &[]);
}

#[test]
fn what_is_held_twice_is_told_of_until_both_are_gone() {
    either_way(two, &["a", "a"], |ear| {
        ear.changes().unwatch("a");
        ear.check(|stage| stage.write("a", "canary 2"), &["a"]);
        ear.changes().unwatch("a");
        ear.check(|stage| stage.write("a", "canary no. 3"), &[]);
        // Once more than it was held does no harm.
        ear.changes().unwatch("a");
        ear.changes().watch("a");
        ear.settle();
        ear.check(|stage| stage.write("a", "canary again"), &["a"]);
    });
}

#[test]
fn what_is_held_only_now_is_told_of_once_since_it_may_have_changed() {
    either_way(two, &[], |ear| {
        ear.changes().watch("a");
        assert_eq!(ear.next(), Some(Hint::Resource("a".into())));
        ear.check(|_| (), &[]);
    });
}

#[test]
fn what_was_held_before_somebody_listened_is_told_of() {
    either_way(two, &["a"], |ear| {
        ear.hints = None;
        ear.stage.write("a", "canary while nobody listened");
        ear.subscribe();
        assert_eq!(ear.next(), Some(Hint::Resource("a".into())));
        ear.settle();
        ear.check(|stage| stage.write("a", "canary 2"), &["a"]);
    });
}

#[test]
fn many_writes_are_told_of_a_few_times_at_most() {
    let mut ear = Ear::new(Watch::Auto, two, &["a"]);
    for number in 0..1000 {
        ear.stage.write("a", "c".repeat(number % 7));
    }
    let mut count = 0;
    ear.put_mark();
    // Nobody asked meanwhile, so all of them wait as one; what the system tells late adds a few.
    while ear.next() != Some(Hint::Resource(MARK.into())) {
        count += 1;
    }
    assert!((1..20).contains(&count), "{count}");
}

#[test]
fn a_call_that_is_dropped_loses_nothing() {
    either_way(two, &["a", "b"], |ear| {
        assert_eq!(ear.try_next(), None);
        ear.stage.write("a", "canary 2");
        ear.stage.write("b", "canary 2");
        if ear.watch == Watch::Poll {
            ear.clock.advance(std::time::Duration::from_secs(2));
        }
        // Each call that finds nothing is dropped.
        let mut told = Vec::new();
        until(|| {
            told.extend(ear.try_next());
            ["a", "b"]
                .iter()
                .all(|name| told.contains(&Hint::Resource((*name).into())))
        });
    });
}

#[test]
fn with_none_nothing_is_told() {
    let stage = Stage::new();
    let config = stage.config().with_watch(Watch::None);
    let files = perennial_backend_fs::Files::new(config).unwrap();
    assert!(files.facets().changes().is_none());
}
