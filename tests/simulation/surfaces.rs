//! What is told about secrets, and who goes first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use perennial_backend::{BoxFuture, Clock, Moment, Runtime, UnixTime};
use perennial_resolver::{ErrorKind, Resolver, State};
use perennial_testkit::{Fault, ScriptedBackend, SimClock, SimRuntime};

use crate::world::World;

#[tokio::test]
async fn the_status_of_a_secret_tells_its_age_and_what_is_left_of_it() {
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let world = World::new(&store);
    let reference = "{vault://scripted/db?ttl=100&refresh_ahead=10&resurrect_ttl=1000}";
    let handle = world.secrets.watch(reference).await.unwrap();
    world.advance_secs(40).await;
    let status = handle.status();
    assert_eq!(
        (status.reference(), status.vault()),
        (handle.reference(), "scripted")
    );
    assert_eq!(status.state(), State::Fresh);
    assert_eq!(status.version().unwrap().id(), "1");
    assert_eq!(status.age(), Some(Duration::from_secs(40)));
    assert_eq!(status.fresh_for(), Some(Duration::from_secs(60)));
    assert_eq!(status.usable_for(), Some(Duration::from_secs(1060)));
    assert_eq!(status.next_attempt(), Some(Duration::from_secs(50)));
    assert_eq!((status.failures(), status.last_error()), (0, None));

    store.fault(Fault::outage());
    world.advance_secs(160).await;
    let all = world.secrets.status();
    let status = &all[0];
    assert_eq!(all.len(), 1);
    assert_eq!(status.state(), State::Stale);
    assert_eq!(status.age(), Some(Duration::from_secs(200)));
    assert_eq!(status.fresh_for(), Some(Duration::ZERO));
    assert_eq!(status.usable_for(), Some(Duration::from_secs(900)));
    assert!(status.failures() > 0);
    assert_eq!(
        status.last_error(),
        Some((ErrorKind::Unavailable, "the scripted store is down"))
    );
    world.advance_secs(900).await;
    assert_eq!(handle.status().state(), State::Expired);

    let absent = world
        .secrets
        .watch_later("{vault://scripted/absent}")
        .unwrap();
    assert_eq!(absent.status().state(), State::Absent);
    store.recover();
    world.advance_secs(120).await;
    assert_eq!(absent.status().state(), State::Missing);
    assert_eq!(handle.status().state(), State::Fresh);
}

#[tokio::test]
async fn who_waits_goes_before_what_is_refreshed_in_the_background() {
    let store = ScriptedBackend::new().quiet();
    let world = World::new(&store);
    let mut handles = Vec::new();
    for index in 0..400 {
        store.put(&format!("s{index}"), "x");
        let reference = format!("{{vault://scripted/s{index}?ttl=1000}}");
        handles.push(world.secrets.watch_later(reference).unwrap());
    }
    world.advance_secs(10).await;
    assert!(handles.iter().all(|handle| handle.load().is_ok()));
    store.put("cold", "at last");
    store.fault(Fault::Latency(Duration::from_secs(1)));
    // All are told to be old at once: at 8 calls a second that is 50 seconds of work.
    store.hint(&perennial_backend::Hint::Everything);
    world.settle().await;
    let before = world.now();
    let read = std::pin::pin!(world.get("{vault://scripted/cold}"));
    let mut read = read;
    let value = loop {
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(read.as_mut().poll(cx))).await;
        match polled {
            std::task::Poll::Ready(value) => break value.unwrap(),
            std::task::Poll::Pending => world.advance(Duration::from_millis(100)).await,
        }
    };
    assert_eq!(value, "at last");
    let waited = world.now().since(before);
    assert!(waited <= Duration::from_millis(2200), "{waited:?}");
}

/// A runtime that counts how often it is asked for the time.
#[derive(Debug)]
struct Counting {
    inner: SimRuntime,
    clock: CountingClock,
}

#[derive(Debug)]
struct CountingClock {
    clock: SimClock,
    asked: Arc<AtomicUsize>,
}

impl Clock for CountingClock {
    fn now(&self) -> Moment {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.clock.now()
    }

    fn unix_time(&self) -> UnixTime {
        self.clock.unix_time()
    }
}

impl Runtime for Counting {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        self.inner.sleep_until(at)
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.inner.run_blocking(work)
    }

    fn random(&self) -> u64 {
        self.inner.random()
    }
}

#[tokio::test]
async fn reading_what_is_held_never_asks_for_the_time() {
    const DB: &str = "{vault://scripted/db}";
    let store = ScriptedBackend::new().quiet();
    store.put("db", "x");
    let (clock, asked) = (SimClock::new(), Arc::new(AtomicUsize::new(0)));
    let runtime = Counting {
        inner: SimRuntime::new(clock.clone()),
        clock: CountingClock {
            clock,
            asked: Arc::clone(&asked),
        },
    };
    let builder = Resolver::builder()
        .backends(store.backends())
        .on_current_runtime();
    let secrets = builder.runtime(Arc::new(runtime)).build().unwrap();
    let handle = secrets.watch(DB).await.unwrap();
    let before = asked.load(Ordering::SeqCst);
    assert!(before > 0, "the driver does ask");
    for _ in 0..1000 {
        assert_eq!(handle.load().unwrap().secret().expose(), b"x");
        assert_eq!(handle.secret().unwrap().expose(), b"x");
        assert_eq!(secrets.cached(DB).unwrap().secret().expose(), b"x");
    }
    assert_eq!(asked.load(Ordering::SeqCst), before);
    assert!(secrets.get(DB).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), before + 1, "`get` does, once");
}
