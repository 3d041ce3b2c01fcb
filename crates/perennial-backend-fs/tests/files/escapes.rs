//! Whatever the name: nothing outside of the prefix is read, and nothing panics or waits.

use std::fs;

use perennial_backend::{Payload, Request};
use perennial_testkit::OUTSIDE;
use proptest::prelude::*;
use proptest::sample::select;

use crate::fetch::{check, fetch};
use crate::stage::Stage;

/// A prefix full of ways out, all of which lead to the same value.
fn traps() -> Stage {
    let stage = Stage::new();
    for file in ["outside", "beside/outside", "prefix-too/outside"] {
        let path = stage.beside(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, OUTSIDE).unwrap();
    }
    stage.write("a/b/inside", "inside");
    stage.link("up", "..");
    stage.link("a/up", "../..");
    stage.link("a/b/up", "../../..");
    stage.link("out", "../outside");
    stage.link("chain", "a/../out");
    stage.link("folder", "../beside");
    stage.link("absolute", stage.beside("outside"));
    stage.link("absolute-folder", stage.beside("beside"));
    stage.link("alike", stage.beside("prefix-too"));
    stage.link("over", stage.beside("prefix/../outside"));
    stage.link("round", stage.below("a/b"));
    stage.link("loop", "loop/loop");
    stage.link("root", "/");
    stage.link("a/..data", "../../beside");
    rustix::fs::mkfifoat(rustix::fs::CWD, stage.below("pipe"), rustix::fs::Mode::RUSR).unwrap();
    stage
}

#[test]
fn links_that_lead_out_are_refused() {
    let stage = traps();
    let files = stage.files();
    for name in [
        "up",
        "up/outside",
        "a/up",
        "a/up/outside",
        "a/b/up/outside",
        "out",
        "chain",
        "folder",
        "folder/outside",
        "absolute",
        "absolute-folder",
        "absolute-folder/outside",
        "alike/outside",
        "over",
        "root",
        "root/etc/hostname",
        "a",
        "a/..data/outside",
    ] {
        check(
            &files,
            name,
            &format!("invalid_reference: `{name}` leads out of the vault's prefix through a link"),
        );
    }
    check(&files, "round/inside", "=inside");
    check(
        &files,
        "loop",
        "invalid_reference: `loop` lies behind too many links or directories",
    );
}

#[test]
fn names_that_point_elsewhere_are_refused() {
    let stage = traps();
    let files = stage.files();
    for name in [
        "/etc/hostname",
        "/",
        "//",
        "..",
        ".",
        "../outside",
        "a/../../outside",
        "a/..",
        "./a",
        "a/",
        "a//b",
        "",
        "out\0side",
    ] {
        let answer = fetch(&files, &Request::new(name)).unwrap_err();
        assert_eq!(
            answer.kind(),
            perennial_backend::ErrorKind::InvalidReference,
            "{name:?}"
        );
        assert!(
            answer
                .message()
                .ends_with("is no name of a file below the prefix"),
            "{answer}"
        );
    }
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    check(
        &traps().files(),
        "pipe",
        "invalid_reference: `pipe` is neither a file nor a directory",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_swapped_for_a_link_meanwhile_never_leads_out() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    use crate::fetch::told;
    use crate::meanwhile::meanwhile;

    let stage = Stage::new();
    fs::create_dir(stage.beside("beside")).unwrap();
    fs::write(stage.beside("beside/file"), OUTSIDE).unwrap();
    stage.write("folder/file", "inside");
    stage.link("folder-trap", "../beside");
    stage.write("file", "inside");
    stage.link("file-trap", "../beside/file");
    let files = stage.files();
    let exchange = |name: &str| {
        let trap = stage.below(&format!("{name}-trap"));
        renameat_with(CWD, stage.below(name), CWD, trap, RenameFlags::EXCHANGE).unwrap();
    };
    let swap = || {
        exchange("folder");
        exchange("file");
    };
    let seen = meanwhile(swap, || {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..30_000 {
            for name in ["folder/file", "file"] {
                let answer = fetch(&files, &Request::new(name));
                assert!(!holds_outside(&answer), "{name}");
                seen.insert((name, told(&answer)));
            }
        }
        seen
    });
    // Nothing is seen but the two that take turns.
    let refused = |name: &str| {
        format!("invalid_reference: `{name}` leads out of the vault's prefix through a link")
    };
    let expected = ["file", "folder/file"]
        .map(|name| [(name, "=inside".to_owned()), (name, refused(name))])
        .concat();
    let seen: Vec<_> = seen.into_iter().collect();
    assert_eq!(seen, expected);
}

fn holds_outside(answer: &Result<perennial_backend::Fetched, perennial_backend::Error>) -> bool {
    let shown = match answer {
        Ok(fetched) => match fetched.payload() {
            Payload::Secret(secret) => return secret.expose() == OUTSIDE,
            Payload::Members(members) => {
                return members
                    .iter()
                    .any(|(_, member)| member.is_ok_and(|secret| secret.expose() == OUTSIDE));
            }
            other => format!("{other:?}"),
        },
        Err(error) => format!("{error:?} {error} {:?}", error.help()),
    };
    shown
        .as_bytes()
        .windows(OUTSIDE.len())
        .any(|part| part == OUTSIDE)
}

/// Names made of what is there, of what leads out, and of what systems treat in their own way.
fn names() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => select(vec![
            "a", "b", "up", "out", "chain", "folder", "absolute", "absolute-folder", "alike",
            "over", "round", "loop", "root", "..data", "outside", "inside", "etc", "hostname",
            "prefix", "beside", "pipe", "proc", "self",
        ])
        .prop_map(str::to_owned),
        2 => select(vec!["..", ".", "", "...", "..\\", "\\", "~", "*", "%2e%2e", "\0", "C:", "-"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop_oneof![
        8 => proptest::collection::vec(part, 0..7).prop_map(|parts| parts.join("/")),
        1 => any::<String>(),
    ]
}

#[test]
fn no_name_whatever_reads_outside_or_panics() {
    let stage = traps();
    let files = stage.files();
    let inside = std::cell::Cell::new(0);
    proptest!(ProptestConfig { cases: 4000, ..ProptestConfig::default() }, |(name in names())| {
        let answer = fetch(&files, &Request::new(name));
        inside.set(inside.get() + usize::from(answer.is_ok()));
        prop_assert!(!holds_outside(&answer));
    });
    // The names are not all nonsense.
    assert!(inside.get() > 0);
}
