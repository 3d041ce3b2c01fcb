//! Everything at once: whoever fetches what is told of has in the end what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use perennial_backend::{Hint, Request, Runtime};
use perennial_backend_fs::{Files, Watch};
use perennial_testkit::{SimClock, SimRuntime};

use crate::ear::{Ear, MARK};
use crate::fetch::{fetch, told};
use crate::stage::{Stage, publish};

const RESOURCES: &[&str] = &[
    "a", "a/x", "a/b", "a/b/x", "a/b/c/x", "b/x", "b/c/y", "l/x", "l", "m/l/x", "m", "v", "v/x",
    "l/b/x",
];
const PLACES: &[&str] = &["a", "a/b", "a/b/c", "b", "b/c", "v", "m"];
const LINKS: &[&str] = &["l", "m/l", "a/l", "b/x", "a/b/x"];

/// Does one of many things; whether it can be done just now is of no interest.
fn act(stage: &Stage, random: u64, number: u64) {
    let pick = |list: &[&'static str], shift: u32| {
        let index = (random >> shift) as usize % list.len();
        list[index]
    };
    let (place, other) = (pick(PLACES, 8), pick(PLACES, 16));
    let file = format!("{place}/{}", pick(&["x", "y"], 24));
    let below = |name: &str| stage.below(name);
    match random % 9 {
        0 | 1 => drop(fs::write(below(&file), number.to_string())),
        2 => {
            let _ = fs::write(below("new"), number.to_string());
            let _ = fs::rename(below("new"), below(&file));
        }
        3 => drop(fs::remove_file(below(&file))),
        4 => drop(fs::create_dir_all(below(place))),
        5 => drop(fs::remove_dir_all(below(place))),
        6 => drop(fs::rename(below(place), below(other))),
        7 => {
            let target = format!("{}{other}", ["", "../", "../../"][number as usize % 3]);
            let _ = fs::remove_file(below("next"));
            stage.link("next", Path::new(&target));
            let _ = fs::rename(below("next"), below(pick(LINKS, 32)));
        }
        _ => {
            // What others put there is no volume.
            let names = fs::read_dir(below("v")).into_iter().flatten();
            let strange = |name: &str| !name.starts_with("..") && name != "x";
            if names
                .flatten()
                .any(|entry| strange(&entry.file_name().to_string_lossy()))
                || fs::read_link(below("v/x")).is_err()
                || fs::read_link(below("v/..data")).is_err()
            {
                let _ = fs::remove_dir_all(below("v"));
            }
            publish(&below("v"), &[("x", number.to_string().as_bytes())]);
        }
    }
}

/// Somebody who fetches whatever is told of.
struct Reader {
    ear: Ear,
    files: Files,
    values: BTreeMap<String, String>,
}

impl Reader {
    fn new(set: impl FnOnce(&Stage)) -> Self {
        let ear = Ear::new(Watch::Auto, set, RESOURCES);
        let mut reader = Self {
            files: Files::new(ear.stage.config()).unwrap(),
            ear,
            values: BTreeMap::new(),
        };
        RESOURCES.iter().for_each(|name| reader.read(name));
        reader
    }

    fn read(&mut self, name: &str) {
        let value = told(&fetch(&self.files, &Request::new(name)));
        self.values.insert(name.to_owned(), value);
    }

    /// Fetches what is told of by now.
    fn keep_up(&mut self) {
        while let Some(hint) = self.ear.try_next() {
            self.heed(Some(hint));
        }
    }

    fn heed(&mut self, hint: Option<Hint>) -> bool {
        match hint {
            Some(Hint::Resource(name)) if &*name == MARK => true,
            Some(Hint::Resource(name)) => {
                self.read(&name);
                false
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits for all that happened, and compares.
    fn check(mut self, seed: u64) {
        self.ear.put_mark();
        loop {
            let hint = self.ear.next();
            if self.heed(hint) {
                break;
            }
        }
        let known = std::mem::take(&mut self.values);
        RESOURCES.iter().for_each(|name| self.read(name));
        assert_eq!(known, self.values, "seed {seed}");
    }
}

/// Some things before somebody listens, and a few after that.
fn acts(seed: u64, before: bool) -> impl Iterator<Item = (u64, u64)> {
    let chance = SimRuntime::new(SimClock::new()).with_seed(1000 * seed);
    let numbers = if before {
        0..40
    } else {
        40..40 + 1 + seed % 16
    };
    (0..numbers.end)
        .map(move |number| (chance.random(), number))
        .filter(move |(_, number)| numbers.contains(number))
}

fn set(stage: &Stage, seed: u64) {
    acts(seed, true).for_each(|(random, number)| act(stage, random, number));
}

#[test]
fn whoever_fetches_what_is_told_of_has_what_is_there_after_bursts() {
    for seed in 0..STORIES {
        let mut reader = Reader::new(|stage| set(stage, seed));
        for (random, number) in acts(seed, false) {
            act(&reader.ear.stage, random, number);
            if random >> 60 == 0 {
                reader.keep_up();
            }
        }
        reader.check(seed);
    }
}

#[test]
fn whoever_fetches_what_is_told_of_has_what_is_there_while_it_changes() {
    for seed in 0..STORIES {
        let mut reader = Reader::new(|stage| set(stage, seed));
        let stage = std::mem::replace(&mut reader.ear.stage, Stage::new());
        thread::scope(|scope| {
            let actor = scope.spawn(|| {
                acts(seed, false).for_each(|(random, number)| act(&stage, random, number));
            });
            while !actor.is_finished() {
                reader.keep_up();
            }
        });
        reader.ear.stage = stage;
        reader.check(seed);
    }
}

const STORIES: u64 = 100;
