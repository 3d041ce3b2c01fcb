//! A store that is down is *unavailable* or *timed out*, and recovers.

use perennial_backend::{ErrorKind, Request};

use super::{Outcome, expect_kind, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let request = Request::new(harness.seed("durable", b"value").await?);
    expect_value(harness, &request, b"value").await?;
    harness.outage(true).await?;
    expect_kind(harness, &request, &[ErrorKind::Unavailable, ErrorKind::Timeout]).await?;
    let absent = Request::new(harness.absent());
    expect_kind(harness, &absent, &[ErrorKind::Unavailable, ErrorKind::Timeout]).await?;
    harness.outage(false).await?;
    expect_value(harness, &request, b"value").await
}
