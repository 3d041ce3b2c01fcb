//! Looking up a fresh value, beside the least that any such check must do.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use perennial_cache::{Facts, Policy, Terms};
use perennial_clock::Moment;

fn lookup(c: &mut Criterion) {
    let at = |secs: u64| Moment::from_nanos(secs * 1_000_000_000);
    let policy = Policy::default().with_ttl(Duration::from_secs(300));
    let mut facts: Facts<u64> = Facts::new();
    facts.handle_fetched(at(1), at(1), 42, Terms::default());
    let valid_until = facts.fresh_until(&policy);

    let mut group = c.benchmark_group("fresh");
    group.bench_function("floor: load two words and compare", |b| {
        b.iter(|| *black_box(&at(2)) < *black_box(&valid_until));
    });
    group.bench_function("lookup", |b| {
        b.iter(|| {
            black_box(&facts)
                .lookup(black_box(at(2)), black_box(&policy))
                .is_fresh()
        });
    });
    group.bench_function("fresh_until", |b| {
        b.iter(|| black_box(&facts).fresh_until(black_box(&policy)));
    });
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);
