//! A secret that was deleted is *not found*.

use perennial_backend::{ErrorKind, Request};

use super::{Outcome, expect_kind, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("doomed", b"value").await?;
    let request = Request::new(resource.clone());
    expect_value(harness, &request, b"value").await?;
    harness.delete(&resource).await?;
    expect_kind(harness, &request, &[ErrorKind::NotFound]).await
}
