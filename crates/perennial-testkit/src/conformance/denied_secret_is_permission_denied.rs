//! A secret that may not be read is *permission denied*.

use perennial_backend::{ErrorKind, Request};

use super::{Outcome, expect_kind, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let open = harness.seed("open", b"value").await?;
    let closed = harness.seed("closed", b"value").await?;
    harness.deny(&closed).await?;
    expect_kind(harness, &Request::new(closed), &[ErrorKind::PermissionDenied]).await?;
    expect_value(harness, &Request::new(open), b"value").await
}
