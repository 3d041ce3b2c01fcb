//! One request of a batch that fails spoils no other.

use perennial_backend::{Batch, ErrorKind, Payload, Request};

use super::{Outcome, ensure};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let backend = harness.backend();
    let present = Request::new(harness.seed("present", b"value").await?);
    let absent = Request::new(harness.absent());
    // A backend that brings one secret a call answers longer slices too, one by one.
    let asked = [absent.clone(), present.clone()];
    let mut batch = Batch::new(asked.len());
    backend.fetch_many(&harness.context(), &asked, &mut batch).await;
    let answers = batch.into_answers();
    let failed = answers.first().and_then(|answer| answer.as_ref().err());
    ensure!(
        failed.is_some_and(|error| error.kind() == ErrorKind::NotFound),
        "the missing secret of a batch is not *not found*: {failed:?}"
    );
    let came = answers.get(1).is_some_and(|answer| {
        let payload = answer.as_ref().map(|fetched| fetched.payload());
        matches!(payload, Ok(Payload::Secret(secret)) if secret.expose() == b"value")
    });
    ensure!(came, "a missing secret spoiled the other one of its batch");
    Ok(())
}
