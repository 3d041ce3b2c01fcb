//! Secrets of one vault that come due together, and stores that answer in part.

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{
    Backend, Backends, Batch, Capabilities, Context, Error, Fetched, Request, Settings, async_trait,
};
use perennial_resolver::{ErrorKind, Resolver};
use perennial_testkit::{Fault, ScriptedBackend};

use crate::world::{Ongoing, World, row, text};

const BATCHING: Settings = Settings::new("batching", "a store in memory", &[]);

/// A store that answers batches of up to ten, one secret in a second.
#[derive(Debug)]
struct Batching {
    store: ScriptedBackend,
    sizes: std::sync::Mutex<Vec<usize>>,
    panics_at: Option<usize>,
}

#[async_trait]
impl Backend for Batching {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new().with_max_batch(10)
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        self.sizes.lock().unwrap().push(1);
        self.store.fetch(cx, request).await
    }

    async fn fetch_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        self.sizes.lock().unwrap().push(requests.len());
        for (index, request) in requests.iter().enumerate() {
            assert_ne!(self.panics_at, Some(index), "a batch that breaks off");
            let answer = self.store.fetch(cx, request).await;
            batch.answer(index, answer);
        }
    }
}

fn batching(panics_at: Option<usize>) -> (Arc<Batching>, World) {
    let backend = Arc::new(Batching {
        store: ScriptedBackend::new().quiet(),
        sizes: std::sync::Mutex::default(),
        panics_at,
    });
    for index in 0..40 {
        backend
            .store
            .put(&format!("s{index}"), format!("value {index}"));
    }
    let backends = Backends::new().with(row(&BATCHING, &backend));
    (backend, World::with(Resolver::builder().backends(backends)))
}

fn references(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("{{vault://batching/s{index}?ttl=60}}"))
        .collect()
}

fn sizes(backend: &Batching) -> Vec<usize> {
    std::mem::take(&mut backend.sizes.lock().unwrap())
}

#[tokio::test]
async fn what_comes_due_together_is_fetched_together() {
    let (backend, world) = batching(None);
    let references = references(30);
    for reference in &references {
        world.secrets.watch_later(reference).unwrap();
    }
    let _handles: Vec<_> = references
        .iter()
        .map(|reference| world.secrets.watch_later(reference).unwrap())
        .collect();
    world.settle().await;
    assert_eq!(sizes(&backend), [10, 10, 10]);
    world
        .secrets
        .refresh(&references)
        .await
        .into_iter()
        .for_each(|value| {
            value.unwrap();
        });
    assert_eq!(sizes(&backend), [10, 10, 10]);
    // After a night of sleep everything is due at one moment.
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    assert_eq!(sizes(&backend), [10, 10, 10]);
}

#[tokio::test]
async fn each_secret_of_a_batch_has_an_outcome_of_its_own() {
    let (backend, world) = batching(None);
    backend.store.remove("s3");
    backend.store.deny("s4", true);
    let values = world.secrets.get_many(references(10)).await;
    assert_eq!(sizes(&backend), [10]);
    for (index, value) in values.into_iter().enumerate() {
        match index {
            3 => assert_eq!(value.unwrap_err().kind(), ErrorKind::NotFound),
            4 => assert_eq!(value.unwrap_err().kind(), ErrorKind::PermissionDenied),
            _ => assert_eq!(text(&value.unwrap()), format!("value {index}")),
        }
    }
}

#[tokio::test]
async fn what_came_before_a_deadline_or_a_panic_is_kept() {
    for panics_at in [None, Some(4)] {
        let (backend, world) = batching(panics_at);
        if panics_at.is_none() {
            // Four come in time; the fifth would take till after the deadline.
            backend
                .store
                .script(vec![Fault::Latency(Duration::from_millis(2250)); 5]);
        }
        let references = references(10);
        let mut reading = Ongoing::begin(world.secrets.get_many(&references)).await;
        if panics_at.is_none() {
            world.advance_secs(9).await;
            backend.store.fault(Fault::Hang);
            world.advance_secs(2).await;
        }
        world.settle().await;
        let values = reading.look().await;
        let values = values.expect("nobody waits past the deadline");
        assert_eq!(sizes(&backend), [10]);
        let late = match panics_at {
            None => ErrorKind::Timeout,
            Some(_) => ErrorKind::Unexpected,
        };
        for (index, value) in values.into_iter().enumerate() {
            match index {
                0..4 => assert_eq!(text(&value.unwrap()), format!("value {index}")),
                _ => assert_eq!(value.unwrap_err().kind(), late),
            }
        }
    }
}

#[tokio::test]
async fn secrets_that_are_denied_together_cost_nobody_the_batches() {
    let (backend, world) = batching(None);
    for name in ["s0", "s1"] {
        backend.store.deny(name, true);
    }
    let denied = world.secrets.get_many(references(2)).await;
    for value in denied {
        assert_eq!(value.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(sizes(&backend), [2], "each is asked for once");
    let others = references(12).split_off(2);
    let values = world.secrets.get_many(others).await;
    assert!(values.iter().all(Result::is_ok));
    assert_eq!(sizes(&backend), [10]);
}

#[tokio::test]
async fn a_probe_of_a_store_that_was_down_is_one_secret_alone() {
    let (backend, world) = batching(None);
    backend.store.fault(Fault::outage());
    let references = references(40);
    let _handles: Vec<_> = references
        .iter()
        .map(|reference| world.secrets.watch_later(reference).unwrap())
        .collect();
    world.advance_secs(300).await;
    let probes = sizes(&backend);
    assert!(
        probes.iter().rev().take(3).all(|size| *size == 1),
        "{probes:?}"
    );
    backend.store.recover();
    world.advance_secs(61).await;
    assert!(sizes(&backend).contains(&10), "and then all together");
}
