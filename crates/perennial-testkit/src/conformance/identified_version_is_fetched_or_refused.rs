//! A version by id comes, or is refused as unsupported.

use perennial_backend::{ErrorKind, Request, Selector};

use super::{Failure, Outcome, expect_kind, expect_value, fetch};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"old").await?;
    let by_id = |id: &str| Request::new(resource.clone()).with_selector(Selector::Id(id.into()));
    if !harness.backend().capabilities().supports(&Selector::Id("any".into())) {
        return expect_kind(harness, &by_id("any"), &[ErrorKind::Unsupported]).await;
    }
    let fetched = fetch(harness, &Request::new(resource.clone())).await?;
    let version = fetched
        .version()
        .ok_or_else(|| Failure::Broken("ids are declared, but no version has one".into()))?;
    harness.update(&resource, b"new").await?;
    expect_value(harness, &by_id(version.id()), b"old").await?;
    expect_value(harness, &Request::new(resource.clone()), b"new").await
}
