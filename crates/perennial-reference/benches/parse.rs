//! How long it takes to read a reference, against general parsers of URIs and against a scan
//! written by hand that finds the same parts and checks nothing.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use perennial_reference::{Ref, Reference};

/// The longest reference of the page that perennial was made after.
const LONGEST: &str = "{vault://aws/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}";
const ESCAPED: &str = "{vault://aws/%2Fteam%2Fmy%20secret/foo?ttl=600&prefix=a%26b}";

/// The parts of a reference, as slices that nobody looked at.
#[derive(Default)]
struct Scanned<'a> {
    vault: &'a [u8],
    resource: &'a [u8],
    key: &'a [u8],
    options: [(&'a [u8], &'a [u8]); 4],
    version: &'a [u8],
}

/// The floor: one pass over the bytes, with no checks beyond those that slices do themselves.
fn scan(text: &str) -> Option<Scanned<'_>> {
    let inner = text
        .strip_prefix("{vault://")?
        .strip_suffix('}')?
        .as_bytes();
    let mut found = Scanned::default();
    let mut at = inner.iter().position(|b| *b == b'/')?;
    found.vault = inner.get(..at)?;
    at += 1;
    let (path, mut last_slash) = (at, None);
    while let Some(byte) = inner.get(at) {
        match byte {
            b'/' => last_slash = Some(at),
            b'?' | b'#' => break,
            _ => {}
        }
        at += 1;
    }
    found.resource = inner.get(path..last_slash.unwrap_or(at))?;
    found.key = inner.get(last_slash.map_or(at, |slash| slash + 1)..at)?;
    if inner.get(at) == Some(&b'?') {
        let (mut name, mut equals, mut count) = (at + 1, None, 0);
        loop {
            at += 1;
            match inner.get(at) {
                Some(b'=') if equals.is_none() => equals = Some(at),
                None | Some(b'&' | b'#') => {
                    let split = equals.unwrap_or(at);
                    let value = inner.get((split + 1).min(at)..at)?;
                    *found.options.get_mut(count)? = (inner.get(name..split)?, value);
                    (name, equals, count) = (at + 1, None, count + 1);
                    if inner.get(at) != Some(&b'&') {
                        break;
                    }
                }
                Some(_) => {}
            }
        }
    }
    found.version = inner.get(at..)?;
    Some(found)
}

fn parse(c: &mut Criterion) {
    for (name, text) in [("longest", LONGEST), ("escaped", ESCAPED)] {
        // The general parsers know no braces.
        let uri = text.trim_matches(['{', '}']);
        let mut group = c.benchmark_group(name);
        group.bench_function("floor", |b| b.iter(|| scan(black_box(text))));
        group.bench_function("ref", |b| b.iter(|| Ref::parse(black_box(text))));
        group.bench_function("owned", |b| b.iter(|| Reference::parse(black_box(text))));
        group.bench_function("url", |b| b.iter(|| url::Url::parse(black_box(uri))));
        group.bench_function("http", |b| b.iter(|| black_box(uri).parse::<http::Uri>()));
        group.finish();
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
