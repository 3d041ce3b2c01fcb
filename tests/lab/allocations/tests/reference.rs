//! What reading a reference allocates.

use allocations::count;
use perennial_reference::{Ref, Reference};

fn check(text: &str, allocates: bool) {
    let (count, reference) = count(|| Ref::parse(text));
    assert!(reference.is_ok(), "{reference:?}");
    assert_eq!(count > 0, allocates, "{text}: {count}");
}

#[test]
fn a_reference_that_needs_no_decoding_is_read_without_allocating() {
    check("{vault://env/token}", false);
    check(
        "{vault://aws/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}",
        false,
    );
    check("{vault://hcv-certs/a/b/c/web-site/#2}", false);
    check("{vault://aws/db/password#v:EXAMPLE1-90ab-cdef}", false);
    check("{vault://aws/db#stage:AWSPREVIOUS}", false);
    check(
        "{vault://aws/app?key=tls/cert&base64_decode&coerce=scalar}",
        false,
    );
    check(
        "{vault://aws/app?pointer=/users/0/name&ttl=0.5&refresh_ahead=5m}",
        false,
    );
    check(
        "{vault://env/token?prefix=app_&region=eu-west-1&fresh&zone=b}",
        false,
    );
    check("{vault://env/ключ/€}", false);
}

#[test]
fn looking_at_the_parts_does_not_allocate() {
    let text = "{vault://aws/db/password?region=eu-west-1&ttl=600&fresh#3}";
    let reference = Ref::parse(text).unwrap();
    let (count, others) = count(|| {
        assert_eq!((reference.vault(), reference.resource()), ("aws", "db"));
        assert!(reference.key().is_some() && reference.version().is_some());
        assert!(reference.options().ttl().is_some() && reference.pointer().is_none());
        reference.options().others().count()
    });
    assert_eq!((count, others), (0, 2));
}

/// Shows that the count is a count.
#[test]
fn what_is_decoded_or_owned_is_allocated() {
    check("{vault://env/a%20b}", true);
    check("{vault://env/a//b//c}", true);
    check("{vault://env/a?pointer=/x+y}", true);
    assert!(count(|| Reference::parse("{vault://env/token}")).0 > 0);
}

#[test]
fn a_plus_in_the_path_and_an_escape_elsewhere_cost_the_path_nothing() {
    check("{vault://env/a+b}", false);
    let (count, reference) = count(|| Ref::parse("{vault://env/a/b?pointer=/x%20y}"));
    assert_eq!((count, reference.is_ok()), (1, true));
}
