//! A numbered version comes, or is refused as unsupported.

use perennial_backend::{ErrorKind, Numbering, Request, Selector};

use super::{Failure, Outcome, expect_kind, expect_value, fetch};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"old").await?;
    let numbered =
        |number| Request::new(resource.clone()).with_selector(Selector::Number(number));
    if harness.backend().capabilities().numbering() != Numbering::Provider {
        return expect_kind(harness, &numbered(1), &[ErrorKind::Unsupported]).await;
    }
    let fetched = fetch(harness, &Request::new(resource.clone())).await?;
    let number: u64 = fetched
        .version()
        .and_then(|version| version.id().parse().ok())
        .ok_or_else(|| Failure::Broken("numbers are declared, but no version has one".into()))?;
    harness.update(&resource, b"new").await?;
    expect_value(harness, &numbered(number), b"old").await?;
    expect_value(harness, &Request::new(resource.clone()), b"new").await
}
