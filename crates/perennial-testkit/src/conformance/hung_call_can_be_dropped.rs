//! A call of a hung store waits without blocking, and can be dropped.

use std::time::Duration;

use perennial_backend::{ErrorKind, Request};

use super::{Outcome, broken, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let request = Request::new(harness.seed("slow", b"value").await?);
    harness.hang(true).await?;
    let backend = harness.backend();
    let cx = harness.context();
    let call = backend.fetch(&cx, &request);
    // If the call blocked its thread, this timeout could not end and the test's own limit would.
    match tokio::time::timeout(Duration::from_millis(50), call).await {
        Ok(Ok(_)) => return broken("a store that answers nothing gave a value"),
        Ok(Err(error)) if error.kind() == ErrorKind::Timeout => {}
        Ok(Err(error)) => return broken(format!("gave up at once with {:?}", error.kind())),
        Err(_) => {}
    }
    harness.hang(false).await?;
    expect_value(harness, &request, b"value").await
}
