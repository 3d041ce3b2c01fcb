//! Somebody who listens: does something, and gathers what is told of it.
//!
//! That nothing is told cannot be waited for. So each act is followed by another one, the putting
//! of a mark in its place, which is told of after everything that came before it.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use perennial_backend::{Backend, Changes, Hint, Hints};
use perennial_backend_fs::{Files, Watch};
use perennial_testkit::{LiveRuntime, SimClock, SimRuntime};

use crate::stage::Stage;

/// A listener on the files of a stage.
pub(crate) struct Ear {
    pub(crate) stage: Stage,
    pub(crate) files: Files,
    pub(crate) clock: SimClock,
    pub(crate) watch: Watch,
    pub(crate) hints: Option<Box<dyn Hints>>,
    marks: usize,
}

impl Ear {
    /// Sets the stage, then listens to these resources.
    pub(crate) fn new(watch: Watch, set: impl FnOnce(&Stage), resources: &[&str]) -> Self {
        let mut ear = Self::unsettled(watch, set, resources);
        ear.settle();
        ear
    }

    /// Listens where no mark can be put yet.
    pub(crate) fn unsettled(watch: Watch, set: impl FnOnce(&Stage), resources: &[&str]) -> Self {
        let stage = Stage::new();
        set(&stage);
        let files = Files::new(stage.config().with_watch(watch)).unwrap();
        let ear = Self::of(stage, files, watch);
        ear.changes().watch(MARK);
        for resource in resources {
            ear.changes().watch(resource);
        }
        ear
    }

    /// Listens to nothing yet.
    pub(crate) fn of(stage: Stage, files: Files, watch: Watch) -> Self {
        let mut ear = Self {
            stage,
            files,
            clock: SimClock::new(),
            watch,
            hints: None,
            marks: 0,
        };
        ear.subscribe();
        ear
    }

    pub(crate) fn changes(&self) -> &dyn Changes {
        self.files.facets().changes().unwrap()
    }

    pub(crate) fn subscribe(&mut self) {
        let cx = SimRuntime::new(self.clock.clone()).context(Duration::from_secs(1));
        let hints = finish(self.changes().subscribe(&cx)).unwrap();
        self.hints = Some(hints);
    }

    /// Waits until nothing is told any more of what happened before.
    pub(crate) fn settle(&mut self) {
        // Twice: what was told only after the first mark was under way before the second.
        self.told(|_| ());
        self.told(|_| ());
    }

    /// Does something, and returns what is told of it, by name.
    pub(crate) fn told(&mut self, act: impl FnOnce(&Stage)) -> BTreeSet<String> {
        let mut told = BTreeSet::new();
        // Until it waits, and so looks again two seconds from now and not later.
        while let Some(hint) = self.try_next() {
            self.note(&mut told, hint);
        }
        act(&self.stage);
        self.put_mark();
        // In the other ways of watching, nothing depends on the clock.
        if self.watch == Watch::Poll {
            self.clock.advance(Duration::from_secs(2));
        }
        loop {
            match self.next() {
                Some(Hint::Resource(name)) if &*name == MARK => return told,
                Some(hint) => self.note(&mut told, hint),
                None => panic!("it is over after {told:?}"),
            }
        }
    }

    fn note(&self, told: &mut BTreeSet<String>, hint: Hint) {
        match hint {
            Hint::Resource(name) if &*name == MARK => {}
            Hint::Resource(name) => drop(told.insert(name.into_string())),
            other => panic!("{other:?} after {told:?}, watching by {:?}", self.watch),
        }
    }

    /// Does something, and compares what is told of it.
    #[track_caller]
    pub(crate) fn check(&mut self, act: impl FnOnce(&Stage), expected: &[&str]) {
        let told = self.told(act);
        let expected: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(told, expected, "watching by {:?}", self.watch);
        self.settle();
    }

    /// Does something to the prefix itself, and waits until it is told that anything may have
    /// changed. What is above the prefix is never watched, so this takes a while.
    #[track_caller]
    pub(crate) fn check_all(&mut self, act: impl FnOnce(&Stage)) {
        // What is told until now is of no interest, and has to be gone when the act is done.
        while self.try_next().is_some() {}
        act(&self.stage);
        self.clock.advance(Duration::from_secs(2));
        while self.next() != Some(Hint::Everything) {}
        self.settle();
    }

    /// Waits for the next hint.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Hint> {
        let hint = finish(self.hints.as_mut().unwrap().next());
        assert!(!format!("{hint:?}").contains("canary"));
        hint
    }

    /// Returns the next hint if it is there at once; the call is dropped otherwise.
    pub(crate) fn try_next(&mut self) -> Option<Hint> {
        let hints = self.hints.as_mut().unwrap();
        match pin!(hints.next()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(hint) => hint,
            Poll::Pending => None,
        }
    }

    /// Puts a mark in its place, which is told of after all that happened before.
    pub(crate) fn put_mark(&mut self) {
        self.marks += 1;
        let aside = self.stage.beside("mark");
        fs::write(&aside, "m".repeat(self.marks)).unwrap();
        fs::rename(aside, self.stage.below(MARK)).unwrap();
    }
}

/// Does the same by either way of watching.
pub(crate) fn either_way(set: impl Fn(&Stage), resources: &[&str], story: impl Fn(&mut Ear)) {
    for watch in [Watch::Auto, Watch::Poll] {
        story(&mut Ear::new(watch, &set, resources));
    }
}

/// Polls a future to its end whenever it is woken, and not else.
#[track_caller]
pub(crate) fn finish<T>(future: impl Future<Output = T>) -> T {
    let alarm = Arc::new(Alarm {
        thread: thread::current(),
        rung: AtomicBool::new(true),
    });
    let waker = Waker::from(Arc::clone(&alarm));
    let clock = LiveRuntime::new().context(LIMIT);
    let mut future = pin!(future);
    loop {
        if alarm.rung.swap(false, Ordering::SeqCst) {
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            if let Poll::Ready(value) = polled {
                return value;
            }
        }
        assert!(!clock.remaining().is_zero(), "nothing came for {LIMIT:?}");
        if !alarm.rung.load(Ordering::SeqCst) {
            thread::park_timeout(clock.remaining());
        }
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let clock = LiveRuntime::new().context(LIMIT);
    while !holds() {
        assert!(
            !clock.remaining().is_zero(),
            "it did not hold for {LIMIT:?}"
        );
        thread::park_timeout(Duration::from_millis(1));
    }
}

struct Alarm {
    thread: Thread,
    rung: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// Comes after all other names, so it is told last of what is told together.
pub(crate) const MARK: &str = "~mark";
const LIMIT: Duration = Duration::from_secs(20);
