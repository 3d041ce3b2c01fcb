//! Volumes as Kubernetes writes them: one version at a time, however fast they change.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use perennial_backend::{ErrorKind, Payload, Request, Version};

use crate::fetch::{check, fetch};
use crate::meanwhile::meanwhile;
use crate::stage::{Stage, publish};

fn version(stage: &Stage, resource: &str) -> Option<String> {
    let fetched = fetch(&stage.files(), &Request::new(resource)).unwrap();
    fetched.version().map(|version| version.id().to_owned())
}

#[test]
fn a_volume_is_read_from_the_version_in_force() {
    let stage = Stage::new();
    let volume = stage.below("db");
    let first = publish(&volume, &[("user", b"alice\n"), ("password", b"pa55")]);
    // What was not written by the same hand is not of that version.
    stage.write("db/stray", "canary");
    check(&stage.files(), "db", "password=pa55\nuser=alice\n");
    check(&stage.files(), "db/user", "=alice");
    assert_eq!(version(&stage, "db"), Some(first.clone()));
    assert_eq!(version(&stage, "db"), Some(first.clone()));
    fs::remove_file(stage.below("db/stray")).unwrap();
    let second = publish(&volume, &[("password", b"n3w"), ("token", b"t")]);
    check(&stage.files(), "db", "password=n3w\ntoken=t\n");
    assert_eq!(version(&stage, "db"), Some(second.clone()));
    assert_ne!(first, second);
    check(
        &stage.files(),
        "db/user",
        "not_found: `db/user` does not exist (ENOENT)",
    );
}

#[test]
fn a_version_is_named_only_where_the_name_means_a_new_value() {
    let stage = Stage::new();
    publish(&stage.below("db"), &[("password", b"pa55")]);
    // One file of a volume may stay as it is while the volume gets a new version.
    assert_eq!(version(&stage, "db/password"), None);
    stage.write("plain/password", "pa55");
    assert_eq!(version(&stage, "plain"), None);
    // Names that somebody made up may come again.
    stage.write("own/v1/password", "pa55");
    stage.link("own/..data", "v1");
    check(&stage.files(), "own", "password=pa55\n");
    assert_eq!(version(&stage, "own"), None);
}

#[test]
fn the_version_that_is_known_is_read_all_the_same() {
    let stage = Stage::new();
    let name = publish(&stage.below("db"), &[("password", b"pa55")]);
    let request = Request::new("db").with_known_version(Version::new(name));
    let fetched = fetch(&stage.files(), &request).unwrap();
    assert!(matches!(fetched.payload(), Payload::Members(members) if members.len() == 1));
}

#[test]
fn sub_directories_of_a_volume_are_resources_of_their_own() {
    let stage = Stage::new();
    publish(&stage.below("db"), &[("user", b"alice")]);
    let data = fs::read_link(stage.below("db/..data")).unwrap();
    stage.write(&format!("db/{}/tls/key", data.to_str().unwrap()), "key");
    stage.link("db/tls", "..data/tls");
    check(&stage.files(), "db", "user=alice\n");
    check(&stage.files(), "db/tls", "key=key\n");
    check(&stage.files(), "db/tls/key", "=key");
}

#[test]
fn a_volume_without_the_version_in_force_is_not_found() {
    let stage = Stage::new();
    fs::create_dir(stage.below("db")).unwrap();
    stage.link("db/..data", "..2026_11_26_20_00_00.1");
    check(
        &stage.files(),
        "db",
        "not_found: `db` is behind a link to something that does not exist (ENOENT)",
    );
}

#[test]
fn members_agree_while_the_version_is_swapped() {
    let stage = Stage::new();
    let volume = stage.below("db");
    let names = ["a", "b", "c", "d", "e", "f"];
    let write = |number: u32| {
        let value = format!("value {number}");
        // Every second version has a file less, so that a missing one is seen, too.
        let len = names.len() - usize::from(number % 2 == 1);
        let files: Vec<_> = names[..len]
            .iter()
            .map(|name| (*name, value.as_bytes()))
            .collect();
        publish(&volume, &files);
    };
    write(0);
    swap_while_reading(write, || {
        let fetched = fetch(&stage.files(), &Request::new("db"))?;
        let Payload::Members(members) = fetched.payload() else {
            panic!("members were expected");
        };
        let values: Vec<_> = members
            .iter()
            .map(|(_, member)| member.unwrap().expose().to_vec())
            .collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]));
        let text = std::str::from_utf8(&values[0]).unwrap();
        let number: u32 = text.strip_prefix("value ").unwrap().parse().unwrap();
        let len = names.len() - usize::from(number % 2 == 1);
        assert_eq!(values.len(), len, "a file of version {number} is missing");
        Ok(())
    });
}

#[test]
fn a_file_is_found_while_the_version_is_swapped() {
    let stage = Stage::new();
    let volume = stage.below("db");
    let write = |number: u32| {
        publish(&volume, &[("password", number.to_string().as_bytes())]);
    };
    write(0);
    swap_while_reading(write, || {
        fetch(&stage.files(), &Request::new("db/password")).map(drop)
    });
}

#[test]
fn a_directory_that_is_a_link_is_read_whole_while_it_is_swapped() {
    let stage = Stage::new();
    let write = |number: u32| {
        let release = format!("releases/{number}");
        for name in ["a", "b", "c"] {
            stage.write(&format!("{release}/{name}"), number.to_string());
        }
        stage.link("next", &release);
        fs::rename(stage.below("next"), stage.below("current")).unwrap();
        if let Some(old) = number.checked_sub(1) {
            fs::remove_dir_all(stage.below(&format!("releases/{old}"))).unwrap();
        }
    };
    write(0);
    swap_while_reading(write, || {
        let fetched = fetch(&stage.files(), &Request::new("current"))?;
        let Payload::Members(members) = fetched.payload() else {
            panic!("members were expected");
        };
        assert_eq!(members.len(), 3);
        let values: Vec<_> = members
            .iter()
            .map(|(_, member)| member.unwrap().expose().to_vec())
            .collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]));
        Ok(())
    });
}

/// Brings new versions into force, one after another, and reads all the while. A read may find
/// itself outrun, but not often, and it says so.
fn swap_while_reading(
    write: impl Fn(u32) + Sync,
    read: impl Fn() -> Result<(), perennial_backend::Error>,
) {
    let number = AtomicU32::new(0);
    let swap = || write(number.fetch_add(1, Ordering::Relaxed) + 1);
    let outrun = meanwhile(swap, || {
        let mut outrun = 0;
        for count in 0..1_000_000 {
            // On a machine with much else to do, the other thread may begin late.
            if count >= 500 && number.load(Ordering::Relaxed) > 1 {
                break;
            }
            if let Err(error) = read() {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                outrun += 1;
            }
        }
        outrun
    });
    assert!(outrun < 50, "{outrun} of 500 reads were outrun");
    read().unwrap();
    assert!(number.into_inner() > 1, "nothing was swapped");
}
