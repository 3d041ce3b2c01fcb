//! What a secret says about its own future: when it expires, and when it is rotated next.
//!
//! That takes a call and a permission of its own, so it is asked rarely, remembered, and never
//! costs a read its value.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perennial_backend::{Context, ErrorKind, Moment, Operation, Purpose, Request, UnixTime};

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
    known: HashMap<SecretName, Known>,
    /// Whether anything was ever answered: where not, one refusal stands for all secrets.
    permitted: bool,
    refused_until: Option<Moment>,
    swept: Option<Moment>,
}

/// What is known of one secret.
#[derive(Clone, Copy, Default)]
struct Known {
    dates: Dates,
    asked: Moment,
    ask_again: Moment,
}

impl Schedule {
    /// Returns the dates of a secret, asking if they are not known or were asked long ago.
    pub(crate) async fn dates(
        &self,
        cx: &Context,
        client: &Client,
        name: &SecretName,
        request: &Request,
    ) -> Dates {
        if client.config().without_schedule {
            return Dates::default();
        }
        let regular = matches!(request.purpose(), Purpose::Read | Purpose::Refresh);
        let now = cx.now();
        if !regular || !self.held().is_due(now, cx.unix_time(), name) {
            return self.held().dates(name);
        }
        let subject = Subject {
            operation: Operation::Fetch,
            resource: request.resource(),
            version: None,
            permission: "secretmanager.secrets.get",
        };
        let full = name.full();
        let answer = tokio::select! {
            answer = client.call(cx, &subject, |service| async move {
                service.get_secret().set_name(full).send().await
            }) => Some(answer),
            () = cx.sleep(LIMIT.min(cx.remaining() / 2)) => None,
        };
        let mut held = self.held();
        match answer {
            Some(Ok(secret)) => {
                let rotation = secret.rotation.as_ref();
                let rotates = rotation.and_then(|rotation| rotation.next_rotation_time.as_ref());
                let dates = Dates {
                    expires: secret.expire_time().and_then(|at| time(at)),
                    rotates: rotates.and_then(time),
                };
                held.permitted = true;
                held.note(now, name, ASK_AGAIN, Some(dates));
            }
            Some(Err(why)) if why.kind() == ErrorKind::PermissionDenied => {
                held.refused_until = Some(now + ASK_AGAIN);
                held.note(now, name, ASK_AGAIN, None);
            }
            Some(Err(why)) => {
                let pause = why.retry_after().unwrap_or_default().max(AFTER_FAILURE);
                held.note(now, name, pause, None);
            }
            None => held.note(now, name, AFTER_FAILURE, None),
        }
        // The last that is known, rather than nothing: a hard end does not go away.
        held.dates(name)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn dates(&self, name: &SecretName) -> Dates {
        self.known
            .get(name)
            .map_or_else(Dates::default, |known| known.dates)
    }

    /// Whether to ask: for the first time, when that was long ago, or when a date has come, which
    /// may have been put off.
    fn is_due(&self, now: Moment, wall: UnixTime, name: &SecretName) -> bool {
        if !self.permitted && self.refused_until.is_some_and(|until| now < until) {
            return false;
        }
        let Some(known) = self.known.get(name) else {
            return true;
        };
        let is_near = |at: UnixTime| at.since(wall) <= AFTER_FAILURE && wall.since(at) < ASK_AGAIN;
        let dates = [known.dates.expires, known.dates.rotates];
        let near = dates.into_iter().flatten().any(is_near);
        now >= known.ask_again || (near && now.since(known.asked) >= AFTER_FAILURE)
    }

    /// Notes an answer, or that there was none.
    fn note(&mut self, now: Moment, name: &SecretName, pause: Duration, dates: Option<Dates>) {
        if self.known.len() >= MOST && !self.known.contains_key(name) {
            if self.swept.is_some_and(|at| now.since(at) < AFTER_FAILURE) {
                return;
            }
            self.swept = Some(now);
            self.known.retain(|_, known| now < known.ask_again);
            if self.known.len() >= MOST {
                return;
            }
        }
        let known = self.known.entry(name.clone()).or_default();
        known.dates = dates.unwrap_or(known.dates);
        (known.asked, known.ask_again) = (now, now + pause);
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

/// How long a failure is remembered at least.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// How long an answer is remembered, and how long a refusal.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// How long the question may hold up a read whose value has come.
const LIMIT: Duration = Duration::from_secs(2);

/// How many secrets are remembered.
const MOST: usize = 10_000;
