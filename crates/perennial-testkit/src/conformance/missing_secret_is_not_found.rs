//! A secret that was never there is *not found*.

use perennial_backend::{ErrorKind, Request};

use super::{Outcome, expect_kind};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    harness.seed("present", b"value").await?;
    expect_kind(harness, &Request::new(harness.absent()), &[ErrorKind::NotFound]).await
}
