//! Stores that tell of changes, streams that end, and rotations that are known ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use perennial_backend::{
    Backend, Backends, Capabilities, Changes, Context, Error, Facets, Fetched, Hint, Hints,
    Request, Settings, async_trait,
};
use perennial_resolver::Resolver;
use perennial_testkit::{Facts, Fault, ScriptedBackend};

use crate::world::{World, row};

const DB: &str = "{vault://scripted/db?ttl=6000}";

#[tokio::test]
async fn a_stream_that_ends_is_taken_up_again_and_nothing_that_changed_meanwhile_is_missed() {
    let store = ScriptedBackend::new();
    store.put("db", "one");
    store.put("other", "one");
    let world = World::new(&store);
    let db = world.secrets.watch(DB).await.unwrap();
    let other = world
        .secrets
        .watch("{vault://scripted/other?ttl=6000}")
        .await
        .unwrap();
    world.settle().await;
    store.end_hints();
    world.advance(Duration::from_millis(500)).await;
    // Nobody listens now.
    store.put("db", "two");
    world.settle().await;
    assert_eq!(db.secret().unwrap().expose(), b"one");
    world.advance_secs(1).await;
    assert_eq!(db.secret().unwrap().expose(), b"two");
    assert!(store.calls_for("other") >= 2, "everything is asked again");
    assert!(other.load().is_ok());
    // It is listened to again.
    store.put("db", "three");
    world.settle().await;
    assert_eq!(db.secret().unwrap().expose(), b"three");
}

#[tokio::test]
async fn a_store_that_cannot_be_listened_to_yet_is_asked_again_and_all_is_fetched_then() {
    let store = ScriptedBackend::new();
    store.put("db", "one");
    // Only the reading call gets through.
    store.fault(Fault::outage());
    store.script([Fault::Latency(Duration::ZERO)]);
    let world = World::new(&store);
    let db = world.secrets.watch(DB).await.unwrap();
    world.settle().await;
    store.put("db", "two");
    store.recover();
    world.advance_secs(2).await;
    assert_eq!(db.secret().unwrap().expose(), b"two");
}

/// A store whose answers are as old as the question, and whose streams may break.
#[derive(Debug)]
struct Slow {
    store: ScriptedBackend,
    latency: Duration,
    breaks: AtomicBool,
    broken: AtomicU64,
}

const SLOW: Settings = Settings::new("slow", "a store in memory", &[]);

#[async_trait]
impl Backend for Slow {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let answer = self.store.fetch(cx, request).await;
        cx.sleep(self.latency).await;
        answer
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_changes(self)
    }
}

#[async_trait]
impl Changes for Slow {
    async fn subscribe(&self, cx: &Context) -> Result<Box<dyn Hints>, Error> {
        if self.breaks.load(Ordering::Relaxed) {
            self.broken.fetch_add(1, Ordering::Relaxed);
            return Ok(Box::new(Broken));
        }
        let facets = self.store.facets();
        facets.changes().unwrap().subscribe(cx).await
    }

    fn watch(&self, _: &str) {
        assert!(
            !self.breaks.load(Ordering::Relaxed),
            "a backend that breaks its promises"
        );
    }
}

struct Broken;

#[async_trait]
impl Hints for Broken {
    async fn next(&mut self) -> Option<Hint> {
        panic!("a stream that breaks its promises")
    }
}

fn slow(breaks: bool) -> (Arc<Slow>, World) {
    let slow = Arc::new(Slow {
        store: ScriptedBackend::new(),
        latency: Duration::from_secs(2),
        breaks: AtomicBool::new(breaks),
        broken: AtomicU64::new(0),
    });
    let backends = Backends::new().with(row(&SLOW, &slow));
    (slow, World::with(Resolver::builder().backends(backends)))
}

#[tokio::test]
async fn a_change_that_is_told_of_during_a_call_is_fetched_after_it() {
    let (slow, world) = slow(false);
    slow.store.put("db", "one");
    let db = world
        .secrets
        .watch_later("{vault://slow/db?ttl=6000}")
        .unwrap();
    world.advance_secs(1).await;
    slow.store.put("db", "two");
    world.advance_secs(2).await;
    assert_eq!(db.secret().unwrap().expose(), b"one");
    world.advance_secs(2).await;
    assert_eq!(db.secret().unwrap().expose(), b"two");
    assert_eq!(slow.store.calls(), 2);
}

#[tokio::test]
async fn streams_and_watches_that_panic_cost_no_value() {
    let (slow, world) = slow(true);
    slow.store.put("db", "one");
    let db = world
        .secrets
        .watch_later("{vault://slow/db?ttl=6000}")
        .unwrap();
    world.advance_secs(3).await;
    assert_eq!(db.secret().unwrap().expose(), b"one");
    world.advance_secs(3600).await;
    let broken = slow.broken.load(Ordering::Relaxed);
    assert!((2..=70).contains(&broken), "{broken} times in an hour");
    slow.breaks.store(false, Ordering::Relaxed);
    slow.store.put("db", "two");
    world.advance_secs(63).await;
    assert_eq!(db.secret().unwrap().expose(), b"two");
}

#[tokio::test]
async fn a_planned_rotation_during_an_outage_is_not_asked_for_in_a_loop() {
    let store = ScriptedBackend::new().quiet();
    let mut facts = Facts::default();
    facts.next_rotation = Some(Duration::from_secs(100));
    store.set_facts("db", facts);
    store.put("db", "before");
    let world = World::new(&store);
    let db = world.secrets.watch(DB).await.unwrap();
    store.deny("db", true);
    world.advance_secs(3600).await;
    assert!(store.calls() <= 12, "{}", store.calls());
    assert!(db.load().is_ok());
    store.deny("db", false);
    store.put("db", "after");
    world.advance_secs(601).await;
    assert_eq!(db.secret().unwrap().expose(), b"after");
}

#[tokio::test]
async fn a_rotation_that_is_overdue_at_the_store_is_not_asked_for_in_a_loop() {
    let store = ScriptedBackend::new().quiet();
    let mut facts = Facts::default();
    facts.next_rotation = Some(Duration::ZERO);
    store.set_facts("db", facts);
    store.put("db", "x");
    let world = World::new(&store);
    let _db = world.secrets.watch(DB).await.unwrap();
    world.advance_secs(3600).await;
    assert!(store.calls() <= 2, "{}", store.calls());
}
