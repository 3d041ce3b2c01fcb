//! An empty value is a value, not a failure.

use perennial_backend::Request;

use super::{Outcome, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("empty", b"").await?;
    expect_value(harness, &Request::new(resource), b"").await
}
