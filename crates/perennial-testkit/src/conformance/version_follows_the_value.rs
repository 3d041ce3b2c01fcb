//! A new value has a new version id, an unchanged one keeps its id.

use perennial_backend::Request;

use super::{Outcome, ensure, fetch};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("versioned", b"old").await?;
    let request = Request::new(resource.clone());
    let first = fetch(harness, &request).await?.version().cloned();
    let again = fetch(harness, &request).await?.version().cloned();
    harness.update(&resource, b"new").await?;
    let later = fetch(harness, &request).await?.version().cloned();
    let Some(first) = first else {
        ensure!(again.is_none() && later.is_none(), "some answers name a version, others none");
        return Ok(());
    };
    let same = again.as_ref().is_some_and(|version| version.id() == first.id());
    ensure!(same, "an unchanged value has the version {first}, then {again:?}");
    let moved = later.as_ref().is_some_and(|version| version.id() != first.id());
    ensure!(moved, "a new value has the version of the old one, or none: {later:?}");
    Ok(())
}
