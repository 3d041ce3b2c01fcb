//! The defects of the original's cache: for each the test that shows that it is not here, or the
//! reason why it cannot be.
//!
//! A test tells one story twice: to the real machine, which must pass, and to one that carries the
//! defect, which must not. `cargo xtask tidy defects` checks that no row lacks its test.

#![cfg(test)]

mod machine;
mod original;

use std::time::Duration;

use perennial_cache::{FailureClass, Policy};

use Answer::{Reason, Test};
use machine::{Machine, Real};
use original::Original;

/// What there is to say about a defect.
enum Answer {
    /// The test of this name fails where the defect is.
    Test(&'static str),
    /// It cannot occur.
    Reason(&'static str),
}

const DEFECTS: &[(u8, Answer)] = &[
    (1, Test("every_value_has_a_deadline_of_its_own")),
    (
        2,
        Reason("there is no pass over many values: each is told of its own attempts only"),
    ),
    (3, Test("resurrect_ttl_counts_from_the_end_of_ttl")),
    (4, Test("a_small_resurrect_ttl_costs_nothing_inside_ttl")),
    (5, Test("every_reader_gets_the_same_answer")),
    (6, Test("missing_is_asked_for_again_exactly_after_neg_ttl")),
    (7, Test("failures_keep_their_class")),
    (8, Test("a_stale_value_says_so_and_why")),
    (9, Test("a_failed_forced_refresh_costs_nothing")),
    (
        10,
        Test("a_forced_refresh_is_taken_inside_ttl_and_without_ttl"),
    ),
    (
        11,
        Reason(
            "the machine fetches nothing: it says that a fetch is wanted, and the caller shares it",
        ),
    ),
    (
        12,
        Reason("the machine has no timer: what nobody asks for a deadline is not polled"),
    ),
    (
        13,
        Reason(
            "it holds one value of any size: nothing is full, so nothing that was fetched is refused",
        ),
    ),
    (14, Test("every_read_inside_the_back_off_gets_the_error")),
    (
        15,
        Reason("there are no keys to compute, and no state outside of one value's own"),
    ),
    (
        16,
        Reason("there are no keys: which references mean the same is known before the cache"),
    ),
    (17, Test("nothing_that_is_shown_quotes_the_secret")),
    (18, Test("no_value_is_never_an_empty_value")),
    (
        19,
        Reason("it lives in memory by design: a restart asks the store, whose failure is an error"),
    ),
    (20, Test("a_ttl_counts_whatever_store_the_value_is_from")),
    (
        21,
        Reason("there is one level: nothing is parsed, merged or hashed on a read"),
    ),
    (
        22,
        Reason("a value is replaced whole, in one call without a point to yield at"),
    ),
    (
        23,
        Reason("it knows no clients: those are built from snapshots, by their owner"),
    ),
];

type Outcome = Result<(), String>;
type Make<'a> = &'a dyn Fn(Policy) -> Box<dyn Machine>;

/// Tells the story to the real machine and to one with the defect.
fn check(defect: u8, story: fn(Make<'_>) -> Outcome) {
    let listed = DEFECTS
        .iter()
        .any(|(number, answer)| *number == defect && matches!(answer, Test(_)));
    assert!(listed, "defect {defect} has no test in the table");
    if let Err(why) = story(&|policy| Box::new(Real::new(policy))) {
        panic!("{why}");
    }
    let broken = story(&|policy| Box::new(Original::new(defect, policy)));
    assert!(
        broken.is_err(),
        "a machine with defect {defect} passes: the test shows nothing"
    );
}

/// Ends the story unless both sides are equal.
macro_rules! same {
    ($left:expr, $right:expr) => {
        match ($left, $right) {
            (left, right) if left != right => {
                let what = stringify!($left);
                return Err(format!("{what} is {left:?}, not {right:?}"));
            }
            _ => {}
        }
    };
}

fn ttl(n: u64) -> Policy {
    Policy::default().with_ttl(Duration::from_secs(n))
}

fn resurrecting(n: u64, resurrect: u64) -> Policy {
    ttl(n).with_resurrect_ttl(Duration::from_secs(resurrect))
}

#[test]
fn every_defect_is_answered_once() {
    let numbers: Vec<_> = DEFECTS.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=23).collect::<Vec<_>>());
    for (number, answer) in DEFECTS {
        let (Test(text) | Reason(text)) = answer;
        assert!(!text.is_empty(), "{number}");
    }
}

#[test]
fn every_value_has_a_deadline_of_its_own() {
    check(1, |make| {
        for n in [1, 7, 50, 61, 3_600] {
            let mut machine = make(ttl(n).with_refresh_ahead(Duration::ZERO));
            machine.fetched(13, 13, "v");
            same!(machine.due(0), Some((13 + n) * 1_000));
            same!(machine.due(u16::MAX) < machine.due(0), true);
        }
        Ok(())
    });
}

#[test]
fn resurrect_ttl_counts_from_the_end_of_ttl() {
    check(3, |make| {
        let mut machine = make(resurrecting(300, 600));
        machine.fetched(0, 0, "v");
        machine.failed(300, 300, FailureClass::Unavailable, 5_000);
        same!(machine.read(0, 899).value.as_deref(), Some("v"));
        same!(machine.read(0, 900).value, None);
        Ok(())
    });
}

#[test]
fn a_small_resurrect_ttl_costs_nothing_inside_ttl() {
    check(4, |make| {
        let mut machine = make(resurrecting(300, 60));
        machine.fetched(0, 0, "v");
        same!(machine.due(0), Some(240_000));
        machine.failed(245, 240, FailureClass::Unavailable, 5_000);
        same!(machine.read(0, 299).value.as_deref(), Some("v"));
        same!(machine.read(0, 299).fresh, true);
        same!(machine.read(0, 359).value.as_deref(), Some("v"));
        Ok(())
    });
}

#[test]
fn every_reader_gets_the_same_answer() {
    check(5, |make| {
        let mut machine = make(resurrecting(2, 6));
        machine.fetched(0, 0, "old");
        machine.fetched(2, 2, "new");
        for now in 2..12 {
            let first = machine.read(0, now);
            same!(first, machine.read(1, now));
        }
        Ok(())
    });
}

#[test]
fn missing_is_asked_for_again_exactly_after_neg_ttl() {
    check(6, |make| {
        for neg_ttl in [5, 60, 600] {
            let mut machine = make(ttl(300).with_neg_ttl(Duration::from_secs(neg_ttl)));
            machine.failed(1, 0, FailureClass::Missing, 0);
            same!(machine.due(u16::MAX), Some(neg_ttl * 1_000));
            same!(machine.read(0, neg_ttl - 1).fetch, false);
            same!(machine.read(0, neg_ttl).fetch, true);
        }
        Ok(())
    });
}

#[test]
fn failures_keep_their_class() {
    check(7, |make| {
        for class in [
            FailureClass::Missing,
            FailureClass::Denied,
            FailureClass::Throttled,
            FailureClass::Unavailable,
            FailureClass::Invalid,
        ] {
            let mut machine = make(ttl(10));
            machine.failed(1, 1, class, 50);
            same!(machine.read(0, 2).problem, Some(class));
            machine.fetched(60, 60, "v");
            machine.failed(71, 71, class, 100);
            same!(machine.read(0, 72).problem, Some(class));
        }
        Ok(())
    });
}

#[test]
fn a_stale_value_says_so_and_why() {
    check(8, |make| {
        let mut machine = make(resurrecting(10, 100));
        machine.fetched(0, 0, "v");
        machine.failed(11, 10, FailureClass::Denied, 50);
        let seen = machine.read(0, 20);
        same!(seen.value.as_deref(), Some("v"));
        same!(seen.fresh, false);
        same!(seen.age, Some(20));
        same!(seen.problem, Some(FailureClass::Denied));
        Ok(())
    });
}

#[test]
fn a_failed_forced_refresh_costs_nothing() {
    check(9, |make| {
        for n in [0, 300] {
            let mut machine = make(ttl(n));
            machine.fetched(0, 0, "v");
            machine.failed(100, 99, FailureClass::Unavailable, 101);
            machine.failed(120, 119, FailureClass::Denied, 121);
            let seen = machine.read(0, 130);
            same!(seen.value.as_deref(), Some("v"));
            same!(seen.fresh, true);
        }
        Ok(())
    });
}

#[test]
fn a_forced_refresh_is_taken_inside_ttl_and_without_ttl() {
    check(10, |make| {
        for n in [0, 300] {
            let mut machine = make(ttl(n));
            machine.fetched(0, 0, "old");
            machine.fetched(10, 9, "new");
            same!(machine.read(0, 10).value.as_deref(), Some("new"));
        }
        Ok(())
    });
}

#[test]
fn every_read_inside_the_back_off_gets_the_error() {
    check(14, |make| {
        let mut machine = make(ttl(300));
        machine.failed(0, 0, FailureClass::Unavailable, 60);
        for now in [1, 2, 59] {
            same!(
                machine.read(0, now).problem,
                Some(FailureClass::Unavailable)
            );
        }
        Ok(())
    });
}

#[test]
fn nothing_that_is_shown_quotes_the_secret() {
    check(17, |make| {
        let mut machine = make(ttl(10));
        machine.fetched(0, 0, "hunter2");
        machine.failed(11, 10, FailureClass::Invalid, 50);
        for now in [0, 20, 1 << 30] {
            same!(machine.shown(now).contains("hunter2"), false);
        }
        Ok(())
    });
}

#[test]
fn no_value_is_never_an_empty_value() {
    check(18, |make| {
        let mut machine = make(resurrecting(10, 10));
        same!(machine.read(0, 0).value, None);
        machine.failed(0, 0, FailureClass::Missing, 0);
        same!(machine.read(0, 1).value, None);
        machine.fetched(70, 70, "v");
        same!(machine.read(0, 1_000).value, None);
        // Which takes nothing from a secret that is empty.
        machine.fetched(2_000, 2_000, "");
        same!(machine.read(0, 2_001).value.as_deref(), Some(""));
        Ok(())
    });
}

#[test]
fn a_ttl_counts_whatever_store_the_value_is_from() {
    check(20, |make| {
        let mut machine = make(resurrecting(10, 20));
        machine.fetched(0, 0, "v");
        same!(machine.due(0), Some(8_000));
        same!(machine.read(0, 10).fresh, false);
        Ok(())
    });
}
