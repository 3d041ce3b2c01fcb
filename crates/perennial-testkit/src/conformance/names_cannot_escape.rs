//! No name reads outside the place that the settings give.

use perennial_backend::{ErrorKind, Payload, Request};

use super::{Outcome, broken, ensure};
use crate::Harness;
use crate::harness::OUTSIDE;

const HOSTILE: &[&str] = &[
    "../outside",
    "a/../../outside",
    "./outside",
    "/outside",
    "/etc/hostname",
    "..",
    ".",
    "a/..",
    "outside/",
    "a//b",
    "..\\outside",
    "%2e%2e/outside",
    "outside?x=y",
    "outside#1",
    "=outside",
];

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    harness.seed("inside", b"value").await?;
    let escapes = harness.escapes().await;
    let names = HOSTILE.iter().copied().chain(escapes.iter().map(String::as_str));
    for name in names {
        let answer = harness.backend().fetch(&harness.context(), &Request::new(name)).await;
        match answer {
            Ok(fetched) => {
                let leaked = match fetched.payload() {
                    Payload::Secret(secret) => secret.expose() == OUTSIDE,
                    Payload::Members(members) => members
                        .iter()
                        .any(|(_, member)| member.is_ok_and(|secret| secret.expose() == OUTSIDE)),
                    _ => false,
                };
                ensure!(!leaked, "the name {name:?} reads outside");
                return broken(format!("the name {name:?} was answered with a value"));
            }
            Err(error) => {
                let refused = [
                    ErrorKind::InvalidReference,
                    ErrorKind::NotFound,
                    ErrorKind::PermissionDenied,
                    ErrorKind::Unsupported,
                ];
                let kind = error.kind();
                ensure!(refused.contains(&kind), "the name {name:?} gave {kind:?}: {error}");
            }
        }
    }
    Ok(())
}
