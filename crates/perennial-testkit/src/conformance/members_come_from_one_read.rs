//! Several named values come whole, and by their names.

use perennial_backend::{Payload, Request};

use super::{Outcome, broken, ensure, fetch};
use crate::Harness;

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let written: [(&str, &[u8]); 3] =
        [("user", b"alice"), ("password", b"pa55"), ("empty", b"")];
    let resource = harness.seed_members("several", &written).await?;
    let fetched = fetch(harness, &Request::new(resource)).await?;
    let Payload::Members(members) = fetched.payload() else {
        return broken("a secret of several values came as one");
    };
    ensure!(members.len() == written.len(), "{} values came, 3 were written", members.len());
    for (name, value) in written {
        let same = matches!(members.member(name), Some(Ok(secret)) if secret.expose() == value);
        ensure!(same, "the value `{name}` is missing or another");
    }
    Ok(())
}
