//! Reading what is held, beside the least that such a read could cost.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, criterion_group, criterion_main};
use perennial_resolver::Resolver;
use perennial_testkit::ScriptedBackend;

/// As long as the references of a real configuration.
const REFERENCE: &str =
    "{vault://scripted/payments/production/database-credentials/password?ttl=86400}";

fn hit(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let store = ScriptedBackend::new();
    let name = "payments/production/database-credentials";
    store.put(
        name,
        r#"{"password":"0123456789012345678901234567890123456789"}"#,
    );
    let secrets = Resolver::builder()
        .backends(store.backends())
        .build()
        .unwrap();
    let handle = runtime.block_on(secrets.watch(REFERENCE)).unwrap();

    let mut group = c.benchmark_group("hit");
    let (now, until) = (AtomicU64::new(5), AtomicU64::new(u64::MAX));
    let floor = || now.load(Ordering::Acquire) < until.load(Ordering::Acquire);
    group.bench_function("floor: two moments compared", |b| {
        b.iter(|| black_box(floor()));
    });
    group.bench_function("load", |b| {
        b.iter(|| {
            handle
                .load()
                .map(|loaded| black_box(loaded.secret().expose().len()))
        });
    });
    group.bench_function("cached", |b| {
        b.iter(|| {
            let loaded = secrets.cached(black_box(REFERENCE));
            loaded.map(|loaded| black_box(loaded.secret().expose().len()))
        });
    });
    group.bench_function("get", |b| {
        b.iter(|| {
            runtime
                .block_on(secrets.get(black_box(REFERENCE)))
                .map(|value| black_box(value.secret().expose().len()))
        });
    });
    group.finish();
}

criterion_group!(benches, hit);
criterion_main!(benches);
