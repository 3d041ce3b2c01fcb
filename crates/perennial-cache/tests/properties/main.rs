//! What holds whatever happens: random stories, judged by a naive model.

#![cfg(test)]

mod naive;

use std::time::Duration;

use perennial_cache::{Facts, Failure, FailureClass, Lookup, Policy, Reaction, Terms};
use perennial_clock::Moment;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Held = Facts<usize, usize>;

#[derive(Clone, Copy, Debug)]
enum What {
    Fetched(Terms),
    Unchanged(Terms),
    Failed(FailureClass, Moment),
}

/// One thing told: by an attempt that began at `started`.
#[derive(Clone, Copy, Debug)]
struct Told {
    now: Moment,
    started: Moment,
    what: What,
}

/// Tells one thing; its place in the history is value and detail.
fn tell(facts: &mut Held, id: usize, told: Told) -> bool {
    let Told { now, started, what } = told;
    match what {
        What::Fetched(terms) => facts.handle_fetched(now, started, id, terms),
        What::Unchanged(terms) => facts.handle_unchanged(now, started, terms),
        What::Failed(class, retry_at) => {
            facts.handle_failed(now, started, Failure::new(class, retry_at, id))
        }
    }
}

fn after(history: &[Told]) -> Held {
    let mut facts = Held::new();
    for (id, told) in history.iter().enumerate() {
        tell(&mut facts, id, *told);
    }
    facts
}

fn name<V, F>(lookup: &Lookup<'_, V, F>) -> &'static str {
    match lookup {
        Lookup::Absent { .. } => "Absent",
        Lookup::Fresh { .. } => "Fresh",
        Lookup::Due { .. } => "Due",
        Lookup::Overdue { .. } => "Overdue",
        Lookup::Stale { .. } => "Stale",
        Lookup::Expired { .. } => "Expired",
        Lookup::Missing { .. } => "Missing",
        Lookup::Failed { .. } => "Failed",
    }
}

fn see(facts: &Held, now: Moment, policy: &Policy, jitter: u16) -> naive::Seen {
    let lookup = facts.lookup(now, policy);
    naive::Seen {
        name: name(&lookup),
        value: lookup.value().copied(),
        failed: lookup.failed().map(|failed| *failed.detail()),
        next: facts.poll_timeout(policy, jitter).map(Moment::as_nanos),
    }
}

/// How bad a verdict is for a reader.
fn badness(facts: &Held, now: Moment, policy: &Policy) -> u8 {
    let lookup = facts.lookup(now, policy);
    match lookup.value() {
        Some(_) if lookup.is_fresh() => 0,
        Some(_) => 1,
        None => 2,
    }
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        8 => (0_u64..400_000).prop_map(Duration::from_millis),
        4 => (0_u64..20).prop_map(Duration::from_secs),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::from_nanos(1)),
        1 => Just(Duration::MAX),
        1 => any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![Just(Reaction::Keep), Just(Reaction::Drop)]
}

prop_compose! {
    fn policy()(
        spans in [option::of(span()), option::of(span()), option::of(span()), option::of(span())],
        bounds in [option::of(span()), option::of(span())],
        on_missing in reaction(),
        on_denied in reaction(),
    ) -> Policy {
        Policy::default()
            .with_ttl(spans[0])
            .with_neg_ttl(spans[1])
            .with_resurrect_ttl(spans[2])
            .with_refresh_ahead(spans[3])
            .with_min_ttl(bounds[0])
            .with_max_ttl(bounds[1])
            .with_on_missing(on_missing)
            .with_on_denied(on_denied)
    }
}

prop_compose! {
    fn terms()(hint in option::of(span()), end in option::of(span())) -> Terms {
        Terms::default().with_ttl_hint(hint).with_hard_end(end)
    }
}

fn class() -> impl Strategy<Value = FailureClass> {
    prop_oneof![
        Just(FailureClass::Missing),
        Just(FailureClass::Denied),
        Just(FailureClass::Throttled),
        Just(FailureClass::Unavailable),
        Just(FailureClass::Invalid),
    ]
}

/// Things that happen one after another; the attempts behind them overlap.
fn history() -> impl Strategy<Value = Vec<Told>> {
    let what = prop_oneof![
        3 => terms().prop_map(|terms| (Some(What::Fetched(terms)), None)),
        1 => terms().prop_map(|terms| (Some(What::Unchanged(terms)), None)),
        4 => (class(), span()).prop_map(|failed| (None, Some(failed))),
    ];
    // Small numbers, so that things often happen at once.
    let gap = prop_oneof![0_u64..3, 0_u64..120];
    let lag = prop_oneof![0_u64..3, 0_u64..60];
    let step = (gap, lag, what);
    vec(step, 0..9).prop_map(|steps| {
        let mut now = Moment::from_nanos(100_000_000_000);
        let told = |(gap, lag, (done, failed)): (u64, u64, (Option<What>, Option<_>))| {
            now = now + Duration::from_secs(gap);
            let failed = failed.map(|(class, span)| What::Failed(class, now + span));
            Told {
                now,
                started: now - Duration::from_secs(lag),
                what: done.or(failed).unwrap(),
            }
        };
        steps.into_iter().map(told).collect()
    })
}

fn last(history: &[Told]) -> Moment {
    history.last().map_or(Moment::ORIGIN, |told| told.now)
}

/// Moments at which something may change, and those beside them.
fn moments(facts: &Held, policy: &Policy, from: Moment, later: Duration) -> Vec<Moment> {
    let nano = Duration::from_nanos(1);
    let edges = [
        facts.fresh_until(policy),
        facts.usable_until(policy),
        facts.poll_timeout(policy, 0).unwrap_or(from),
        from,
        from + later,
    ];
    let around = edges
        .into_iter()
        .flat_map(|edge| [edge - nano, edge, edge + nano]);
    let mut moments: Vec<_> = around
        .filter(|at| *at >= from && *at < Moment::MAX)
        .collect();
    moments.sort();
    moments
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn every_verdict_is_that_of_the_naive_model(
        history in history(), policy in policy(), later in span(), jitter in any::<u16>(),
    ) {
        for told in 0..=history.len() {
            let history = &history[..told];
            let facts = after(history);
            for now in moments(&facts, &policy, last(history), later) {
                let expected = naive::see(history, now, &policy, jitter);
                prop_assert_eq!(see(&facts, now, &policy, jitter), expected, "at {:?}", now);
            }
        }
    }

    #[test]
    fn instant_deadlines_agree_with_lookup(
        history in history(), policy in policy(), later in span(),
    ) {
        let facts = after(&history);
        let (fresh, usable) = (facts.fresh_until(&policy), facts.usable_until(&policy));
        prop_assert!(fresh <= usable);
        for now in moments(&facts, &policy, last(&history), later) {
            let lookup = facts.lookup(now, &policy);
            prop_assert_eq!(lookup.is_fresh(), now < fresh, "{:?}", lookup);
            prop_assert_eq!(lookup.value().is_some(), now < usable, "{:?}", lookup);
            prop_assert_eq!(lookup.for_instant_reader().value(), lookup.value());
            // A timer and a reader want the attempt at the same moment.
            if facts.last().is_some() || facts.failed().is_some() {
                let due = facts.poll_timeout(&policy, 0).is_some_and(|due| due <= now);
                prop_assert_eq!(lookup.wants_fetch(now), due, "{:?}", lookup);
            }
        }
    }

    #[test]
    fn verdicts_only_get_worse_while_nothing_happens(
        history in history(), policy in policy(), later in span(),
    ) {
        let facts = after(&history);
        let mut worst = 0;
        for now in moments(&facts, &policy, last(&history), later) {
            let bad = badness(&facts, now, &policy);
            prop_assert!(bad >= worst, "{worst} {bad} at {now:?}");
            worst = bad;
        }
    }

    #[test]
    fn nothing_changes_before_the_next_change(
        history in history(), policy in policy(), later in span(), part in 0.0..1.0,
    ) {
        let facts = after(&history);
        for now in moments(&facts, &policy, last(&history), later) {
            let next = facts.next_change(now, &policy);
            prop_assert!(next.is_none_or(|next| next > now));
            let end = next.unwrap_or(Moment::from_nanos(u64::MAX - 1));
            let most = end.since(now).saturating_sub(Duration::from_nanos(1));
            for at in [now + most, now + most.mul_f64(part)] {
                let verdicts = [now, at].map(|at| {
                    let lookup = facts.lookup(at, &policy);
                    (name(&lookup), lookup.wants_fetch(at))
                });
                prop_assert_eq!(verdicts[0], verdicts[1], "between {:?} and {:?}", now, at);
            }
        }
    }

    #[test]
    fn a_failure_never_costs_a_value_inside_its_ttl(
        history in history(), policy in policy(), class in class(), wait in 0_u64..400,
    ) {
        let keep = policy.with_on_missing(Reaction::Keep).with_on_denied(Reaction::Keep);
        let definite = matches!(class, FailureClass::Missing | FailureClass::Denied);
        let now = last(&history) + Duration::from_secs(wait);
        for policy in [keep, policy] {
            if policy != keep && definite {
                continue;
            }
            let mut facts = after(&history);
            let before = (facts.fresh_until(&policy), facts.usable_until(&policy));
            let value = facts.lookup(now, &policy).value().copied();
            facts.handle_failed(now, now, Failure::new(class, now, 0));
            prop_assert_eq!((facts.fresh_until(&policy), facts.usable_until(&policy)), before);
            prop_assert_eq!(facts.lookup(now, &policy).value().copied(), value);
        }
    }

    #[test]
    fn an_earlier_attempt_never_replaces_a_later_one(history in history()) {
        let mut facts = Held::new();
        for (id, told) in history.iter().enumerate() {
            let before = (facts.last().copied(), facts.fetched_at());
            let news = tell(&mut facts, id, *told);
            let late = before.1.is_some_and(|held| told.started < held);
            prop_assert!(!(late && news));
            if !news {
                prop_assert_eq!((facts.last().copied(), facts.fetched_at()), before);
            }
            // Once there is a value there is one for ever, and its age never jumps back.
            prop_assert!(facts.last().is_some() || before.0.is_none());
            prop_assert!(facts.fetched_at() >= before.1);
        }
    }

    #[test]
    fn jitter_makes_a_refresh_earlier_within_its_bounds(
        history in history(), policy in policy(), jitter in any::<u16>(),
    ) {
        let facts = after(&history);
        let (plain, early) = (facts.poll_timeout(&policy, 0), facts.poll_timeout(&policy, jitter));
        prop_assert_eq!(plain.is_some(), early.is_some());
        if let (Some(plain), Some(early)) = (plain, early) {
            prop_assert!(early <= plain);
            prop_assert!(plain.since(early) <= Policy::JITTER);
            prop_assert!(facts.fetched_at().is_none_or(|began| early >= began) || facts.failed().is_some());
            prop_assert!(facts.failed().is_none() || early == plain);
        }
    }
}
