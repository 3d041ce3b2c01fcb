//! *Unchanged* answers only a request that names the version in force.

use perennial_backend::{Payload, Purpose, Request, Version};

use super::{Outcome, ensure, fetch};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"old").await?;
    let request = Request::new(resource.clone()).with_purpose(Purpose::Refresh);
    let first = fetch(harness, &request).await?;
    ensure!(!is_unchanged(&first), "a request that names no version was answered with unchanged");
    let stranger = request.clone().with_known_version(Version::new("never-was"));
    let other = fetch(harness, &stranger).await?;
    ensure!(!is_unchanged(&other), "a version that never was is said to be in force");
    let Some(version) = first.version().cloned() else { return Ok(()) };
    harness.update(&resource, b"new").await?;
    let later = fetch(harness, &request.with_known_version(version)).await?;
    ensure!(!is_unchanged(&later), "the old version is said to be in force after an update");
    Ok(())
}

fn is_unchanged(fetched: &perennial_backend::Fetched) -> bool {
    matches!(fetched.payload(), Payload::Unchanged)
}
