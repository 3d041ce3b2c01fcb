//! What a secret says about its own future: when it expires, and when it is rotated next.
//!
//! That takes a call and a permission of its own, so it is asked rarely, remembered, and never
//! costs a read its value.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use perennial_backend::{Context, ErrorKind, Moment, Operation, UnixTime};

use crate::client::Client;
use crate::error::Subject;
use crate::names::SecretName;

/// When a secret ends for good and when it is rotated next, as the service said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) expires: Option<UnixTime>,
    pub(crate) rotates: Option<UnixTime>,
}

/// The memory of what was asked.
#[derive(Default)]
pub(crate) struct Schedule {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    known: HashMap<SecretName, (Moment, Dates)>,
    /// Until when nothing is asked, since it was not permitted.
    denied: Option<Moment>,
}

impl Schedule {
    /// Returns the dates of a secret, asking if they are not known or were asked long ago.
    pub(crate) async fn dates(
        &self,
        cx: &Context,
        client: &Client,
        name: &SecretName,
        resource: &str,
    ) -> Dates {
        let now = cx.now();
        if client.config().without_schedule {
            return Dates::default();
        }
        if let Some(dates) = self.remembered(now, name) {
            return dates;
        }
        let subject = Subject {
            operation: Operation::Fetch,
            resource,
            version: None,
            permission: "secretmanager.secrets.get",
        };
        let full = name.full();
        let answer = tokio::select! {
            answer = client.call(cx, &subject, |service| async move {
                service.get_secret().set_name(full).send().await
            }) => answer,
            () = cx.sleep(LIMIT.min(cx.remaining() / 2)) => return self.stale(name),
        };
        match answer {
            Ok(secret) => {
                let dates = Dates {
                    expires: secret.expire_time().and_then(|at| time(at)),
                    rotates: secret
                        .rotation
                        .as_ref()
                        .and_then(|rotation| rotation.next_rotation_time.as_ref())
                        .and_then(time),
                };
                self.remember(now, name, dates);
                dates
            }
            Err(why) if why.kind() == ErrorKind::PermissionDenied => {
                self.held().denied = Some(now + ASK_AGAIN);
                Dates::default()
            }
            // The last that is known, rather than nothing: a hard end does not go away.
            Err(_) => self.stale(name),
        }
    }

    fn remembered(&self, now: Moment, name: &SecretName) -> Option<Dates> {
        let held = self.held();
        if held.denied.is_some_and(|until| now < until) {
            return Some(Dates::default());
        }
        let (asked, dates) = held.known.get(name)?;
        (now.since(*asked) < ASK_AGAIN).then_some(*dates)
    }

    fn remember(&self, now: Moment, name: &SecretName, dates: Dates) {
        let mut held = self.held();
        if held.known.len() >= MOST {
            held.known
                .retain(|_, (asked, _)| now.since(*asked) < ASK_AGAIN);
        }
        if held.known.len() < MOST {
            held.known.insert(name.clone(), (now, dates));
        }
    }

    fn stale(&self, name: &SecretName) -> Dates {
        self.held()
            .known
            .get(name)
            .map_or_else(Dates::default, |(_, dates)| *dates)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule")
            .field("known", &self.held().known.len())
            .finish_non_exhaustive()
    }
}

/// A timestamp of the service; `None` before the epoch.
fn time(at: &google_cloud_wkt::Timestamp) -> Option<UnixTime> {
    let seconds = u64::try_from(at.seconds()).ok()?;
    let nanos = u32::try_from(at.nanos()).ok()?;
    Some(UnixTime::from_epoch(Duration::new(seconds, nanos)))
}

/// How long an answer is remembered, and how long a refusal.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// How long the question may hold up a read whose value has come.
const LIMIT: Duration = Duration::from_secs(2);

/// How many secrets are remembered.
const MOST: usize = 10_000;
