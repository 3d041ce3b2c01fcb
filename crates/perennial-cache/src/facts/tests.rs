//! Deadlines, extremes, the order of attempts, and the original's tables with what is done here.

use super::*;
use crate::story::{Failed as Fails, Fetched, Held as Told, Unchanged};
use crate::story::{after, at, at_millis, check, hard_end, hint, name, secs, tell};
use FailureClass::{Denied, Missing, Unavailable};

const NONE: Terms = Terms::NONE;
const MOST: u16 = u16::MAX;

fn ttl(n: u64) -> Policy {
    Policy::default().with_ttl(secs(n))
}

#[test]
fn a_refresh_is_due_ahead_of_ttl_and_jitter_makes_it_earlier_only() {
    let check = |policy: Policy, terms: Terms, none: Option<u64>, most: Option<u64>| {
        let facts = after(&[Fetched(1_000, 1_005, "v", terms)]);
        let due = |jitter| facts.poll_timeout(&policy, jitter);
        assert_eq!(due(0), none.map(at_millis), "{policy:?} {terms:?}");
        assert_eq!(due(MOST), most.map(at_millis), "{policy:?} {terms:?}");
        assert!(due(MOST / 2) <= due(0) && due(MOST / 2) >= due(MOST));
    };
    // ttl 300: a minute ahead, up to 15 s earlier. Six hours: a minute, up to 30 s.
    check(ttl(300), NONE, Some(1_240_000), Some(1_225_000));
    check(ttl(21_600), NONE, Some(22_540_000), Some(22_510_000));
    check(ttl(10), NONE, Some(1_008_000), Some(1_007_500));
    check(ttl(1), NONE, Some(1_000_800), Some(1_000_750));
    check(Policy::default(), NONE, Some(1_240_000), Some(1_225_000));
    check(
        Policy::default(),
        hint(10),
        Some(1_008_000),
        Some(1_007_500),
    );
    let at_ttl = ttl(300).with_refresh_ahead(secs(0));
    check(at_ttl, NONE, Some(1_300_000), Some(1_285_000));
    let half = ttl(300).with_refresh_ahead(Duration::MAX);
    check(half, NONE, Some(1_150_000), Some(1_135_000));
    // Never by age.
    check(ttl(0), NONE, None, None);
    check(ttl(0), hint(10), None, None);
    // A hard end of 100.1 s plans a refresh even then; a later one changes nothing.
    let end = Terms::default().with_hard_end(Duration::from_millis(100_100));
    check(ttl(0), end, Some(1_080_000), Some(1_075_000));
    check(ttl(300), end, Some(1_080_000), Some(1_075_000));
    check(ttl(10), end, Some(1_008_000), Some(1_007_500));
}

#[test]
fn after_a_failure_its_own_deadline_counts() {
    let check = |policy: Policy, class, expected: Option<u64>| {
        let value = Fetched(0, 1, "v", NONE);
        for events in [
            &[value, Fails(50, 52, class, 58)][..],
            &[Fails(50, 52, class, 58)],
        ] {
            let due = after(events).poll_timeout(&policy, MOST);
            assert_eq!(due, expected.map(at), "{policy:?} {class:?}");
        }
    };
    check(ttl(300), Unavailable, Some(58));
    check(ttl(0), Unavailable, Some(58));
    check(ttl(300), Missing, Some(110));
    check(ttl(300).with_neg_ttl(secs(5)), Missing, Some(55));
    check(ttl(300).with_neg_ttl(secs(0)), Missing, Some(51));
    check(ttl(300).with_neg_ttl(Duration::MAX), Missing, None);
    assert_eq!(after(&[]).poll_timeout(&ttl(300), MOST), None);
}

#[test]
fn each_policy_judges_the_same_facts() {
    let facts = after(&[Fails(0, 2, Missing, 0)]);
    let quick = Policy::default().with_neg_ttl(secs(5));
    let slow = Policy::default().with_neg_ttl(secs(50));
    assert!(facts.lookup(at(5), &quick).wants_fetch(at(5)));
    assert!(!facts.lookup(at(5), &slow).wants_fetch(at(5)));
}

#[test]
fn without_memory_of_the_missing_it_is_asked_for_once_a_second() {
    let policy = ttl(300).with_neg_ttl(secs(0));
    let facts = after(&[Fails(10, 10, Missing, 0)]);
    let fetch = |millis| {
        facts
            .lookup(at_millis(millis), &policy)
            .wants_fetch(at_millis(millis))
    };
    assert!(!fetch(10_000) && !fetch(10_999));
    assert!(fetch(11_000));
}

#[test]
fn huge_durations_and_the_ends_of_the_scale_saturate() {
    let huge = [
        None,
        Some(Duration::ZERO),
        Some(Duration::MAX),
        Some(secs(1 << 40)),
    ];
    let starts = [
        Moment::ORIGIN,
        at(5),
        Moment::from_nanos(u64::MAX - 5),
        Moment::MAX,
    ];
    for a in huge {
        for b in huge {
            let policy = Policy::default()
                .with_ttl(a)
                .with_neg_ttl(b)
                .with_resurrect_ttl(b)
                .with_refresh_ahead(b)
                .with_min_ttl(b)
                .with_max_ttl(a);
            let terms = Terms::default().with_ttl_hint(b).with_hard_end(a);
            for started in starts {
                let mut facts = Told::new();
                facts.handle_fetched(Moment::MAX, started, "v", terms);
                let failure = Failure::new(Missing, Moment::MAX, "why");
                facts.handle_failed(Moment::MAX, started, failure);
                facts.handle_unchanged(Moment::MAX, started, terms);
                assert!(facts.fresh_until(&policy) >= started.min(at(0)));
                for now in starts {
                    let _ = facts.lookup(now, &policy);
                    let _ = facts.next_change(now, &policy);
                    let due = facts.poll_timeout(&policy, MOST);
                    assert!(due.is_none_or(|due| due >= started), "{policy:?} {terms:?}");
                }
            }
        }
    }
    let forever = ttl(u64::MAX);
    let facts = after(&[Fetched(1, 1, "v", NONE)]);
    assert_eq!(facts.fresh_until(&forever), Moment::MAX);
    assert_eq!(facts.poll_timeout(&forever, MOST), None);
    assert_eq!(facts.next_change(at(1), &forever), None);
    // Resurrection that overflows is usable for ever, not never.
    let kept = ttl(10).with_resurrect_ttl(Duration::MAX);
    assert_eq!(facts.usable_until(&kept), Moment::MAX);
}

#[test]
fn an_earlier_attempt_never_replaces_a_later_one() {
    let mut facts = after(&[Fetched(10, 12, "new", hard_end(50))]);
    assert!(!tell(&mut facts, Fetched(9, 13, "old", NONE)));
    assert!(!tell(&mut facts, Unchanged(9, 13, hint(1))));
    assert!(!tell(&mut facts, Fails(9, 13, Missing, 0)));
    assert_eq!(facts.last(), Some(&"new"));
    assert_eq!((facts.fetched_at(), facts.failed()), (Some(at(10)), None));
    // Of two that began at once, the one told later counts as later.
    assert!(tell(&mut facts, Fetched(10, 14, "again", NONE)));
    assert_eq!((facts.last(), facts.hard_end()), (Some(&"again"), None));
    assert!(tell(&mut facts, Fails(10, 14, Denied, 20)));
    assert!(tell(&mut facts, Fetched(10, 15, "third", NONE)));
    assert!(facts.failed().is_none());
}

#[test]
fn a_failure_outlives_the_success_of_an_earlier_attempt() {
    let drop = ttl(300).with_on_missing(Reaction::Drop);
    let mut facts = after(&[Fetched(0, 1, "v", NONE), Fails(12, 15, Missing, 0)]);
    assert!(tell(&mut facts, Fetched(10, 20, "w", NONE)));
    assert_eq!(facts.last(), Some(&"w"));
    assert_eq!(facts.failed().map(Failed::class), Some(Missing));
    assert!(facts.lookup(at(20), &ttl(300)).is_fresh());
    assert_eq!(name(&facts.lookup(at(20), &drop)), "Missing");

    // Of two failures, one may be settled by it.
    let events = [
        Fetched(0, 1, "v", NONE),
        Fails(8, 9, Missing, 0),
        Fails(12, 15, Unavailable, 99),
    ];
    let mut two = after(&events);
    assert_eq!(two.lookup(at(15), &drop).value(), None);
    tell(&mut two, Fetched(10, 20, "w", NONE));
    assert_eq!(two.lookup(at(20), &drop).value(), Some(&"w"));
    assert_eq!(two.failed().map(Failed::class), Some(Unavailable));

    // Both attempts began before the one that succeeds: nothing of them is left.
    assert!(tell(&mut facts, Fetched(12, 21, "x", NONE)));
    assert!(facts.failed().is_none());
}

#[test]
fn a_late_definite_answer_counts_behind_a_later_failure() {
    let drop = ttl(300).with_on_denied(Reaction::Drop);
    let mut facts = after(&[Fetched(0, 1, "v", NONE), Fails(12, 13, Unavailable, 14)]);
    assert!(tell(&mut facts, Fails(10, 15, Denied, 99)));
    let failed = facts.failed().unwrap();
    assert_eq!((failed.class(), failed.count()), (Unavailable, 2));
    assert_eq!(facts.lookup(at(15), &drop).value(), None);
    // A success that began between the two brings the value back, but not the failure away.
    assert!(tell(&mut facts, Fetched(11, 16, "w", NONE)));
    assert_eq!(facts.lookup(at(16), &drop).value(), Some(&"w"));
    assert_eq!(facts.failed().map(Failed::class), Some(Unavailable));
}

#[test]
fn unchanged_renews_age_and_keeps_what_it_does_not_mention() {
    let mut facts = Told::new();
    assert!(
        !tell(&mut facts, Unchanged(0, 0, NONE)),
        "there is nothing to renew"
    );
    assert_eq!(facts.last(), None);
    let policy = Policy::default();
    tell(
        &mut facts,
        Fetched(0, 1, "v", hint(100).with_hard_end(secs(400))),
    );
    tell(&mut facts, Fails(80, 81, Unavailable, 90));
    assert!(tell(&mut facts, Unchanged(90, 91, NONE)));
    assert_eq!(
        (facts.fetched_at(), facts.last()),
        (Some(at(90)), Some(&"v"))
    );
    assert!(facts.failed().is_none());
    assert_eq!(facts.fresh_until(&policy), at(190));
    assert_eq!(facts.hard_end(), Some(at_millis(399_900)));
    assert!(tell(
        &mut facts,
        Unchanged(100, 101, hard_end(400).with_ttl_hint(secs(50)))
    ));
    assert_eq!(facts.fresh_until(&policy), at(150));
    assert_eq!(facts.hard_end(), Some(at_millis(499_900)));
}

#[test]
fn failures_are_counted_until_one_succeeds() {
    let mut facts = Told::new();
    for n in 1..5 {
        tell(
            &mut facts,
            Fails(u64::from(n), u64::from(n), Unavailable, 9),
        );
        assert_eq!(facts.failed().map(Failed::count), Some(n));
    }
    let failed = facts.failed().unwrap();
    assert_eq!((failed.started(), failed.finished()), (at(4), at(4)));
    tell(&mut facts, Fetched(5, 5, "v", NONE));
    tell(&mut facts, Fails(6, 6, Unavailable, 9));
    assert_eq!(facts.failed().map(Failed::count), Some(1));
}

#[test]
fn of_two_failures_that_began_at_once_the_later_told_is_the_last() {
    let mut facts = after(&[Fails(5, 6, Unavailable, 9)]);
    tell(&mut facts, Fails(5, 7, Denied, 9));
    assert_eq!(facts.failed().map(Failed::class), Some(Denied));
    tell(&mut facts, Fails(4, 8, Unavailable, 9));
    assert_eq!(facts.failed().map(Failed::class), Some(Denied));
}

#[test]
fn an_attempt_that_fails_as_ttl_ends_is_one_since() {
    let see = |finished| {
        let facts = after(&[Fetched(0, 1, "v", NONE), Fails(9, finished, Denied, 11)]);
        name(&facts.lookup(at(12), &ttl(10)))
    };
    assert_eq!((see(9).as_str(), see(10).as_str()), ("Overdue", "Stale"));
}

#[test]
fn a_start_in_the_future_is_now() {
    let facts = after(&[Fetched(900, 100, "v", NONE)]);
    assert_eq!(facts.fetched_at(), Some(at(100)));
    assert_eq!(facts.fresh_until(&ttl(10)), at(110));
}

#[test]
fn facts_cost_four_words_and_the_value() {
    assert!(size_of::<Facts<NonZeroU64, [u64; 9]>>() <= 5 * 8);
    assert!(size_of::<Facts<u64>>() <= 6 * 8);
}

/// The original's table of lives and due times, with what is done here.
#[test]
fn lives_are_exactly_ttl_and_resurrect_ttl() {
    let check = |policy: Policy, terms: Terms, fresh: u64, usable: u64| {
        let facts = after(&[Fetched(0, 0, "v", terms)]);
        let got = (facts.fresh_until(&policy), facts.usable_until(&policy));
        assert_eq!(got, (at(fresh), at(usable)), "{policy:?} {terms:?}");
    };
    let both = |a, b| ttl(a).with_resurrect_ttl(secs(b));
    check(both(300, 300), NONE, 300, 600);
    check(both(600, 600), NONE, 600, 1_200);
    check(both(300, 60), NONE, 300, 360);
    check(both(10, 20), NONE, 10, 30);
    check(ttl(21_600), NONE, 21_600, 100_021_600);
    check(Policy::default(), NONE, 300, 100_000_300);
    // What the store says of ttl: bounded, and of no weight beside a ttl that is set.
    let bounded = Policy::default()
        .with_min_ttl(secs(30))
        .with_max_ttl(secs(90));
    check(bounded, hint(10), 30, 100_000_030);
    check(bounded, hint(100), 90, 100_000_090);
    check(bounded, hint(0), 300, 100_000_300);
    check(both(10, 20), hint(100), 10, 30);
}

/// The original's settings, whose documents and behaviour differ, with what is done here.
#[test]
fn settings_mean_what_they_say() {
    let value = [Fetched(0, 0, "v", NONE)];
    // ttl 0: never old, never asked again, whatever the store hints.
    for terms in [NONE, hint(5)] {
        let facts = after(&[Fetched(0, 0, "v", terms)]);
        assert_eq!(facts.poll_timeout(&ttl(0), MOST), None);
        assert_eq!(name(&facts.lookup(at(1 << 30), &ttl(0))), "Fresh");
    }
    // A ttl below a minute is as exact as any other.
    assert_eq!(after(&value).poll_timeout(&ttl(5), 0), Some(at(4)));
    // resurrect_ttl 0: not usable past ttl, whether or not a refresh was tried.
    let none = ttl(10).with_resurrect_ttl(secs(0));
    check(
        none,
        &value,
        &[
            (9, "Due", "fresh v", "fresh v", true),
            (10, "Expired", "waits, else expired", "expired", true),
        ],
    );
    // A refresh starts a minute before ttl ends, however small resurrect_ttl is.
    let small = ttl(300).with_resurrect_ttl(secs(1));
    assert_eq!(after(&value).poll_timeout(&small, 0), Some(at(240)));
}

/// The original's table of states: each row that one value can live through.
#[test]
fn states_follow_each_other() {
    let policy = ttl(300).with_resurrect_ttl(secs(600));
    let see = |facts: &Told, now| name(&facts.lookup(at(now), &policy));
    let mut facts = Told::new();
    // Absent: a miss or an error is remembered with its class, then asked again.
    tell(&mut facts, Fails(0, 1, Unavailable, 5));
    assert_eq!(
        (see(&facts, 1).as_str(), see(&facts, 5).as_str()),
        ("Failed", "Absent")
    );
    tell(&mut facts, Fails(5, 6, Missing, 0));
    assert_eq!(
        (see(&facts, 6).as_str(), see(&facts, 65).as_str()),
        ("Missing", "Absent")
    );
    // Negative: the next success makes it fresh.
    tell(&mut facts, Fetched(65, 66, "v", NONE));
    assert_eq!(see(&facts, 66), "Fresh");
    // Fresh: a change of the value is not seen before the refresh; a forced one is taken at once.
    tell(&mut facts, Fetched(100, 101, "w", NONE));
    assert_eq!(
        (facts.last(), see(&facts, 101).as_str()),
        (Some(&"w"), "Fresh")
    );
    // Fresh, forced refresh fails: nothing is lost.
    tell(&mut facts, Fails(110, 111, Unavailable, 115));
    assert_eq!(see(&facts, 111), "Fresh");
    tell(&mut facts, Fetched(115, 116, "w", NONE));
    // Due: read, then refreshed or not.
    assert_eq!(
        (see(&facts, 354).as_str(), see(&facts, 355).as_str()),
        ("Fresh", "Due")
    );
    tell(&mut facts, Fails(355, 420, Missing, 0));
    assert_eq!(see(&facts, 420), "Stale");
    // Resurrected for the whole window, not a tick less.
    tell(&mut facts, Fails(900, 901, Missing, 0));
    assert_eq!(
        (see(&facts, 1_014).as_str(), see(&facts, 1_015).as_str()),
        ("Stale", "Expired")
    );
    tell(&mut facts, Fetched(1_020, 1_021, "x", NONE));
    assert_eq!(see(&facts, 1_021), "Fresh");
}
