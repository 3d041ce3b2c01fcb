//! Calls from many tasks at once each get their own answer.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use perennial_backend::Request;

use super::{Outcome, expect_value};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let one = Request::new(harness.seed("one", b"first value").await?);
    let two = Request::new(harness.seed("two", b"second value").await?);
    let mut calls: Vec<Pin<Box<dyn Future<Output = Outcome> + '_>>> = Vec::new();
    for _ in 0..8 {
        calls.push(Box::pin(expect_value(harness, &one, b"first value")));
        calls.push(Box::pin(expect_value(harness, &two, b"second value")));
    }
    poll_fn(|task| {
        let mut failed = None;
        calls.retain_mut(|call| match call.as_mut().poll(task) {
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(failure)) => {
                failed.get_or_insert(failure);
                false
            }
            Poll::Pending => true,
        });
        match failed {
            Some(failure) => Poll::Ready(Err(failure)),
            None if calls.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}
