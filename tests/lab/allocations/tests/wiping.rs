//! What the memory of a secret holds when it is given back.

use allocations::freed_with;
use perennial_backend::{Fetched, Members, Secret};

const NEEDLE: [u8; 8] = *b"canary!!";

/// Text with the needle in it, made so that making it leaves no copy behind.
fn text() -> String {
    let mut text = String::with_capacity(64);
    text.push_str("pa55-");
    text.push_str("canary!!");
    text.push_str("-word");
    text
}

fn check(freed: usize, work: impl FnOnce()) {
    let (found, ()) = freed_with(NEEDLE, work);
    assert_eq!(found, freed);
}

#[test]
fn what_is_not_wiped_is_found() {
    check(1, || drop(text()));
    check(1, || drop(text().into_bytes()));
    check(1, || {
        let mut growing = text();
        growing.reserve_exact(4096);
        // The block that it had is found; this one is not given back while the test looks.
        std::mem::forget(growing);
    });
}

#[test]
fn a_secret_is_wiped_when_the_last_clone_goes() {
    check(0, || drop(Secret::new(text())));
    check(0, || {
        let first = Secret::new(text());
        let second = first.clone();
        drop(first);
        assert_eq!(second.expose(), text_without_trace());
        let third = second.clone();
        drop(second);
        drop(third);
    });
}

#[test]
fn spare_capacity_is_wiped_as_well() {
    check(0, || {
        let mut bytes = text().into_bytes();
        // The needle stays in the part of the buffer that is no longer in use.
        bytes.truncate(2);
        drop(Secret::new(bytes));
    });
}

#[test]
fn a_secret_is_wiped_wherever_it_is_held() {
    check(0, || {
        let members: Members = [("one", Secret::new(text()))].into_iter().collect();
        drop(Fetched::members(members));
        drop(Fetched::secret(Secret::new(text())));
        drop(Some(Secret::new(text())));
    });
}

#[test]
fn going_to_secrecy_and_back_leaves_nothing() {
    check(0, || {
        let theirs: secrecy::SecretString = Secret::new(text()).try_into().unwrap();
        let ours = Secret::from(theirs);
        let bytes: secrecy::SecretSlice<u8> = ours.into();
        drop(Secret::from(bytes));
    });
}

/// The expected bytes, in memory that is never given back.
fn text_without_trace() -> &'static [u8] {
    b"pa55-canary!!-word"
}
