//! Budgets against a naive model, and breakers against what they promise, over random operations.

#![cfg(test)]

use std::cmp::Reverse;
use std::time::Duration;

use perennial_clock::Moment;
use perennial_rotation::{Breaker, Budget, Jitter, Pass, Start};
use proptest::prelude::*;

const NANOS: u64 = 1_000_000_000;
const HOUR: Duration = Duration::from_secs(3600);

/// Every call that was ever started, looked through from the start each time.
struct NaiveBudget {
    at_once: u32,
    rate: u64,
    starts: Vec<u64>,
    running: u32,
}

impl NaiveBudget {
    /// Returns whether one more call leaves every window that ends now within the limit.
    fn has_room(&self, now: u64) -> bool {
        let spacing = NANOS.div_ceil(self.rate);
        (0_u64..).zip(&self.starts).all(|(index, start)| {
            let calls = self.starts.len() as u64 - index + 1;
            calls <= self.rate + (now - start) / spacing
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_budget_does_what_a_naive_one_does(
        at_once in 1..6_u32,
        rate in prop_oneof![1..6_u32, Just(100), Just(997)],
        start in 0..10_u64.pow(12),
        steps in prop::collection::vec((0..3_000_000_000_u64, 0..9_u32, 0..9_u32), 1..40),
    ) {
        let mut budget = Budget::new(at_once, rate);
        let mut model = NaiveBudget { at_once, rate: u64::from(rate), starts: Vec::new(), running: 0 };
        let mut now = start;
        for (ahead, starts, ends) in steps {
            // Small steps are as likely as large ones.
            now += ahead >> (ahead % 32);
            for _ in 0..ends {
                budget.finish();
                model.running = model.running.saturating_sub(1);
            }
            for _ in 0..starts {
                let moment = Moment::from_nanos(now);
                match budget.start(moment) {
                    Start::Now => {
                        prop_assert!(model.running < model.at_once && model.has_room(now));
                        model.running += 1;
                        model.starts.push(now);
                    }
                    Start::WhenOneEnds => prop_assert_eq!(model.running, model.at_once),
                    Start::NotBefore(at) => {
                        prop_assert!(at > moment && !model.has_room(at.as_nanos() - 1));
                        prop_assert!(model.has_room(at.as_nanos()));
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
                prop_assert_eq!(budget.running(), model.running);
            }
        }
        // What is promised, without any rounding.
        for (first, from) in model.starts.iter().enumerate() {
            for (last, to) in model.starts.iter().enumerate().skip(first) {
                let calls = (last - first + 1) as u64;
                prop_assert!(calls * NANOS <= model.rate * NANOS + model.rate * (to - from));
            }
        }
    }

    /// Each call fails after its own while; the breaker is asked whenever there is room.
    #[test]
    fn an_outage_has_few_calls_however_they_interleave(
        at_once in 1..=8_usize,
        calls in prop::collection::vec((0..=10_000_u64, any::<u64>(), 0..40_u64), 64),
        hurry in any::<bool>(),
    ) {
        let mut breaker = Breaker::new();
        let mut now = Moment::ORIGIN;
        let mut ends: Vec<(Moment, Option<Duration>, Jitter)> = Vec::new();
        let mut starts: Vec<Moment> = Vec::new();
        let mut kinds = calls.iter().cycle();
        while now < Moment::ORIGIN + 3 * HOUR {
            let mut wake = None;
            while ends.len() < at_once {
                match breaker.pass(now) {
                    Pass::NotBefore(at) => {
                        prop_assert!(at > now && at <= now + HOUR);
                        wake = Some(at);
                        break;
                    }
                    _ => {
                        let (latency, random, pause) = kinds.next().unwrap();
                        let jitter = if hurry { Jitter::NONE } else { Jitter::new(*random) };
                        let pause = (*pause < 3).then(|| Duration::from_secs(*pause * 2));
                        starts.push(now);
                        ends.push((now + Duration::from_millis(*latency), pause, jitter));
                    }
                }
            }
            // The earliest end last.
            ends.sort_by_key(|(at, ..)| Reverse(*at));
            now = ends.last().map(|end| end.0).into_iter().chain(wake).min().unwrap();
            while let Some((_, pause, jitter)) = ends.pop_if(|end| end.0 <= now) {
                breaker.handle_failure(now, pause, jitter);
            }
        }
        for (first, from) in starts.iter().enumerate() {
            let within = starts.iter().skip(first).filter(|at| at.since(*from) < HOUR).count();
            prop_assert!(within <= 80 + at_once + 10, "{within}");
        }
        prop_assert!(starts.len() <= 3 * 80 + at_once + 10, "{}", starts.len());
    }

    /// Also after words that nobody should have said.
    #[test]
    fn a_breaker_never_gets_stuck(
        steps in prop::collection::vec((0..5_u8, 0..200_000_u64, any::<u64>()), 0..60),
    ) {
        let mut breaker = Breaker::new();
        let mut now = Moment::ORIGIN;
        for (what, millis, random) in steps {
            match what {
                0 | 1 => now = now + Duration::from_millis(millis),
                2 => drop(breaker.pass(now)),
                3 if random % 8 == 0 => breaker.handle_success(),
                3 => breaker.handle_abandoned(),
                _ => {
                    let pause = (random % 3 == 0).then(|| Duration::from_millis(millis * 50));
                    breaker.handle_failure(now, pause, Jitter::new(random));
                }
            }
            let Some(at) = breaker.poll_timeout() else {
                // Closed, or waiting for the end of a probe, which leads on whatever it is.
                let (mut failed, mut abandoned) = (breaker.clone(), breaker.clone());
                failed.handle_failure(now, None, Jitter::NONE);
                abandoned.handle_abandoned();
                let expected = if breaker.is_open() { Pass::Probe } else { Pass::Yes };
                prop_assert_eq!(abandoned.pass(now), expected);
                let next = failed.poll_timeout();
                prop_assert!(failed.is_open() == next.is_some() && next.is_none_or(|at| at > now));
                continue;
            };
            prop_assert!(at <= now + HOUR);
            let mut probed = breaker.clone();
            prop_assert_eq!(probed.pass(at.max(now)), Pass::Probe);
            let waits = matches!(probed.pass(at.max(now)), Pass::NotBefore(later) if later > at);
            prop_assert!(waits, "two probes at the same time");
            probed.handle_success();
            prop_assert_eq!(&probed, &Breaker::new());
        }
    }
}
