//! Bytes that are no text come through, or are refused; they are never changed.

use perennial_backend::{ErrorKind, Payload, Request};

use super::{Outcome, broken, ensure};
use crate::Harness;

const BINARY: &[u8] = &[0xff, 0x01, 0xfe, b'\n', 0x80, 0xc0];

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let request = Request::new(harness.seed("binary", BINARY).await?);
    match harness.backend().fetch(&harness.context(), &request).await {
        Ok(fetched) => {
            let same = matches!(fetched.payload(), Payload::Secret(s) if s.expose() == BINARY);
            ensure!(same, "the bytes came changed");
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        Err(error) => broken(format!("expected the bytes or Unsupported, got {:?}", error.kind())),
    }
}
