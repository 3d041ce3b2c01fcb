//! Nothing is cached: an update is seen by the next fetch.

use perennial_backend::Request;

use super::{Outcome, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("rotating", b"first").await?;
    let request = Request::new(resource.clone());
    expect_value(harness, &request, b"first").await?;
    harness.update(&resource, b"second").await?;
    expect_value(harness, &request, b"second").await?;
    harness.update(&resource, b"third").await?;
    expect_value(harness, &request, b"third").await
}
