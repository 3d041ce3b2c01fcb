//! A batch answers each request as a single call would.

use perennial_backend::{Batch, Payload, Request};

use super::{Outcome, ensure};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let backend = harness.backend();
    let mut requests = Vec::new();
    let mut values = Vec::new();
    for index in 0..backend.capabilities().max_batch().clamp(2, 25) {
        let label = format!("batch{}", char::from(b'a' + u8::try_from(index).unwrap_or(25)));
        let value = format!("value {index}");
        requests.push(Request::new(harness.seed(&label, value.as_bytes()).await?));
        values.push(value);
    }
    for size in [1, backend.capabilities().max_batch().min(requests.len())] {
        let asked = requests.get(..size).unwrap_or_default();
        let mut batch = Batch::new(size);
        backend.fetch_many(&harness.context(), asked, &mut batch).await;
        for ((answer, request), value) in batch.into_answers().iter().zip(asked).zip(&values) {
            let same = answer.as_ref().is_ok_and(|fetched| {
                matches!(fetched.payload(), Payload::Secret(s) if s.expose() == value.as_bytes())
            });
            ensure!(same, "{} came otherwise in a batch of {size}", request.resource());
        }
    }
    Ok(())
}
