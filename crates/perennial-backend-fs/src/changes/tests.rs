//! Watchers that refuse, fail, lose something or die, and that nothing is left behind.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use notify::event::{EventKind, Flag};
use notify::{Event, EventHandler, RecursiveMode, Watcher, WatcherKind};
use perennial_backend::Hint;
use perennial_testkit::{LiveRuntime, SimClock, SimRuntime};

use super::queue::Handler;
use super::*;

/// A watcher that does as it is told, and whose handler a test can use.
struct Puppet {
    _strings: Arc<Mutex<Option<Handler>>>,
    willing: bool,
}

impl Watcher for Puppet {
    fn new<F: EventHandler>(_: F, _: notify::Config) -> notify::Result<Self> {
        unreachable!("it is made otherwise")
    }

    fn watch(&mut self, _: &Path, mode: RecursiveMode) -> notify::Result<()> {
        assert_eq!(mode, RecursiveMode::NonRecursive);
        match self.willing {
            true => Ok(()),
            false => Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)),
        }
    }

    fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
        Ok(())
    }

    fn kind() -> WatcherKind {
        WatcherKind::NullWatcher
    }
}

/// Somebody who listens to the resource `a` below a prefix of their own.
struct Scene {
    dir: tempfile::TempDir,
    watched: Watched,
    clock: SimClock,
    listener: Listener,
}

impl Scene {
    fn new(make: Option<Make>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "canary").unwrap();
        let watched = Watched::new(Config::default().with_prefix(dir.path()));
        watched.watch("a");
        let clock = SimClock::new();
        let cx = SimRuntime::new(clock.clone()).context(Duration::from_secs(1));
        let Poll::Ready(listener) = poll(watched.listen(&cx, make)) else {
            panic!("it waits for nothing but its blocking work");
        };
        let mut scene = Self {
            dir,
            watched,
            clock,
            listener: listener.unwrap(),
        };
        assert_eq!(scene.next(), Poll::Ready(Some(Hint::Resource("a".into()))));
        assert_eq!(scene.next(), Poll::Pending);
        scene
    }

    fn with_puppet(willing: bool) -> (Self, Arc<Mutex<Option<Handler>>>) {
        let strings = Arc::new(Mutex::new(None));
        let held = Arc::clone(&strings);
        let scene = Self::new(Some(Box::new(move |handler| {
            *held.lock().unwrap() = Some(handler);
            Ok(Box::new(Puppet {
                _strings: held,
                willing,
            }))
        })));
        (scene, strings)
    }

    fn next(&mut self) -> Poll<Option<Hint>> {
        poll(self.listener.next())
    }

    /// Writes, and compares what is told two seconds later.
    #[track_caller]
    fn check_polled(&mut self) {
        assert_eq!(self.next(), Poll::Pending);
        fs::write(self.dir.path().join("a"), "canary 2").unwrap();
        assert_eq!(self.next(), Poll::Pending);
        self.clock.advance(Duration::from_secs(2));
        assert_eq!(self.next(), Poll::Ready(Some(Hint::Resource("a".into()))));
        assert_eq!(self.next(), Poll::Pending);
        self.clock.advance(Duration::from_secs(2));
        assert_eq!(self.next(), Poll::Pending);
    }
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut task::Context::from_waker(Waker::noop()))
}

#[test]
fn what_cannot_be_watched_is_looked_at_from_time_to_time() {
    let (mut scene, _strings) = Scene::with_puppet(false);
    scene.check_polled();
}

#[test]
fn without_a_watcher_everything_is_looked_at_from_time_to_time() {
    let fail = |_: Handler| Err(notify::Error::generic("no more of them"));
    Scene::new(Some(Box::new(fail))).check_polled();
    Scene::new(None).check_polled();
}

#[test]
fn what_is_watched_is_not_looked_at_from_time_to_time() {
    let (mut scene, strings) = Scene::with_puppet(true);
    fs::write(scene.dir.path().join("a"), "canary 2").unwrap();
    scene.clock.advance(Duration::from_secs(2));
    assert_eq!(scene.next(), Poll::Pending);
    let path = fs::canonicalize(scene.dir.path()).unwrap().join("a");
    let event = Event::new(EventKind::Any).add_path(path);
    strings
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .handle_event(Ok(event));
    assert_eq!(scene.next(), Poll::Ready(Some(Hint::Resource("a".into()))));
}

#[test]
fn what_a_watcher_lost_is_told_of_as_lost() {
    let (mut scene, strings) = Scene::with_puppet(true);
    let rescan = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    for event in [Ok(rescan), Err(notify::Error::generic("on purpose"))] {
        strings
            .lock()
            .unwrap()
            .as_mut()
            .unwrap()
            .handle_event(event);
        assert_eq!(scene.next(), Poll::Ready(Some(Hint::Lost)));
        assert_eq!(scene.next(), Poll::Pending);
    }
}

#[test]
fn what_nobody_can_place_is_told_of_as_everything() {
    let (mut scene, strings) = Scene::with_puppet(true);
    let event = Event::new(EventKind::Any);
    strings
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .handle_event(Ok(event));
    assert_eq!(scene.next(), Poll::Ready(Some(Hint::Everything)));
    assert_eq!(scene.next(), Poll::Pending);
}

#[test]
fn a_stream_whose_watcher_has_died_ends() {
    let (mut scene, strings) = Scene::with_puppet(true);
    drop(strings.lock().unwrap().take());
    scene.clock.advance(Duration::from_secs(2));
    assert_eq!(scene.next(), Poll::Ready(None));
    assert_eq!(scene.next(), Poll::Ready(None));
}

#[test]
fn two_who_listen_are_both_told() {
    let (mut scene, _strings) = Scene::with_puppet(false);
    let cx = SimRuntime::new(scene.clock.clone()).context(Duration::from_secs(1));
    let Poll::Ready(Ok(mut other)) = poll(scene.watched.listen(&cx, None)) else {
        panic!("it waits for nothing but its blocking work");
    };
    let expected = Poll::Ready(Some(Hint::Resource("b".into())));
    scene.watched.watch("b");
    assert_eq!(scene.next(), expected);
    assert_eq!(
        poll(other.next()),
        Poll::Ready(Some(Hint::Resource("a".into())))
    );
    assert_eq!(poll(other.next()), expected);
}

#[test]
fn nothing_is_left_of_a_listener_that_is_dropped() {
    let scene = Scene::new(Some(Box::new(posts::recommended)));
    let queue = Arc::downgrade(&scene.listener.queue);
    let Scene {
        dir,
        watched,
        listener,
        ..
    } = scene;
    assert!(queue.upgrade().is_some());
    drop(listener);
    // The watcher's thread holds the queue until its end.
    let clock = LiveRuntime::new().context(Duration::from_secs(20));
    while queue.upgrade().is_some() {
        assert!(!clock.remaining().is_zero(), "the thread is still there");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    // Those that are gone are forgotten with the next resource.
    watched.watch("b");
    drop(dir);
}
