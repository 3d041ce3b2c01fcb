//! The one trait that every store of secrets implements.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{Batch, Capabilities, Context, Error, Facets, Fetched, Request};

/// Speaks to one store of secrets.
///
/// What an implementation promises, each of it checked by `perennial-testkit`:
///
/// 1. [`fetch`](Backend::fetch) asks the store each time: nothing is cached here.
/// 2. It returns the value byte for byte, the empty one too, and never a value in place of a
///    failure.
/// 3. It tells *there is none* ([`NotFound`](crate::ErrorKind::NotFound)) from *not allowed* and
///    from *cannot be reached*.
/// 4. A selector that was not declared in [`capabilities`](Backend::capabilities) is refused with
///    [`Unsupported`](crate::ErrorKind::Unsupported), never answered with another version.
/// 5. Where it names versions, a new value has a new id and an unchanged one keeps its id.
/// 6. It answers *unchanged* only to a request that named the version in force.
/// 7. It does not retry, spawn, block, or keep time by itself: the [`Context`] has what it needs.
/// 8. It may be dropped at any await; the backend stays usable, and nothing is left running.
/// 9. It is called from many tasks at once.
/// 10. No byte of a secret, token or body is in its errors or in its `Debug`.
/// 11. A name cannot make it read outside the place that its settings give.
/// 12. With [`Purpose::Check`](crate::Purpose::Check) a read causes no effect at the store.
/// 13. Once the store is back after a failure, so is the backend.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// Returns what this backend can do; the same for its whole life.
    fn capabilities(&self) -> Capabilities;

    /// Reads one secret from the store.
    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error>;

    /// Reads several secrets, with as few calls as the store allows.
    ///
    /// 1. There are at most [`max_batch`](Capabilities::max_batch) requests.
    /// 2. Each gets the answer that [`fetch`](Backend::fetch) would give; one that fails spoils no
    ///    other.
    /// 3. Answers are put into the batch as they come, so that they survive a deadline.
    ///
    /// Unless it is overridden it reads one after another.
    async fn fetch_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        for (index, request) in requests.iter().enumerate() {
            batch.answer(index, self.fetch(cx, request).await);
        }
    }

    /// Returns what else this backend can do.
    fn facets(&self) -> Facets<'_> {
        Facets::none()
    }
}
