//! A check causes no effect at the store.

use perennial_backend::{Purpose, Request};

use super::{Outcome, ensure};
use crate::{Harness, Unable};

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("effective", b"value").await?;
    if !harness.backend().capabilities().reads_have_effects() {
        let counted = harness.effects().await;
        ensure!(counted.is_err(), "reads have effects that the backend does not declare");
        return Ok(());
    }
    let before = harness.effects().await?;
    let request = Request::new(resource).with_purpose(Purpose::Check);
    let answer = harness.backend().fetch(&harness.context(), &request).await;
    let after: Result<usize, Unable> = harness.effects().await;
    ensure!(answer.is_ok(), "a check of a secret that is there failed");
    ensure!(after? == before, "a check had an effect");
    Ok(())
}
