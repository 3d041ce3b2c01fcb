//! What a test lets happen to the calls of a scripted store.

use std::time::Duration;

use perennial_backend::{Context, Error, ErrorKind};

/// What happens to a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The answer comes after this span.
    Latency(Duration),
    /// The answer never comes.
    Hang,
    /// The backend panics.
    Panic,
    /// The store refuses, and the backend says so.
    Error(Error),
}

impl Fault {
    /// The store cannot be reached.
    #[must_use]
    pub fn outage() -> Self {
        Self::Error(Error::new(
            ErrorKind::Unavailable,
            "the scripted store is down",
        ))
    }

    /// The store asks to be left alone for a span.
    #[must_use]
    pub fn throttle(retry_after: Duration) -> Self {
        let error = Error::new(ErrorKind::RateLimited, "the scripted store is busy");
        Self::Error(error.with_retry_after(retry_after))
    }

    /// The store does not know who asks.
    #[must_use]
    pub fn logged_out() -> Self {
        Self::Error(Error::new(
            ErrorKind::Unauthenticated,
            "the scripted store knows nobody",
        ))
    }
}

pub(crate) async fn meet(fault: Fault, cx: &Context) -> Result<(), Error> {
    match fault {
        Fault::Latency(span) => {
            cx.sleep(span).await;
            Ok(())
        }
        Fault::Hang => std::future::pending().await,
        #[expect(clippy::panic, reason = "this is the panic that the test asked for")]
        Fault::Panic => panic!("the scripted backend panics, as it was told to"),
        Fault::Error(error) => Err(error),
    }
}
