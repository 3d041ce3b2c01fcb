//! How the driver hears of changes: a stream of hints for each store that tells of them, taken up
//! again when it ends.

use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Context, Hint, Runtime};
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::driver::{Ended, Message, before, send};
use crate::engine::Event;
use crate::vault::Vault;

/// Listens to a store's changes for as long as the resolver is there.
pub(crate) async fn listen(
    vault: Arc<Vault>,
    runtime: Arc<dyn Runtime>,
    sender: WeakUnboundedSender<Message>,
) {
    let mut pause = FIRST_PAUSE;
    // Whether something may have changed while nobody listened.
    let mut missed = false;
    loop {
        let began = runtime.clock().now();
        let late = Box::pin(std::future::pending());
        match before(late, follow(&vault, &runtime, &sender, missed)).await {
            Ended::Done(Followed::Silent) => return,
            // A stream that breaks at once, each time, is no reason to fetch everything each time.
            Ended::Done(Followed::Ended) if runtime.clock().now().since(began) > pause => {
                pause = FIRST_PAUSE;
            }
            _ => {}
        }
        missed = true;
        runtime.sleep_until(runtime.clock().now() + pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// How listening came to an end.
enum Followed {
    /// The store does not tell of changes.
    Silent,
    /// It could not be listened to.
    Refused,
    /// The stream has ended.
    Ended,
}

/// Listens until the stream of hints ends.
async fn follow(
    vault: &Vault,
    runtime: &Arc<dyn Runtime>,
    sender: &WeakUnboundedSender<Message>,
    missed: bool,
) -> Followed {
    let facets = vault.backend().map(|backend| backend.facets());
    let Some(changes) = facets.ok().and_then(|facets| facets.changes()) else {
        return Followed::Silent;
    };
    let vault_number = vault.number();
    let tell = |hint| {
        let vault = vault_number;
        send(sender, Event::Hinted { vault, hint });
    };
    let deadline = runtime.clock().now() + vault.timeout();
    let cx = Context::new(vault.lend(runtime), deadline);
    let late = runtime.sleep_until(deadline);
    let Ended::Done(Ok(mut hints)) = before(late, changes.subscribe(&cx)).await else {
        return Followed::Refused;
    };
    if missed {
        // Asked for only now that it is listened to again, so that no change falls in between.
        tell(Hint::Lost);
    }
    while let Some(hint) = hints.next().await {
        tell(hint);
    }
    Followed::Ended
}

/// How long to wait before a stream of changes is taken up again: at first, and at the most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
