//! A version that never was is *not found*, never another one.

use perennial_backend::{ErrorKind, Request, Selector};

use super::{Outcome, expect_kind};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"only").await?;
    let selectors = [Selector::Number(987_654), Selector::Id("0badc0de-0000".into())];
    for selector in selectors {
        let supported = harness.backend().capabilities().supports(&selector);
        let kind = if supported { ErrorKind::NotFound } else { ErrorKind::Unsupported };
        let request = Request::new(resource.clone()).with_selector(selector);
        expect_kind(harness, &request, &[kind]).await?;
    }
    Ok(())
}
