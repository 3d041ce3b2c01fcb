//! What a backend declares is the same for its whole life.

use perennial_backend::Request;

use super::{Outcome, ensure};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let backend = harness.backend();
    let before = backend.capabilities();
    let resource = harness.seed("any", b"value").await?;
    for name in [resource, harness.absent()] {
        // What comes does not matter here.
        let _ = backend.fetch(&harness.context(), &Request::new(name)).await;
        ensure!(backend.capabilities() == before, "the capabilities changed after a call");
    }
    Ok(())
}
