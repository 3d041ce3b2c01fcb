//! Where names lead, asked of both ways of walking: what must not be read is read by neither.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// Makes a root with everything in it that a walk may meet, and returns where it is.
fn scene(place: &Path) -> std::path::PathBuf {
    let root = place.join("root");
    for folder in ["root/a/b", "beside"] {
        fs::create_dir_all(place.join(folder)).unwrap();
    }
    for (file, text) in [
        ("root/top", "top"),
        ("root/a/b/deep", "deep"),
        ("outside", "canary"),
        ("beside/file", "canary"),
    ] {
        fs::write(place.join(file), text).unwrap();
    }
    let absolute = |path: &str| place.join(path).into_os_string();
    let links: [(&str, std::ffi::OsString); 22] = [
        ("to-top", "top".into()),
        ("to-b", "a/b".into()),
        ("to-self", ".".into()),
        ("a/up", "../top".into()),
        ("a/b/round", "../../a/b/../../top".into()),
        ("chain", "to-b/round".into()),
        ("absolute", absolute("root/top")),
        ("slashes", absolute("root//./a/b/")),
        ("a/b/absolute", absolute("root/a/up")),
        ("dangling", "nowhere".into()),
        ("loop", "loop".into()),
        ("out", "../outside".into()),
        ("out-twice", "out".into()),
        ("out-deep", "a/b/../../../outside".into()),
        ("out-by-link", "to-b/../../../outside".into()),
        ("out-absolute", absolute("outside")),
        ("out-over-root", absolute("root/../outside")),
        ("out-like-root", absolute("root-too/file")),
        ("parent", "..".into()),
        ("beside", "../beside".into()),
        ("out-and-in", "../root/top".into()),
        ("etc", "/etc".into()),
    ];
    for (link, target) in links {
        symlink(target, root.join(link)).unwrap();
    }
    fs::create_dir(place.join("root-too")).unwrap();
    fs::write(place.join("root-too/file"), "canary").unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        root.join("pipe"),
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .unwrap();
    drop(std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap());
    root
}

/// Says what a name led to: the text of a file, or why there is none.
fn told<D>(found: Result<Found<D>, Obstacle>) -> String {
    match found {
        Ok(Found::File(mut file)) => {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            text
        }
        Ok(Found::Directory(_)) => "a directory".to_owned(),
        Err(obstacle) if obstacle.is_absence() => "absent".to_owned(),
        Err(Obstacle::System(_)) => "a failure".to_owned(),
        Err(obstacle) => format!("{obstacle:?}"),
    }
}

/// Name → what it leads to, walking step by step.
const WAYS: &[(&str, &str)] = &[
    ("top", "top"),
    ("a", "a directory"),
    ("a/b/deep", "deep"),
    ("to-top", "top"),
    ("to-b", "a directory"),
    ("to-b/deep", "deep"),
    ("to-self/to-self/top", "top"),
    ("a/up", "top"),
    ("a/b/round", "top"),
    ("chain", "top"),
    ("absolute", "top"),
    ("a/b/absolute", "top"),
    ("slashes", "a directory"),
    ("slashes/deep", "deep"),
    ("nowhere", "absent"),
    ("nowhere/else", "absent"),
    ("top/file", "absent"),
    ("to-top/file", "absent"),
    ("dangling", "absent"),
    ("loop", "Endless"),
    ("loop/file", "Endless"),
    ("out", "Outside"),
    ("out-twice", "Outside"),
    ("out-deep", "Outside"),
    ("out-by-link", "Outside"),
    ("out-absolute", "Outside"),
    ("out-over-root", "Outside"),
    ("out-like-root", "Outside"),
    ("parent", "Outside"),
    ("parent/outside", "Outside"),
    ("beside", "Outside"),
    ("beside/file", "Outside"),
    ("etc", "Outside"),
    ("etc/hostname", "Outside"),
    ("out-and-in", "Outside"),
    ("pipe", "Special"),
    ("socket", "Special"),
    ("pipe/file", "Special"),
];

#[test]
fn a_name_leads_below_the_root_or_nowhere() {
    let place = tempfile::tempdir().unwrap();
    let path = scene(place.path());
    let root = Root::open(&path).unwrap();
    for (name, expected) in WAYS {
        let found = told(root.directory().find(name, &mut Trail::new()));
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn the_portable_way_refuses_what_the_other_refuses() {
    let place = tempfile::tempdir().unwrap();
    let path = scene(place.path());
    let root = portable::Root::open(&path).unwrap();
    for (name, expected) in WAYS {
        let found = told(root.directory().find(name, &mut Trail::new()));
        assert!(!found.contains("canary"), "{name}");
        // It sees the end of the way only, and the system counts the links itself.
        let lenient: &[&str] = match *name {
            "out-and-in" => &["top"],
            "loop" | "loop/file" => &["a failure"],
            "pipe/file" => &["absent"],
            _ => &[],
        };
        assert!(
            found == *expected || lenient.contains(&found.as_str()),
            "{name}: {found}, not {expected}"
        );
    }
}

#[test]
fn links_on_the_way_to_the_root_are_followed() {
    let place = tempfile::tempdir().unwrap();
    let path = scene(place.path());
    let alias = place.path().join("alias");
    symlink(&path, &alias).unwrap();
    let unix = Root::open(&alias).unwrap();
    let portable = portable::Root::open(&alias).unwrap();
    for name in ["top", "a/up", "absolute"] {
        assert_eq!(
            told(unix.directory().find(name, &mut Trail::new())),
            "top",
            "{name}"
        );
        assert_eq!(
            told(portable.directory().find(name, &mut Trail::new())),
            "top",
            "{name}"
        );
    }
}

#[test]
fn a_root_has_to_be_a_directory() {
    let place = tempfile::tempdir().unwrap();
    let path = scene(place.path());
    for (name, kind) in [
        ("top", io::ErrorKind::NotADirectory),
        ("pipe", io::ErrorKind::NotADirectory),
        ("none", io::ErrorKind::NotFound),
    ] {
        let found = Root::open(&path.join(name)).unwrap_err();
        assert_eq!(found.kind(), kind, "{name}");
        let found = portable::Root::open(&path.join(name)).unwrap_err();
        assert_eq!(found.kind(), kind, "{name}");
    }
}

#[test]
fn members_are_files_and_links_but_no_directories() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("folder");
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::create_dir(folder.join("..2026")).unwrap();
    for name in ["b", "a", ".hidden", "..hidden"] {
        fs::write(folder.join(name), name).unwrap();
    }
    symlink("a", folder.join("link")).unwrap();
    symlink("..2026", folder.join("..data")).unwrap();
    let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
    fs::write(folder.join(odd), "odd").unwrap();

    let check = |most, expected: Option<&[&str]>| {
        let unix = Root::open(&folder).unwrap();
        let portable = portable::Root::open(&folder).unwrap();
        let listed = [
            unix.directory().members(most).unwrap(),
            portable.directory().members(most).unwrap(),
        ];
        for mut names in listed {
            if let Some(names) = &mut names {
                names.sort_unstable();
            }
            let names: Option<Vec<&str>> = names
                .as_ref()
                .map(|names| names.iter().map(String::as_str).collect());
            assert_eq!(names.as_deref(), expected);
        }
    };
    check(4, Some(&[".hidden", "a", "b", "link"]));
    check(3, None);
}

#[test]
fn a_directory_is_known_again_whatever_it_is_called() {
    let place = tempfile::tempdir().unwrap();
    let path = scene(place.path());
    let unix = Root::open(&path).unwrap();
    let portable = portable::Root::open(&path).unwrap();
    let walked = |name: &str| match unix.directory().find(name, &mut Trail::new()) {
        Ok(Found::Directory(directory)) => directory,
        other => panic!("{other:?}"),
    };
    let resolved = |name: &str| match portable.directory().find(name, &mut Trail::new()) {
        Ok(Found::Directory(directory)) => directory,
        other => panic!("{other:?}"),
    };
    assert!(walked("a/b").is_same(&walked("to-b")));
    assert!(!walked("a/b").is_same(&walked("a")));
    assert!(resolved("a/b").is_same(&resolved("to-b")));
    assert!(!resolved("a/b").is_same(&resolved("a")));

    let before = walked("a/b");
    fs::rename(path.join("a/b"), path.join("a/old")).unwrap();
    fs::create_dir(path.join("a/b")).unwrap();
    assert!(!before.is_same(&walked("a/b")));
    assert!(before.is_same(&walked("a/old")));
    assert_eq!(told(before.find("deep", &mut Trail::new())), "deep");
}

#[test]
fn a_trail_tells_two_ways_apart() {
    let place = tempfile::tempdir().unwrap();
    let path = scene(place.path());
    let root = Root::open(&path).unwrap();
    let trail = |name: &str| {
        let mut trail = Trail::new();
        let _ = root.directory().find(name, &mut trail);
        trail
    };
    assert_eq!(trail("a/b/deep"), Trail::new());
    assert_eq!(trail("to-b/deep"), ["a/b"]);
    assert_eq!(trail("chain"), ["to-b/round", "a/b", "../../a/b/../../top"]);
    assert_eq!(trail("dangling"), ["nowhere"]);
}

#[test]
fn a_way_may_be_long_but_not_endless() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    fs::write(root.join("end"), "end").unwrap();
    symlink("end", root.join("link1")).unwrap();
    for number in 2..=41 {
        symlink(
            format!("link{}", number - 1),
            root.join(format!("link{number}")),
        )
        .unwrap();
    }
    let root = Root::open(root).unwrap();
    let told = |name: &str| told(root.directory().find(name, &mut Trail::new()));
    assert_eq!(told("link40"), "end");
    assert_eq!(told("link41"), "Endless");
}
