//! Many at once.

use std::collections::BTreeSet;
use std::fs;

use crate::ear::either_way;
use crate::stage::Stage;

#[test]
fn each_of_two_hundred_is_told_of() {
    let names: Vec<_> = (0..200)
        .map(|number| format!("{}/{number}", number % 20))
        .collect();
    let set = |stage: &Stage| names.iter().for_each(|name| stage.write(name, "canary"));
    let held: Vec<_> = names.iter().map(String::as_str).collect();
    either_way(set, &held, |ear| {
        for name in &held {
            ear.check(|stage| stage.write(name, "canary 2"), &[name]);
        }
        let all: BTreeSet<_> = names.iter().cloned().collect();
        let told = ear.told(|stage| {
            for name in &names {
                let new = stage.below("new");
                fs::write(&new, "canary no. 3").unwrap();
                fs::rename(new, stage.below(name)).unwrap();
            }
        });
        assert_eq!(told, all);
    });
}
