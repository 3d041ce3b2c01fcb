//! A version by label comes, or is refused as unsupported.

use perennial_backend::{ErrorKind, Request, Selector};

use super::{Failure, Outcome, expect_kind, expect_value, fetch};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"old").await?;
    let staged =
        |label: &str| Request::new(resource.clone()).with_selector(Selector::Stage(label.into()));
    if !harness.backend().capabilities().supports(&Selector::Stage("any".into())) {
        return expect_kind(harness, &staged("any"), &[ErrorKind::Unsupported]).await;
    }
    harness.update(&resource, b"new").await?;
    let fetched = fetch(harness, &Request::new(resource.clone())).await?;
    let stage = fetched.version().and_then(|version| version.stage()).ok_or_else(|| {
        Failure::Broken("labels are declared, but the current version has none".into())
    })?;
    expect_value(harness, &staged(stage), b"new").await?;
    expect_kind(harness, &staged("NOSUCHLABEL"), &[ErrorKind::NotFound]).await
}
