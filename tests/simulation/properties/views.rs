//! What random stories are about: three secrets, four views of each, and a vault whose policy changes.

use std::time::Duration;

use perennial_backend::VaultSpec;

pub(super) fn reference(name: usize, view: usize) -> String {
    format!("{{vault://mine/{}/{}}}", NAMES[name], VIEWS[view].2)
}

pub(super) fn spec(policy: usize) -> VaultSpec {
    let (ttl, drops, settings) = POLICIES[policy];
    let mut spec = VaultSpec::named("mine", "aging")
        .unwrap()
        .with("ttl", ttl.as_secs().to_string());
    for (name, text) in settings {
        spec = spec.with(*name, *text);
    }
    if drops {
        spec = spec.with("on_missing", "drop").with("on_denied", "drop");
    }
    spec
}

pub(super) const TICK: Duration = Duration::from_secs(1);

pub(super) const NAMES: [&str; 3] = ["first", "second", "third"];

pub(super) const USER: usize = 0;
pub(super) const PASSWORD: usize = 1;

/// Member, ttl where it is the view's own, and how it is asked for.
pub(super) const VIEWS: [(usize, Option<Duration>, &str); 4] = [
    (USER, None, "user"),
    (PASSWORD, None, "password"),
    (
        USER,
        Some(Duration::from_secs(20)),
        "user?ttl=20&resurrect_ttl=30&neg_ttl=3",
    ),
    (PASSWORD, Some(Duration::from_secs(60)), "password?ttl=60"),
];

/// Ttl, whether definite answers cost a value, and other settings.
#[expect(clippy::type_complexity, reason = "a table")]
pub(super) const POLICIES: [(Duration, bool, &[(&str, &str)]); 4] = [
    (Duration::from_secs(300), false, &[]),
    (
        Duration::from_secs(45),
        false,
        &[("resurrect_ttl", "100"), ("neg_ttl", "0")],
    ),
    (Duration::from_secs(120), true, &[]),
    (
        Duration::from_secs(10),
        false,
        &[("refresh_ahead", "0"), ("timeout", "3s")],
    ),
];
