//! Backends with one defect each; none of them is a model for anything.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use perennial_backend::{
    Backend, Batch, Capabilities, Context, Error, ErrorKind, Fetched, Members, Payload, Request,
    Secret, Selector, Version, async_trait,
};
use perennial_testkit::{OUTSIDE, ScriptedBackend};

/// What is wrong with a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    AnswersAreCached,
    BatchFailsWhole,
    BatchIsShuffled,
    CallLeftBusy,
    CallsShareASlot,
    CapabilitiesChange,
    CheckHasEffects,
    DeletedIsRemembered,
    DeniedIsNotFound,
    EmptyIsNotFound,
    ErrorShowsValue,
    IdIsIgnored,
    InvalidTextIsReplaced,
    MemberIsLost,
    MissingIsEmpty,
    NameEscapes,
    NumberIsIgnored,
    OutageIsNotFound,
    PendingIsCurrent,
    PreviousIsCurrent,
    StageAnsweredWithCurrent,
    UnchangedTooOften,
    UnknownVersionIsCurrent,
    ValueIsTrimmed,
    VersionIsConstant,
    HangIsAnswered,
}

impl Defect {
    /// Each defect, and the rule that it breaks.
    pub(crate) const ALL: &[(Self, &str)] = &[
        (Self::AnswersAreCached, "every_fetch_asks_the_store"),
        (Self::BatchFailsWhole, "batch_failure_spoils_no_other"),
        (Self::BatchIsShuffled, "batch_gives_what_fetch_gives"),
        (Self::CallLeftBusy, "dropped_call_leaves_backend_usable"),
        (Self::CallsShareASlot, "concurrent_calls_agree"),
        (Self::CapabilitiesChange, "capabilities_are_constant"),
        (Self::CheckHasEffects, "check_has_no_effects"),
        (Self::DeletedIsRemembered, "deleted_secret_is_not_found"),
        (Self::DeniedIsNotFound, "denied_secret_is_permission_denied"),
        (Self::EmptyIsNotFound, "empty_value_is_a_value"),
        (Self::ErrorShowsValue, "secrets_stay_out_of_debug"),
        (Self::HangIsAnswered, "hung_call_can_be_dropped"),
        (
            Self::IdIsIgnored,
            "identified_version_is_fetched_or_refused",
        ),
        (Self::InvalidTextIsReplaced, "binary_value_is_kept"),
        (Self::MemberIsLost, "members_come_from_one_read"),
        (Self::MissingIsEmpty, "missing_secret_is_not_found"),
        (Self::NameEscapes, "names_cannot_escape"),
        (
            Self::NumberIsIgnored,
            "numbered_version_is_fetched_or_refused",
        ),
        (Self::OutageIsNotFound, "outage_is_unavailable"),
        (
            Self::PendingIsCurrent,
            "pending_version_is_fetched_or_refused",
        ),
        (
            Self::PreviousIsCurrent,
            "previous_version_is_fetched_or_refused",
        ),
        (
            Self::StageAnsweredWithCurrent,
            "staged_version_is_fetched_or_refused",
        ),
        (Self::UnchangedTooOften, "unchanged_only_if_known"),
        (
            Self::UnknownVersionIsCurrent,
            "unknown_version_is_not_found",
        ),
        (Self::ValueIsTrimmed, "current_value_is_fetched"),
        (Self::VersionIsConstant, "version_follows_the_value"),
    ];
}

#[derive(Debug)]
pub(crate) struct Defective {
    store: ScriptedBackend,
    defect: Defect,
    cache: Mutex<HashMap<String, Fetched>>,
    slot: Mutex<Option<Request>>,
    busy: AtomicBool,
    calls: AtomicUsize,
    effects: Arc<AtomicUsize>,
}

impl Defective {
    pub(crate) fn new(store: ScriptedBackend, defect: Defect, effects: Arc<AtomicUsize>) -> Self {
        Self {
            store,
            defect,
            cache: Mutex::default(),
            slot: Mutex::default(),
            busy: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            effects,
        }
    }

    fn cached(&self, request: &Request) -> Option<Fetched> {
        self.cache.lock().unwrap().get(request.resource()).cloned()
    }

    async fn fetch_honestly(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        self.store.fetch(cx, request).await
    }
}

#[async_trait]
impl Backend for Defective {
    fn capabilities(&self) -> Capabilities {
        let declared = self.store.capabilities();
        match self.defect {
            Defect::CapabilitiesChange if self.calls.load(Ordering::Relaxed) > 0 => {
                declared.with_stages()
            }
            Defect::CheckHasEffects => declared.with_effects(),
            _ => declared,
        }
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let current = Request::new(request.resource());
        match self.defect {
            Defect::AnswersAreCached => {
                if let Some(held) = self.cached(request) {
                    return Ok(held);
                }
            }
            Defect::CallLeftBusy => {
                if self.busy.swap(true, Ordering::Relaxed) {
                    return Err(Error::new(ErrorKind::Unexpected, "still busy"));
                }
                yield_once().await;
                self.busy.store(false, Ordering::Relaxed);
            }
            Defect::CallsShareASlot => {
                *self.slot.lock().unwrap() = Some(request.clone());
                yield_once().await;
                let shared = self.slot.lock().unwrap().clone().unwrap();
                return self.fetch_honestly(cx, &shared).await;
            }
            Defect::CheckHasEffects => {
                self.effects.fetch_add(1, Ordering::Relaxed);
            }
            Defect::HangIsAnswered => {
                let mut call = Box::pin(self.fetch_honestly(cx, request));
                let polled = poll_fn(|task| Poll::Ready(call.as_mut().poll(task))).await;
                return match polled {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => Ok(Fetched::secret(Secret::new("a guess"))),
                };
            }
            Defect::NameEscapes if request.resource().contains("..") => {
                return Ok(Fetched::secret(Secret::new(OUTSIDE)));
            }
            Defect::IdIsIgnored if matches!(request.selector(), Selector::Id(_)) => {
                return self.fetch_honestly(cx, &current).await;
            }
            Defect::NumberIsIgnored if matches!(request.selector(), Selector::Number(_)) => {
                return self.fetch_honestly(cx, &current).await;
            }
            Defect::PendingIsCurrent if *request.selector() == Selector::Pending => {
                return self.fetch_honestly(cx, &current).await;
            }
            Defect::PreviousIsCurrent if *request.selector() == Selector::Previous => {
                return self.fetch_honestly(cx, &current).await;
            }
            Defect::StageAnsweredWithCurrent => {
                return self.fetch_honestly(cx, &current).await;
            }
            Defect::UnchangedTooOften => {
                if let Some(known) = request.known_version() {
                    return Ok(Fetched::unchanged(known.clone()));
                }
            }
            _ => {}
        }
        let answer = self.fetch_honestly(cx, request).await;
        let denied = || Err(Error::new(ErrorKind::NotFound, "no such secret"));
        match (self.defect, answer) {
            (Defect::AnswersAreCached | Defect::DeletedIsRemembered, Ok(fetched)) => {
                let mut cache = self.cache.lock().unwrap();
                cache.insert(request.resource().to_owned(), fetched.clone());
                Ok(fetched)
            }
            (Defect::DeletedIsRemembered, Err(error)) => self.cached(request).ok_or(error),
            (Defect::DeniedIsNotFound, Err(error))
                if error.kind() == ErrorKind::PermissionDenied =>
            {
                denied()
            }
            (Defect::OutageIsNotFound, Err(_)) => denied(),
            (Defect::MissingIsEmpty, Err(_)) => Ok(Fetched::secret(Secret::new(""))),
            (Defect::UnknownVersionIsCurrent, Err(error))
                if error.kind() == ErrorKind::NotFound =>
            {
                self.fetch_honestly(cx, &current).await
            }
            (Defect::EmptyIsNotFound, Ok(fetched)) if is_empty(&fetched) => denied(),
            (Defect::ErrorShowsValue, Err(error)) => {
                let held = self.fetch_honestly(cx, &current).await;
                let shown = held.ok().map(|fetched| text(&fetched)).unwrap_or_default();
                Err(Error::new(error.kind(), format!("cannot give {shown}")))
            }
            (Defect::InvalidTextIsReplaced, Ok(fetched)) => {
                Ok(Fetched::secret(Secret::new(text(&fetched))))
            }
            (Defect::MemberIsLost, Ok(fetched)) => match fetched.payload() {
                Payload::Members(members) => {
                    let kept = members
                        .iter()
                        .skip(1)
                        .map(|(name, secret)| (name, secret.cloned().unwrap()));
                    Ok(Fetched::members(kept.collect::<Members>()))
                }
                _ => Ok(fetched),
            },
            (Defect::ValueIsTrimmed, Ok(fetched)) => {
                Ok(Fetched::secret(Secret::new(text(&fetched).trim())))
            }
            (Defect::VersionIsConstant, Ok(fetched)) => Ok(fetched.with_version(Version::new("1"))),
            (_, answer) => answer,
        }
    }

    async fn fetch_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        let mut answers = Vec::new();
        for request in requests {
            answers.push(self.fetch(cx, request).await);
        }
        if self.defect == Defect::BatchIsShuffled {
            answers = vec![Ok(Fetched::secret(Secret::new("another"))); requests.len()];
        }
        if self.defect == Defect::BatchFailsWhole
            && let Some(error) = answers.iter().find_map(|answer| answer.clone().err())
        {
            return batch.fail_rest(&error);
        }
        for (index, answer) in answers.into_iter().enumerate() {
            batch.answer(index, answer);
        }
    }
}

fn is_empty(fetched: &Fetched) -> bool {
    matches!(fetched.payload(), Payload::Secret(secret) if secret.expose().is_empty())
}

fn text(fetched: &Fetched) -> String {
    match fetched.payload() {
        Payload::Secret(secret) => String::from_utf8_lossy(secret.expose()).into_owned(),
        _ => String::new(),
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|task| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
