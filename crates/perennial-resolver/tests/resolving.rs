//! References resolved through the public API, against a scripted store.

#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "readers are tasks of the test's own runtime"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use perennial_backend::{
    Backend, BackendType, Capabilities, Context, Fetched, Numbering, Request, Secret, Settings,
    async_trait,
};
use perennial_resolver::{Error, ErrorKind, Resolver, Value};
use perennial_testkit::{Fault, ScriptedBackend, SimClock, SimRuntime};

fn resolver(store: &ScriptedBackend) -> Resolver {
    Resolver::builder()
        .backends(store.backends())
        .build()
        .unwrap()
}

fn text(value: &Result<Value, Error>) -> &str {
    value.as_ref().unwrap().secret().expose_str().unwrap()
}

/// Shows an error as a program would: every link of the chain, and the advice.
fn chain(error: &Error) -> String {
    let mut shown = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        shown = format!("{shown}: {cause}");
        source = cause.source();
    }
    format!("{shown} | {}", error.help().unwrap_or("-"))
}

#[tokio::test]
async fn many_views_of_one_secret_are_one_call_and_one_version() {
    let store = ScriptedBackend::new();
    store.put("db", r#"{"user":"alice","password":"pa55","port":5432}"#);
    let secrets = resolver(&store);
    let values = secrets
        .get_many([
            "{vault://scripted/db/user}",
            "{vault://scripted/db/password?ttl=600&neg_ttl=30}",
            "{vault://scripted//db//user}",
            "{vault://scripted/db?pointer=/port&coerce=scalar}",
            "{vault://scripted/db/}",
        ])
        .await;
    let found: Vec<_> = values.iter().map(text).collect();
    assert_eq!(found[..4], ["alice", "pa55", "alice", "5432"]);
    assert!(found[4].starts_with('{'));
    assert_eq!(store.calls(), 1);
    let versions: Vec<_> = values
        .iter()
        .map(|v| v.as_ref().unwrap().version().unwrap().id().to_owned())
        .collect();
    assert_eq!(versions, ["1"; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_readers_of_one_cold_secret_make_one_call() {
    let store = ScriptedBackend::new();
    store.put("hot", "value");
    let clock = SimClock::new();
    store.fault(Fault::Latency(Duration::from_secs(1)));
    let secrets = Resolver::builder()
        .backends(store.backends())
        .runtime(Arc::new(SimRuntime::new(clock.clone())))
        .build()
        .unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let (secrets, asked) = (secrets.clone(), Arc::clone(&asked));
        readers.spawn(
            async move { counted(secrets.get("{vault://scripted/hot?ttl=0}"), &asked).await },
        );
    }
    // The clock stands still, so the store answers nobody before all have asked.
    while asked.load(Ordering::SeqCst) < 10_000 || store.calls() == 0 {
        tokio::task::yield_now().await;
    }
    while readers.try_join_next().is_none() {
        clock.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    while let Some(read) = readers.join_next().await {
        assert_eq!(read.unwrap().unwrap().secret().expose(), b"value");
    }
    assert_eq!(store.calls(), 1);
}

/// Runs a future and counts it once it has been polled.
async fn counted<T>(future: impl Future<Output = T>, polled: &AtomicUsize) -> T {
    let mut future = pin!(future);
    let mut first = true;
    poll_fn(|cx| {
        let result = future.as_mut().poll(cx);
        if std::mem::take(&mut first) {
            polled.fetch_add(1, Ordering::SeqCst);
        }
        result
    })
    .await
}

#[tokio::test]
async fn versions_are_chosen_by_what_the_backend_declares() {
    let store = ScriptedBackend::new();
    store.put("key", "one");
    store.put("key", "two");
    let secrets = resolver(&store);
    let values = secrets
        .get_many(["{vault://scripted/key#1}", "{vault://scripted/key#v:2}"])
        .await;
    assert_eq!(values.iter().map(text).collect::<Vec<_>>(), ["one", "two"]);
    let error = secrets
        .get("{vault://scripted/key#stage:BLUE}")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        chain(&error),
        "cannot resolve {vault://scripted/key#stage:BLUE}: no version can be chosen by stage BLUE \
         here | this backend knows `#<number>`, `#v:<id>`"
    );

    let generations = ScriptedBackend::with_capabilities(
        Capabilities::new()
            .with_previous()
            .with_numbering(Numbering::Generations),
    );
    generations.put("key", "old");
    generations.put("key", "new");
    let secrets = resolver(&generations);
    let values = secrets
        .get_many([
            "{vault://scripted/key#1}",
            "{vault://scripted/key#2}",
            "{vault://scripted/key}",
        ])
        .await;
    assert_eq!(
        values.iter().map(text).collect::<Vec<_>>(),
        ["new", "old", "new"]
    );
    let error = secrets.get("{vault://scripted/key#3}").await.unwrap_err();
    assert_eq!(
        chain(&error),
        "cannot resolve {vault://scripted/key#3}: version #3 means nothing here | this backend \
         knows #1 (current) and #2 (previous)"
    );
}

#[tokio::test]
async fn failures_carry_the_reference_and_say_what_to_do() {
    let store = ScriptedBackend::new();
    store.put("db", r#"{"user":"canary"}"#);
    let secrets = resolver(&store);
    for (reference, kind, expected) in [
        (
            "{vault://scriptd/db}",
            ErrorKind::UnknownVault,
            "cannot resolve {vault://scriptd/db}: there is no vault `scriptd` | did you mean \
             `scripted`? vaults: scripted",
        ),
        (
            "{vault://nowhere/db}",
            ErrorKind::UnknownVault,
            "cannot resolve {vault://nowhere/db}: there is no vault `nowhere` | vaults: scripted",
        ),
        (
            "{vault://scripted/db?tttl=5}",
            ErrorKind::InvalidReference,
            "cannot resolve {vault://scripted/db?tttl=5}: there is no option `tttl` | did you mean \
             `ttl`?",
        ),
        (
            "{vault://scripted/db?timeout=5}",
            ErrorKind::InvalidReference,
            "cannot resolve {vault://scripted/db?timeout=5}: `timeout` is a setting of the vault, \
             not an option of a reference | set PERENNIAL_VAULT_SCRIPTED_TIMEOUT",
        ),
        (
            "{vault://scripted/nothing}",
            ErrorKind::NotFound,
            "cannot resolve {vault://scripted/nothing}: no secret `nothing` | -",
        ),
        (
            "{vault://scripted/db/password}",
            ErrorKind::NotFound,
            "cannot resolve {vault://scripted/db/password}: `db` has no member `password` | -",
        ),
    ] {
        let error = secrets.get(reference).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{reference}");
        assert_eq!(chain(&error), expected);
        assert_eq!(error.reference(), Some(reference));
        assert!(!format!("{error:?}").contains("canary"));
    }
    let error = secrets.get("pa55word-by-mistake").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    assert!(!format!("{error:?} {}", chain(&error)).contains("pa55word"));
    assert_eq!(error.reference(), None);
}

/// Lets everything happen, on this test's one thread, that can happen without time going on.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_vault_that_hangs_or_panics_does_not_delay_another() {
    const SOUND: Settings = Settings::new("sound", "a store in memory", &[]);
    let sick = ScriptedBackend::new();
    let sound = ScriptedBackend::new();
    sick.put("key", "never");
    sound.put("key", "at once");
    let row = sound.clone();
    let backends = sick
        .backends()
        .with(BackendType::new(&SOUND, move |_| Ok(Arc::new(row.clone()))));
    let clock = SimClock::new();
    let secrets = Resolver::builder()
        .backends(backends)
        .runtime(Arc::new(SimRuntime::new(clock.clone())))
        .on_current_runtime()
        .build()
        .unwrap();

    sick.script([Fault::Hang, Fault::Panic]);
    let hung = tokio::spawn({
        let secrets = secrets.clone();
        async move { secrets.get("{vault://scripted/key}").await }
    });
    settle().await;
    assert_eq!(text(&secrets.get("{vault://sound/key}").await), "at once");
    assert!(!hung.is_finished());
    clock.advance(Duration::from_secs(10));
    let late = hung.await.unwrap().unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    assert!(
        chain(&late).contains("no answer within 10s"),
        "{}",
        chain(&late)
    );

    // Inside the back-off the failure is remembered, and nobody is asked.
    let again = secrets.get("{vault://scripted/key}").await.unwrap_err();
    assert_eq!((again.kind(), sick.calls()), (ErrorKind::Timeout, 1));
    assert!(again.retry_in().is_some());
    clock.advance(Duration::from_secs(2));
    let broken = secrets.get("{vault://scripted/key}").await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Unexpected);
    clock.advance(Duration::from_secs(80));
    assert_eq!(text(&secrets.get("{vault://sound/key}").await), "at once");
    assert_eq!(text(&secrets.get("{vault://scripted/key}").await), "never");
}

#[tokio::test]
async fn a_reader_that_leaves_orphans_nobody() {
    let store = ScriptedBackend::new();
    store.put("key", "value");
    store.fault(Fault::Latency(Duration::from_secs(1)));
    let clock = SimClock::new();
    let secrets = Resolver::builder()
        .backends(store.backends())
        .runtime(Arc::new(SimRuntime::new(clock.clone())))
        .on_current_runtime()
        .build()
        .unwrap();
    let reader = |secrets: &Resolver| {
        let secrets = secrets.clone();
        tokio::spawn(async move { secrets.get("{vault://scripted/key}").await })
    };
    let first = reader(&secrets);
    settle().await;
    let second = reader(&secrets);
    settle().await;
    first.abort();
    settle().await;
    clock.advance(Duration::from_secs(1));
    assert_eq!(text(&second.await.unwrap()), "value");
    assert_eq!(store.calls(), 1);
}

#[test]
fn programs_without_a_runtime_can_block_on_it() {
    let store = ScriptedBackend::new();
    store.put("key", "value");
    let secrets = resolver(&store);
    let mut future = pin!(secrets.get("{vault://scripted/key}"));
    let thread = std::thread::current();
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread)).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let value = loop {
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(value) => break value,
            std::task::Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(text(&value), "value");
}

#[tokio::test]
async fn what_is_under_way_when_the_resolver_goes_is_said_to_be_closed() {
    let store = ScriptedBackend::new();
    store.put("key", "value");
    store.fault(Fault::Hang);
    let secrets = resolver(&store);
    let mut reading = Box::pin(secrets.get("{vault://scripted/key}"));
    let polled = poll_fn(|cx| std::task::Poll::Ready(reading.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
    // The future borrows the resolver, as it does everywhere; the thread ends when both are gone.
    drop(reading);
    let leaving = secrets.clone();
    let reading = tokio::spawn(async move { leaving.get("{vault://scripted/key}").await });
    while store.calls() == 0 {
        tokio::task::yield_now().await;
    }
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    drop(secrets);
}

/// A backend that breaks its promise and blocks the thread on which it is called.
#[derive(Debug)]
struct Blocking {
    release: std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
    called: Arc<AtomicUsize>,
}

#[async_trait]
impl Backend for Blocking {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
    }

    async fn fetch(&self, _: &Context, _: &Request) -> Result<Fetched, perennial_backend::Error> {
        self.called.fetch_add(1, Ordering::SeqCst);
        let _ = self.release.lock().unwrap().recv();
        Ok(Fetched::secret(Secret::new("late")))
    }
}

#[tokio::test]
async fn a_shutdown_that_takes_too_long_says_so_and_goes_on() {
    const BLOCKING: Settings = Settings::new("blocking", "what blocks", &[]);
    let (release, blocked) = std::sync::mpsc::channel();
    let called = Arc::new(AtomicUsize::new(0));
    let backend = Arc::new(Blocking {
        release: std::sync::Mutex::new(blocked),
        called: Arc::clone(&called),
    });
    let row = BackendType::new(&BLOCKING, move |_| Ok(backend.clone()));
    let backends = perennial_backend::Backends::new().with(row);
    let secrets = Resolver::builder().backends(backends).build().unwrap();
    let handle = secrets.watch_later("{vault://blocking/key}").unwrap();
    while called.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!secrets.shutdown(Duration::from_millis(50)).await);
    release.send(()).unwrap();
    assert!(secrets.shutdown(Duration::from_secs(30)).await);
    assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Closed);
}
