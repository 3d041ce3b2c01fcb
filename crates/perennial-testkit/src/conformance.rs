//! The rules of the contract, one file each, and the macro that turns them into tests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use perennial_backend::{ErrorKind, Fetched, Payload, Request, Secret};

use crate::{Harness, Unable};

/// Why a rule did not hold.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The backend broke it.
    Broken(String),
    /// The store cannot be brought into the situation that it speaks of.
    Unable(Unable),
}

/// What checking a rule gives.
pub type Outcome = Result<(), Failure>;

/// One rule of the contract.
#[derive(Clone, Copy)]
pub struct Rule {
    name: &'static str,
    promise: &'static str,
    check: Check,
}

type Check = for<'a> fn(&'a dyn Harness) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

impl Rule {
    /// Returns its name, which is the name of its test as well.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it asks of a backend, in one sentence.
    #[must_use]
    pub const fn promise(&self) -> &'static str {
        self.promise
    }

    /// Checks it with a harness that nobody has used before.
    ///
    /// # Errors
    /// Fails if the backend breaks the rule, or if the harness cannot bring about what it needs.
    pub async fn check(&self, harness: &dyn Harness) -> Outcome {
        (self.check)(harness).await
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

macro_rules! rules {
    ($($name:ident: $promise:literal,)*) => {
        $(mod $name;)*

        /// Every rule, in the order in which they are documented.
        pub const RULES: &[Rule] = &[$(Rule {
            name: stringify!($name),
            promise: $promise,
            check: |harness| Box::pin($name::check(harness)),
        }),*];
    };
}

rules! {
    current_value_is_fetched: "The value comes byte for byte.",
    empty_value_is_a_value: "An empty value is a value, not a failure.",
    binary_value_is_kept: "Bytes that are no text come through, or are refused; they are never changed.",
    every_fetch_asks_the_store: "Nothing is cached: an update is seen by the next fetch.",
    missing_secret_is_not_found: "A secret that was never there is *not found*.",
    deleted_secret_is_not_found: "A secret that was deleted is *not found*.",
    denied_secret_is_permission_denied: "A secret that may not be read is *permission denied*.",
    outage_is_unavailable: "A store that is down is *unavailable* or *timed out*, and recovers.",
    hung_call_can_be_dropped: "A call of a hung store waits without blocking, and can be dropped.",
    dropped_call_leaves_backend_usable: "A call that is dropped at its first await costs nothing.",
    concurrent_calls_agree: "Calls from many tasks at once each get their own answer.",
    previous_version_is_fetched_or_refused: "The previous version comes, or is refused as unsupported.",
    pending_version_is_fetched_or_refused: "The pending version comes, or is refused as unsupported.",
    numbered_version_is_fetched_or_refused: "A numbered version comes, or is refused as unsupported.",
    identified_version_is_fetched_or_refused: "A version by id comes, or is refused as unsupported.",
    staged_version_is_fetched_or_refused: "A version by label comes, or is refused as unsupported.",
    unknown_version_is_not_found: "A version that never was is *not found*, never another one.",
    version_follows_the_value: "A new value has a new version id, an unchanged one keeps its id.",
    unchanged_only_if_known: "*Unchanged* answers only a request that names the version in force.",
    batch_gives_what_fetch_gives: "A batch answers each request as a single call would.",
    batch_failure_spoils_no_other: "One request of a batch that fails spoils no other.",
    members_come_from_one_read: "Several named values come whole, and by their names.",
    names_cannot_escape: "No name reads outside the place that the settings give.",
    check_has_no_effects: "A check causes no effect at the store.",
    secrets_stay_out_of_debug: "No byte of a secret is in an error or in `Debug`.",
    capabilities_are_constant: "What a backend declares is the same for its whole life.",
}

/// Runs one rule as a test.
///
/// # Panics
/// Panics if the rule is broken, if it could not be checked and is not in `cannot`, or if it is in
/// `cannot` although it could be checked.
#[expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "this is the body of a test"
)]
pub fn run<H, F>(name: &str, cannot: &[&str], start: impl FnOnce() -> F)
where
    H: Harness,
    F: Future<Output = H>,
{
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        panic!("there is no rule `{name}`");
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for the test: {error}"),
    };
    let outcome = runtime.block_on(async {
        let checked = async {
            let harness = start().await;
            rule.check(&harness).await
        };
        match tokio::time::timeout(TEST_LIMIT, checked).await {
            Ok(outcome) => outcome,
            Err(_) => broken(format!("no result within {TEST_LIMIT:?}")),
        }
    });
    let excused = cannot.contains(&name);
    match outcome {
        Ok(()) if excused => {
            panic!("{name}: holds, so take it off the list of what cannot be checked")
        }
        Ok(()) => {}
        Err(Failure::Unable(why)) if excused => println!("{name}: not checked: {why}"),
        Err(Failure::Unable(why)) => {
            panic!("{name}: not checked: {why}; if that is so for good, list it under `cannot`")
        }
        Err(Failure::Broken(why)) => panic!("rule `{name}` is not met: {}\n  {why}", rule.promise),
    }
}

impl From<Unable> for Failure {
    fn from(why: Unable) -> Self {
        Self::Unable(why)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) => f.write_str(why),
            Self::Unable(why) => write!(f, "not checked: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

/// How long one rule may take, starting the harness included.
const TEST_LIMIT: Duration = Duration::from_secs(60);

fn broken(why: impl Into<String>) -> Outcome {
    Err(Failure::Broken(why.into()))
}

/// Fails the rule unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return $crate::conformance::broken(format!($($why)+));
        }
    };
}
use ensure;

/// Fetches, and fails the rule with the backend's error if that fails.
async fn fetch(harness: &dyn Harness, request: &Request) -> Result<Fetched, Failure> {
    let fetched = harness.backend().fetch(&harness.context(), request).await;
    fetched.map_err(|error| {
        Failure::Broken(format!("{} cannot be fetched: {error}", request.resource()))
    })
}

/// Fetches the current version of a secret of one value.
async fn value(harness: &dyn Harness, request: &Request) -> Result<Secret, Failure> {
    match fetch(harness, request).await?.payload() {
        Payload::Secret(secret) => Ok(secret.clone()),
        _ => Err(Failure::Broken(format!(
            "{} has not exactly one value",
            request.resource()
        ))),
    }
}

/// Fetches and expects this value; the message does not repeat what came.
async fn expect_value(harness: &dyn Harness, request: &Request, expected: &[u8]) -> Outcome {
    let came = value(harness, request).await?;
    ensure!(
        came.expose() == expected,
        "{} ({}) did not bring the value that was written",
        request.resource(),
        request.selector()
    );
    Ok(())
}

/// Fetches and expects a failure of one of these kinds.
async fn expect_kind(harness: &dyn Harness, request: &Request, kinds: &[ErrorKind]) -> Outcome {
    match harness.backend().fetch(&harness.context(), request).await {
        Ok(_) => broken(format!(
            "{} ({}) was answered with a value, expected {kinds:?}",
            request.resource(),
            request.selector()
        )),
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => broken(format!(
            "{} ({}) failed with {:?} ({error}), expected {kinds:?}",
            request.resource(),
            request.selector(),
            error.kind()
        )),
    }
}

/// Turns the rules into tests of the backend that a harness brings.
///
/// `start` makes a harness; `cannot` lists the rules that its store cannot be brought to check, each
/// of which must then turn out to be so. A third argument, `ignore`, gives the reason for which
/// the tests are left out unless they are asked for, as those against a real server are.
///
/// ```ignore
/// perennial_testkit::conformance! {
///     start = MyHarness::start,
///     cannot = ["outage_is_unavailable"],
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    (start = $start:expr, cannot = [$($cannot:literal),* $(,)?] $(, ignore = $why:literal)? $(,)?) => {
        $crate::__conformance_tests! {
            ($start) ([$($cannot),*]) ($($why)?)
            current_value_is_fetched
            empty_value_is_a_value
            binary_value_is_kept
            every_fetch_asks_the_store
            missing_secret_is_not_found
            deleted_secret_is_not_found
            denied_secret_is_permission_denied
            outage_is_unavailable
            hung_call_can_be_dropped
            dropped_call_leaves_backend_usable
            concurrent_calls_agree
            previous_version_is_fetched_or_refused
            pending_version_is_fetched_or_refused
            numbered_version_is_fetched_or_refused
            identified_version_is_fetched_or_refused
            staged_version_is_fetched_or_refused
            unknown_version_is_not_found
            version_follows_the_value
            unchanged_only_if_known
            batch_gives_what_fetch_gives
            batch_failure_spoils_no_other
            members_come_from_one_read
            names_cannot_escape
            check_has_no_effects
            secrets_stay_out_of_debug
            capabilities_are_constant
        }
    };
}

/// The tests behind [`conformance!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($start:tt $cannot:tt $why:tt $($rule:ident)*) => {
        $($crate::__conformance_test! { $start $cannot $why $rule })*

        #[test]
        fn every_rule_has_a_test() {
            let tested = [$(stringify!($rule)),*];
            let rules: Vec<_> =
                $crate::conformance::RULES.iter().map(|rule| rule.name()).collect();
            assert_eq!(tested.as_slice(), rules);
        }
    };
}

/// One test behind [`conformance!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    (($start:expr) ($cannot:expr) () $rule:ident) => {
        #[test]
        fn $rule() {
            let cannot: &[&str] = &$cannot;
            $crate::conformance::run(stringify!($rule), cannot, $start);
        }
    };
    (($start:expr) ($cannot:expr) ($why:literal) $rule:ident) => {
        #[test]
        #[ignore = $why]
        fn $rule() {
            let cannot: &[&str] = &$cannot;
            $crate::conformance::run(stringify!($rule), cannot, $start);
        }
    };
}
