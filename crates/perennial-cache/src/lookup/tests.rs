//! The table of what readers get, row by row.

use std::format;

use super::*;
use crate::story::{Failed as Fails, Fetched, at, at_millis, check, hard_end, hint, secs};
use crate::story::{Unchanged, after, name};
use crate::{Facts, FailureClass, Policy, Reaction, Terms};

const NONE: Terms = Terms::NONE;
use FailureClass::{Denied, Invalid, Missing, Throttled, Unavailable};

/// Fresh until 300, refreshed at 240, usable until 900.
fn usual() -> Policy {
    Policy::default()
        .with_ttl(secs(300))
        .with_resurrect_ttl(secs(600))
}

#[test]
fn nothing_held_waits_for_a_fetch() {
    check(
        usual(),
        &[],
        &[
            (0, "Absent", "waits, else not yet", "not yet", true),
            (9_999, "Absent", "waits, else not yet", "not yet", true),
        ],
    );
}

#[test]
fn before_the_refresh_time_nothing_is_fetched() {
    check(
        usual(),
        &[Fetched(0, 1, "v", NONE)],
        &[
            (1, "Fresh", "fresh v", "fresh v", false),
            (239, "Fresh", "fresh v", "fresh v", false),
        ],
    );
}

#[test]
fn from_the_refresh_time_on_it_is_fetched_in_the_background() {
    check(
        usual(),
        &[Fetched(0, 1, "v", NONE)],
        &[
            (240, "Due", "fresh v", "fresh v", true),
            (299, "Due", "fresh v", "fresh v", true),
        ],
    );
}

#[test]
fn past_ttl_without_an_attempt_get_waits_and_falls_back() {
    check(
        usual(),
        &[Fetched(0, 1, "v", NONE)],
        &[
            (300, "Overdue", "waits, else stale v", "stale v", true),
            (899, "Overdue", "waits, else stale v", "stale v", true),
        ],
    );
    // An attempt that failed before ttl ended, and whose back-off is over, is none since.
    let stale = "stale v: Unavailable";
    let waits = "waits, else stale v: Unavailable";
    check(
        usual(),
        &[Fetched(0, 1, "v", NONE), Fails(240, 250, Unavailable, 310)],
        &[
            (251, "Fresh", "fresh v", "fresh v", false),
            (300, "Stale", stale, stale, false),
            (310, "Overdue", waits, stale, true),
        ],
    );
}

#[test]
fn after_a_failed_attempt_the_value_is_stale_at_once() {
    for class in [Unavailable, Denied, Missing, Throttled, Invalid] {
        let events = [Fetched(0, 1, "v", NONE), Fails(300, 310, class, 360)];
        let facts = after(&events);
        for (now, fetch) in [(310, false), (359, false), (360, true), (899, true)] {
            let lookup = facts.lookup(at(now), &usual());
            assert_eq!(lookup.wants_fetch(at(now)), fetch, "{class:?} {now}");
            let Wait::No(Answer::Stale {
                value,
                age,
                failed: Some(failed),
            }) = lookup.for_waiting_reader(at(now))
            else {
                panic!("{class:?} {now} {lookup:?}");
            };
            assert_eq!((*value, age), ("v", secs(now)));
            assert_eq!((failed.class(), *failed.detail()), (class, "why"));
        }
    }
}

#[test]
fn after_the_window_the_value_is_expired() {
    let events = [
        Fetched(0, 1, "v", NONE),
        Fails(880, 890, Unavailable, 950),
        Fails(950, 955, Unavailable, 1015),
    ];
    let expired = "expired: Unavailable";
    let waits = "waits, else expired: Unavailable";
    check(
        usual(),
        &events[..2],
        &[
            (
                899,
                "Stale",
                "stale v: Unavailable",
                "stale v: Unavailable",
                false,
            ),
            (900, "Expired", expired, expired, false),
            (950, "Expired", waits, expired, true),
        ],
    );
    check(
        usual(),
        &events,
        &[
            (1014, "Expired", expired, expired, false),
            (1015, "Expired", waits, expired, true),
        ],
    );
    check(
        usual(),
        &events[..1],
        &[(900, "Expired", "waits, else expired", "expired", true)],
    );
    let facts = after(&events);
    let Answer::Expired {
        age,
        failed,
        retry_at,
    } = facts.lookup(at(1000), &usual()).for_instant_reader()
    else {
        panic!("not expired");
    };
    assert_eq!((age, retry_at), (secs(1000), at(1015)));
    assert_eq!(failed.map(Failed::count), Some(2));
}

#[test]
fn known_missing_is_not_asked_for_before_neg_ttl_ends() {
    let policy = usual().with_neg_ttl(secs(60));
    // It counts from the start of the fetch, and the caller's own time for it is not used.
    check(
        policy,
        &[Fails(10, 15, Missing, 9_999)],
        &[
            (15, "Missing", "Missing", "Missing", false),
            (69, "Missing", "Missing", "Missing", false),
            (70, "Absent", "waits, else Missing", "Missing", true),
        ],
    );
}

#[test]
fn nothing_held_and_failed_gets_the_remembered_error() {
    for (class, text, waits) in [
        (Denied, "Denied", "waits, else Denied"),
        (Throttled, "Throttled", "waits, else Throttled"),
        (Unavailable, "Unavailable", "waits, else Unavailable"),
        (Invalid, "Invalid", "waits, else Invalid"),
    ] {
        check(
            usual(),
            &[Fails(10, 15, class, 40)],
            &[
                (15, "Failed", text, text, false),
                (39, "Failed", text, text, false),
                (40, "Absent", waits, text, true),
            ],
        );
    }
}

#[test]
fn a_hard_end_is_final() {
    // Fresh until 99.9 s, refreshed a fifth of that before.
    let facts = after(&[Fetched(0, 1, "v", hard_end(100))]);
    let check = |policy: &Policy, millis: u64, expected: &str| {
        let lookup = facts.lookup(at_millis(millis), policy);
        assert_eq!(name(&lookup), expected, "{millis} {policy:?}");
    };
    for policy in [usual(), usual().with_ttl(secs(0))] {
        check(&policy, 79_919, "Fresh");
        check(&policy, 79_920, "Due");
        check(&policy, 99_899, "Due");
        check(&policy, 99_900, "Expired");
        check(&policy, 900_000, "Expired");
    }
    // Between ttl and its resurrection.
    let short = usual().with_ttl(secs(50));
    check(&short, 49_999, "Due");
    check(&short, 50_000, "Overdue");
    check(&short, 99_899, "Overdue");
    check(&short, 99_900, "Expired");
    // Later than both.
    let shorter = short.with_resurrect_ttl(secs(10));
    check(&shorter, 59_999, "Overdue");
    check(&shorter, 60_000, "Expired");
    assert_eq!(facts.hard_end(), Some(at_millis(99_900)));
}

#[test]
fn a_value_that_comes_after_its_hard_end_is_asked_for_once_a_second() {
    let policy = usual().with_ttl(secs(0));
    let facts = after(&[Fetched(10, 10, "v", hard_end(0))]);
    let lookup = facts.lookup(at(10), &policy);
    assert!(matches!(lookup, Lookup::Expired { failed: None, .. }));
    assert!(!lookup.wants_fetch(at(10)));
    assert!(matches!(lookup.for_waiting_reader(at(10)), Wait::No(_)));
    assert_eq!(facts.poll_timeout(&policy, 0), Some(at(11)));
    assert!(facts.lookup(at(11), &policy).wants_fetch(at(11)));
}

#[test]
fn a_definite_answer_costs_the_value_only_under_a_policy_that_says_so() {
    let missing = [Fetched(0, 1, "v", NONE), Fails(100, 101, Missing, 0)];
    let denied = [Fetched(0, 1, "v", NONE), Fails(100, 101, Denied, 160)];
    let keep = usual();
    let drop_missing = usual().with_on_missing(Reaction::Drop);
    let drop_denied = usual().with_on_denied(Reaction::Drop);
    let kept = [(101, "Fresh", "fresh v", "fresh v", false)];
    check(keep, &missing, &kept);
    check(keep, &denied, &kept);
    check(drop_denied, &missing, &kept);
    check(drop_missing, &denied, &kept);
    check(
        drop_missing,
        &missing,
        &[
            (101, "Missing", "Missing", "Missing", false),
            (160, "Absent", "waits, else Missing", "Missing", true),
        ],
    );
    check(
        drop_denied,
        &denied,
        &[
            (101, "Failed", "Denied", "Denied", false),
            (160, "Absent", "waits, else Denied", "Denied", true),
        ],
    );
    // No other class is a definite answer.
    for class in [Throttled, Unavailable, Invalid] {
        let events = [Fetched(0, 1, "v", NONE), Fails(100, 101, class, 160)];
        check(drop_missing.with_on_denied(Reaction::Drop), &events, &kept);
    }
}

#[test]
fn a_dropped_value_stays_dropped_until_the_store_gives_one() {
    let policy = usual().with_on_missing(Reaction::Drop);
    let mut events = [
        Fetched(0, 1, "v", NONE),
        Fails(100, 101, Missing, 0),
        Fails(160, 161, Unavailable, 170),
        Fetched(170, 171, "w", NONE),
    ];
    check(
        policy,
        &events[..3],
        &[(161, "Failed", "Unavailable", "Unavailable", false)],
    );
    assert_eq!(after(&events[..3]).last(), Some(&"v"));
    check(
        policy,
        &events,
        &[(171, "Fresh", "fresh w", "fresh w", false)],
    );
    events[3] = Unchanged(170, 171, NONE);
    check(
        policy,
        &events,
        &[(171, "Fresh", "fresh v", "fresh v", false)],
    );
}

#[test]
fn a_failure_inside_ttl_is_to_be_seen() {
    let facts = after(&[Fetched(0, 1, "v", NONE), Fails(100, 101, Missing, 0)]);
    let lookup = facts.lookup(at(110), &usual());
    assert!(lookup.is_fresh());
    assert_eq!(lookup.failed().map(Failed::class), Some(Missing));
    // Asked again when neg_ttl ends, long before the refresh time.
    assert_eq!(name(&facts.lookup(at(159), &usual())), "Fresh");
    assert_eq!(name(&facts.lookup(at(160), &usual())), "Due");
}

#[test]
fn what_is_shown_quotes_neither_value_nor_detail() {
    let policy = usual();
    let mut facts: Facts<&str, &str> = Facts::new();
    facts.handle_fetched(at(0), at(0), "hunter2", hint(3));
    facts.handle_failed(at(9), at(9), crate::Failure::new(Denied, at(20), "hunter3"));
    for now in [10, 300, 9_000] {
        let lookup = facts.lookup(at(now), &policy);
        let shown = format!(
            "{facts:?} {lookup:?} {:?} {:?} {:?} {:?}",
            lookup.for_instant_reader(),
            lookup.for_waiting_reader(at(now)),
            lookup.failed(),
            crate::Failure::new(Denied, at(20), "hunter3"),
        );
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("Denied"), "{shown}");
    }
}
