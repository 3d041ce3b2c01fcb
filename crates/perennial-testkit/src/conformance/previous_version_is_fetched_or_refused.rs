//! The previous version comes, or is refused as unsupported.

use perennial_backend::{ErrorKind, Request, Selector};

use super::{Outcome, expect_kind, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"old").await?;
    let request = Request::new(resource.clone()).with_selector(Selector::Previous);
    if !harness.backend().capabilities().supports(&Selector::Previous) {
        return expect_kind(harness, &request, &[ErrorKind::Unsupported]).await;
    }
    expect_kind(harness, &request, &[ErrorKind::NotFound]).await?;
    harness.update(&resource, b"new").await?;
    expect_value(harness, &request, b"old").await?;
    expect_value(harness, &Request::new(resource), b"new").await
}
