//! The naive model: the whole history, from which every verdict is worked out anew, in unbounded
//! arithmetic. It shares no code with the machine.

use crate::{FailureClass, Moment, Policy, Reaction, Told, What};

const SECOND: i128 = 1_000_000_000;
const NEVER: i128 = u64::MAX as i128;

/// What is to be seen of a verdict.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) name: &'static str,
    pub(super) value: Option<usize>,
    pub(super) failed: Option<usize>,
    pub(super) next: Option<u64>,
}

fn nanos(span: std::time::Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap()
}

fn place(moment: Moment) -> i128 {
    i128::from(moment.as_nanos())
}

fn is_success(told: &Told) -> bool {
    !matches!(told.what, What::Failed(..))
}

/// Which of the things told were news, by their place.
fn news(history: &[Told]) -> Vec<usize> {
    let mut news: Vec<usize> = Vec::new();
    for (id, told) in history.iter().enumerate() {
        let known = news
            .iter()
            .map(|id| &history[*id])
            .filter(|told| is_success(told));
        let newest = known.map(|told| told.started).max();
        let late = newest.is_some_and(|newest| told.started < newest);
        let baseless = matches!(told.what, What::Unchanged(_)) && newest.is_none();
        if !late && !baseless {
            news.push(id);
        }
    }
    news
}

/// Failures that no later-told success of a later-begun attempt has settled.
fn unsettled(history: &[Told], news: &[usize]) -> Vec<usize> {
    let settled = |id: usize| {
        let later = news
            .iter()
            .filter(|other| **other > id)
            .map(|other| &history[*other]);
        later
            .filter(|told| is_success(told))
            .any(|told| told.started >= history[id].started)
    };
    let failures = news.iter().copied().filter(|id| !is_success(&history[*id]));
    failures.filter(|id| !settled(*id)).collect()
}

pub(super) fn see(history: &[Told], now: Moment, policy: &Policy, jitter: u16) -> Seen {
    let news = news(history);
    let failures = unsettled(history, &news);
    let last = failures
        .iter()
        .copied()
        .max_by_key(|id| (history[*id].started, *id));
    let retry = last.map(|id| match history[id].what {
        What::Failed(FailureClass::Missing, _) => {
            let span = policy.neg_ttl().map_or(60 * SECOND, nanos);
            place(history[id].started) + if span == 0 { SECOND } else { span }
        }
        What::Failed(_, at) => place(at),
        _ => unreachable!(),
    });
    let said = |wanted| {
        let class =
            |id: &usize| matches!(history[*id].what, What::Failed(class, _) if class == wanted);
        failures.iter().any(class)
    };
    let dropped = policy.on_missing() == Reaction::Drop && said(FailureClass::Missing)
        || policy.on_denied() == Reaction::Drop && said(FailureClass::Denied);

    let now = place(now);
    let value = news
        .iter()
        .copied()
        .rfind(|id| matches!(history[*id].what, What::Fetched(_)));
    let life = value.map(|id| Life::of(history, &news, id, policy));
    let next = |jitter| retry.or(life.as_ref().map(|life| life.refresh(policy, jitter)));
    let in_back_off = retry.is_some_and(|retry| now < retry);
    let ended = |id: usize| place(history[id].now);
    let (name, shows) = match &life {
        Some(life) if !dropped => {
            if now < life.fresh {
                (
                    if next(0).is_some_and(|at| now >= at) {
                        "Due"
                    } else {
                        "Fresh"
                    },
                    true,
                )
            } else if now >= life.usable {
                ("Expired", false)
            } else if in_back_off || last.is_some_and(|id| ended(id) >= life.fresh) {
                ("Stale", true)
            } else {
                ("Overdue", true)
            }
        }
        _ if !in_back_off => ("Absent", false),
        _ => match history[last.unwrap()].what {
            What::Failed(FailureClass::Missing, _) => ("Missing", false),
            _ => ("Failed", false),
        },
    };
    Seen {
        name,
        value: value.filter(|_| shows),
        failed: last,
        next: next(jitter)
            .filter(|at| *at < NEVER)
            .map(|at| u64::try_from(at).unwrap()),
    }
}

struct Life {
    began: i128,
    fresh: i128,
    usable: i128,
    ends_hard: bool,
}

impl Life {
    fn of(history: &[Told], news: &[usize], value: usize, policy: &Policy) -> Self {
        let (mut began, mut hint, mut hard) = (0, None, NEVER);
        for id in news.iter().copied().filter(|id| *id >= value) {
            let (What::Fetched(terms) | What::Unchanged(terms)) = history[id].what else {
                continue;
            };
            began = place(history[id].started);
            hint = terms.ttl_hint().map(nanos).or(hint);
            if let Some(end) = terms.hard_end() {
                hard = began + (nanos(end) - SECOND / 10).max(0);
            }
        }
        let ttl = match (policy.ttl().map(nanos), hint) {
            (Some(0), _) => NEVER,
            (Some(ttl), _) => ttl,
            (None, None) => 300 * SECOND,
            (None, Some(hint)) => {
                let raised = hint.max(policy.min_ttl().map_or(0, nanos));
                let max = policy.max_ttl().map(nanos).filter(|max| *max > 0);
                raised.min(max.unwrap_or(raised)).max(SECOND)
            }
        };
        let resurrect = policy.resurrect_ttl().map_or(100_000_000 * SECOND, nanos);
        Self {
            began,
            fresh: (began + ttl).min(hard),
            usable: (began + ttl + resurrect).min(hard),
            ends_hard: hard < began + ttl,
        }
    }

    fn refresh(&self, policy: &Policy, jitter: u16) -> i128 {
        if self.fresh >= NEVER {
            return NEVER;
        }
        let life = self.fresh - self.began;
        let ahead = policy
            .refresh_ahead()
            .map_or((60 * SECOND).min(life / 5), nanos);
        let early = (life / 20).min(30 * SECOND) * i128::from(jitter) / i128::from(u16::MAX);
        let at = self.fresh - ahead.min(life / 2) - early;
        if self.ends_hard {
            at.max(self.began + SECOND)
        } else {
            at
        }
    }
}
