//! A call that is dropped at its first await costs nothing.

use std::future::poll_fn;
use std::task::Poll;

use perennial_backend::Request;

use super::{Outcome, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let request = Request::new(harness.seed("dropped", b"value").await?);
    let backend = harness.backend();
    for _ in 0..3 {
        let cx = harness.context();
        let mut call = backend.fetch(&cx, &request);
        poll_fn(|task| {
            let _ = call.as_mut().poll(task);
            Poll::Ready(())
        })
        .await;
        drop(call);
        expect_value(harness, &request, b"value").await?;
    }
    Ok(())
}
