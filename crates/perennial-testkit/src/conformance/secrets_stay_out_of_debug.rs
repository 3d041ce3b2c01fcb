//! No byte of a secret is in an error or in `Debug`.

use std::error::Error as _;

use perennial_backend::{Request, Selector};

use super::{Outcome, ensure};
use crate::Harness;

const CANARY: &str = "canary-5ecret-value";

pub(super) async fn check(harness: &dyn Harness) -> Outcome {
    let resource = harness.seed("canary", CANARY.as_bytes()).await?;
    let backend = harness.backend();
    let mut seen = vec![format!("{backend:?} {backend:#?}")];
    let plain = Request::new(resource.clone());
    let mut requests = vec![plain.clone(), Request::new(harness.absent())];
    let selectors = [
        Selector::Previous,
        Selector::Pending,
        Selector::Number(99),
        Selector::Id("x".into()),
        Selector::Stage("x".into()),
    ];
    requests.extend(selectors.map(|selector| plain.clone().with_selector(selector)));
    if harness.outage(true).await.is_ok() {
        seen.push(shown(harness, &plain).await);
        harness.outage(false).await?;
    }
    for request in &requests {
        seen.push(shown(harness, request).await);
    }
    if harness.deny(&resource).await.is_ok() {
        seen.push(shown(harness, &plain).await);
    }
    seen.push(format!("{backend:?}"));
    let leak = seen.iter().find(|text| text.contains(CANARY));
    ensure!(leak.is_none(), "a secret is shown by an error or by `Debug`");
    Ok(())
}

async fn shown(harness: &dyn Harness, request: &Request) -> String {
    match harness.backend().fetch(&harness.context(), request).await {
        Ok(fetched) => format!("{fetched:?} {fetched:#?}"),
        Err(error) => {
            let context: Vec<_> = error.context().collect();
            let cause = error.source().map(ToString::to_string);
            format!("{error} {error:?} {error:#?} {:?} {context:?} {cause:?}", error.help())
        }
    }
}
