//! The pending version comes, or is refused as unsupported.

use perennial_backend::{ErrorKind, Request, Selector};

use super::{Outcome, expect_kind, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"now").await?;
    let request = Request::new(resource.clone()).with_selector(Selector::Pending);
    if !harness.backend().capabilities().supports(&Selector::Pending) {
        return expect_kind(harness, &request, &[ErrorKind::Unsupported]).await;
    }
    expect_kind(harness, &request, &[ErrorKind::NotFound]).await?;
    harness.prepare(&resource, b"soon").await?;
    expect_value(harness, &request, b"soon").await?;
    expect_value(harness, &Request::new(resource), b"now").await
}
