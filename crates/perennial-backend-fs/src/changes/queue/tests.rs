//! From events to resources, without a file system.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind, RenameMode};

use super::*;
use crate::changes::way::Way;

const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const RENAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::From));

fn queue() -> Queue {
    let queue = Queue::default();
    queue.remap(|map| {
        map.insert(&"a".into(), &Way::of(&["/p", "/p/a"], &[]));
        map.insert(
            &"db".into(),
            &Way::of(&["/p", "/p/db", "/p/db/..data"], &["/p/db"]),
        );
        map.insert(
            &"db/user".into(),
            &Way::of(&["/p", "/p/db", "/p/db/user"], &[]),
        );
    });
    queue
}

/// Tells what is to be looked at, and which directories may have gone.
fn told(queue: &Queue) -> String {
    let Some(work) = queue.take(Waker::noop()) else {
        return "nothing".to_owned();
    };
    let mut told: Vec<_> = work.stale.iter().map(ToString::to_string).collect();
    told.extend(work.moved.iter().map(|path| format!("-{}", path.display())));
    told.extend(work.everything.then(|| "everything".to_owned()));
    told.extend(work.lost.then(|| "lost".to_owned()));
    told.join(" ")
}

#[track_caller]
fn check(kind: EventKind, paths: &[&str], expected: &str) {
    let queue = queue();
    let event = Event {
        paths: paths.iter().map(PathBuf::from).collect(),
        ..Event::new(kind)
    };
    queue.sort(Ok(event));
    assert_eq!(told(&queue), expected, "{kind:?} {paths:?}");
}

#[test]
fn a_path_leads_to_the_resources_that_it_concerns() {
    check(WRITTEN, &["/p/a"], "a");
    check(WRITTEN, &["/p/b"], "nothing");
    check(WRITTEN, &["/p/a/deeper"], "nothing");
    check(WRITTEN, &["/q/a"], "nothing");
    check(WRITTEN, &["/"], "nothing");
    check(WRITTEN, &["/p/db/user"], "db db/user");
    check(WRITTEN, &["/p/db/new"], "db");
    check(WRITTEN, &["/p/db/new/deeper"], "nothing");
    check(WRITTEN, &["/p/db"], "db db/user");
    check(WRITTEN, &["/p"], "a db db/user");
    check(WRITTEN, &["/p/a", "/p/db/new"], "a db");
}

#[test]
fn names_with_two_dots_concern_nobody_but_the_one_that_is_in_force() {
    check(WRITTEN, &["/p/db/..data_tmp"], "nothing");
    check(WRITTEN, &["/p/db/..2026_11_26_20_00_00.1"], "nothing");
    check(EventKind::Create(CreateKind::Any), &["/p/db/..data"], "db");
}

#[test]
fn what_has_gone_is_watched_anew() {
    check(RENAMED, &["/p/db"], "db db/user -/p/db");
    check(
        EventKind::Remove(RemoveKind::Any),
        &["/p"],
        "a db db/user -/p",
    );
    check(EventKind::Any, &["/p/a"], "a -/p/a");
    check(RENAMED, &["/p/other"], "nothing");
    check(
        EventKind::Create(CreateKind::Folder),
        &["/p/db"],
        "db db/user",
    );
}

#[test]
fn access_is_no_change_but_the_end_of_a_write_is() {
    let access = |kind| EventKind::Access(kind);
    check(access(AccessKind::Read), &["/p/a"], "nothing");
    check(
        access(AccessKind::Open(AccessMode::Any)),
        &["/p/a"],
        "nothing",
    );
    check(
        access(AccessKind::Close(AccessMode::Read)),
        &["/p/a"],
        "nothing",
    );
    check(access(AccessKind::Any), &["/p/a"], "nothing");
    check(access(AccessKind::Any), &[], "nothing");
    check(access(AccessKind::Close(AccessMode::Write)), &["/p/a"], "a");
    let mode = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
    check(mode, &["/p/a"], "a");
}

#[test]
fn what_nobody_understands_concerns_all() {
    check(EventKind::Other, &[], "everything");
    let queue = queue();
    queue.sort(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    assert_eq!(told(&queue), "lost");
    queue.sort(Err(notify::Error::generic("on purpose")));
    assert_eq!(told(&queue), "lost");
    assert_eq!(told(&queue), "nothing");
}

#[test]
fn a_way_that_is_forgotten_leaves_nothing_behind() {
    let mut map = Map::default();
    let (long, short) = (
        Way::of(&["/p", "/p/db"], &["/p/db"]),
        Way::of(&["/p", "/p/a"], &[]),
    );
    map.insert(&"db".into(), &long);
    map.insert(&"a".into(), &short);
    map.remove("db", &long);
    assert!(map.is_point("/p".as_ref()));
    map.remove("a", &short);
    assert_eq!(format!("{map:?}"), format!("{:?}", Map::default()));
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn whoever_waits_is_woken_once_and_only_for_what_concerns_somebody() {
    let queue = queue();
    let woken = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&woken));
    let write = |path: &str| queue.sort(Ok(Event::new(WRITTEN).add_path(path.into())));
    let count = || woken.0.load(Ordering::Relaxed);
    assert!(queue.take(&waker).is_none());
    write("/p/b");
    assert_eq!(count(), 0);
    for _ in 0..1000 {
        write("/p/a");
    }
    assert_eq!(count(), 1);
    assert_eq!(told(&queue), "a");
    assert!(queue.take(&waker).is_none());
    queue.stale(&"x".into());
    assert_eq!(count(), 2);
}
