//! What is left behind when a resolver is let go of: nothing. A program of its own, since it counts
//! the threads of the process.

#![cfg(test)]
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "the end of a thread is waited for, by its deadline"
)]

use std::fs;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use perennial_backend::{
    Backend, BackendType, Backends, Capabilities, Context, Error, Fetched, Request, Secret,
    Settings, async_trait,
};
use perennial_resolver::{ErrorKind, Resolver};

#[derive(Debug)]
struct Kept(#[expect(dead_code, reason = "it is what the backend keeps alive")] Arc<()>);

#[async_trait]
impl Backend for Kept {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
    }

    async fn fetch(&self, _: &Context, request: &Request) -> Result<Fetched, Error> {
        match request.resource() {
            "hangs" => std::future::pending().await,
            _ => Ok(Fetched::secret(Secret::new("value"))),
        }
    }
}

const KEPT: Settings = Settings::new("kept", "what it keeps", &[]);

/// Makes a resolver, and a weak link to what its backend, and so its engine, keeps alive.
fn resolver() -> (Resolver, Weak<()>) {
    let kept = Arc::new(());
    let weak = Arc::downgrade(&kept);
    let row = BackendType::new(&KEPT, move |_| Ok(Arc::new(Kept(Arc::clone(&kept)))));
    (
        Resolver::builder()
            .backends(Backends::new().with(row))
            .build()
            .unwrap(),
        weak,
    )
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_resolver_that_is_let_go_of_leaves_no_thread_and_no_task() {
    let before = threads();
    for shut_down in [false, true] {
        let (secrets, weak) = resolver();
        let handle = secrets.watch("{vault://kept/key}").await.unwrap();
        let hanging = secrets.watch_later("{vault://kept/hangs}").unwrap();
        assert!(handle.load().is_ok());
        assert!(threads() > before);
        if shut_down {
            assert!(secrets.shutdown(Duration::from_secs(10)).await);
            assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Closed);
            assert!(
                secrets.shutdown(Duration::from_secs(10)).await,
                "again is no error"
            );
        }
        drop(secrets);
        wait_until("a thread is left", || threads() == before);
        assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(hanging.load().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(handle.last().unwrap().secret().expose(), b"value");
        assert!(handle.changes().next().await.is_none());
        drop((handle, hanging));
        wait_until("the engine or a task is left", || weak.upgrade().is_none());
    }
}
