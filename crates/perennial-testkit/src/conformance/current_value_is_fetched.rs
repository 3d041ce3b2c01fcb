//! The value comes byte for byte.

use perennial_backend::Request;

use super::{Outcome, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    for (label, value) in [("plain", "pa55 wörd"), ("ends", " padded \t")] {
        let resource = harness.seed(label, value.as_bytes()).await?;
        expect_value(harness, &Request::new(resource), value.as_bytes()).await?;
    }
    Ok(())
}
