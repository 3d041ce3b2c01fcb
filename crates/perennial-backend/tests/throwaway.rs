//! Two backends that exist only here, to show that the contract can say what later ones need: one
//! lends credentials under a parent token, the other pushes changes and can be written.

#![cfg(test)]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use perennial_backend::{
    Backend, BoxFuture, Capabilities, Cause, Changes, Clock, Context, Error, ErrorKind, Expected,
    Facets, Fetched, Hint, Hints, Lease, Leases, Members, Moment, Numbering, Payload, Promote,
    Purpose, Put, Request, Runtime, Secret, Selector, UnixTime, Upkeep, Version, VersionState,
    VersionedWriter, async_trait,
};

#[derive(Debug, Default)]
struct StillClock(Mutex<Duration>);

impl Clock for StillClock {
    fn now(&self) -> Moment {
        Moment::ORIGIN + *self.0.lock().unwrap()
    }

    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(1_000).saturating_add(*self.0.lock().unwrap())
    }
}

#[derive(Debug, Default)]
struct Bench {
    clock: StillClock,
}

impl Runtime for Bench {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        *self.clock.0.lock().unwrap() = at.since(Moment::ORIGIN);
        Box::pin(async {})
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        work();
        Box::pin(async {})
    }

    fn random(&self) -> u64 {
        4
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn context() -> Context {
    Context::new(
        Arc::new(Bench::default()),
        Moment::ORIGIN + Duration::from_secs(10),
    )
}

/// Makes a database user for each read, lent under a login of its own.
#[derive(Debug, Default)]
struct Lender {
    state: Mutex<LenderState>,
}

#[derive(Debug, Default)]
struct LenderState {
    users: u32,
    leases: BTreeMap<String, Duration>,
    login_ends: Option<Moment>,
}

#[async_trait]
impl Backend for Lender {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new().with_effects()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        if request.purpose() == Purpose::Check {
            return Ok(Fetched::members(Members::new()));
        }
        let mut state = self.state.lock().unwrap();
        state
            .login_ends
            .get_or_insert(cx.now() + Duration::from_secs(600));
        state.users += 1;
        let id = format!("lease-{}", state.users);
        state.leases.insert(id.clone(), Duration::from_secs(60));
        let members: Members = [
            ("username", Secret::new(format!("app-{}", state.users))),
            ("password", Secret::new("pa55")),
        ]
        .into_iter()
        .collect();
        let lease = Lease::new(id.clone(), Duration::from_secs(60))
            .renewable()
            .with_max(Duration::from_secs(3600));
        Ok(Fetched::members(members)
            .with_version(Version::new(id))
            .with_hard_end(lease.duration())
            .with_lease(lease))
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_leases(self).with_upkeep(self)
    }
}

#[async_trait]
impl Leases for Lender {
    async fn renew(&self, _cx: &Context, lease: &Lease, wanted: Duration) -> Result<Lease, Error> {
        let mut state = self.state.lock().unwrap();
        let Some(held) = state.leases.get_mut(lease.id()) else {
            return Err(Error::new(ErrorKind::NotFound, "the lease has ended"));
        };
        *held = wanted.min(Duration::from_secs(90));
        Ok(Lease::new(lease.id(), *held).renewable())
    }

    async fn revoke(&self, _cx: &Context, lease: &Lease) -> Result<(), Error> {
        self.state.lock().unwrap().leases.remove(lease.id());
        Ok(())
    }
}

#[async_trait]
impl Upkeep for Lender {
    fn due(&self) -> Option<Moment> {
        self.state
            .lock()
            .unwrap()
            .login_ends
            .map(|end| end - Duration::from_secs(300))
    }

    async fn upkeep(&self, cx: &Context) -> Result<(), Error> {
        self.state.lock().unwrap().login_ends = Some(cx.now() + Duration::from_secs(600));
        Ok(())
    }
}

#[test]
fn a_backend_that_lends_can_say_all_it_needs() {
    let lender: Arc<dyn Backend> = Arc::new(Lender::default());
    let cx = context();
    let request = Request::new("database/creds/app");

    let check = now(lender.fetch(&cx, &request.clone().with_purpose(Purpose::Check))).unwrap();
    assert!(check.lease().is_none());
    let facets = lender.facets();
    let upkeep = facets.upkeep().unwrap();
    assert_eq!(upkeep.due(), None);

    let fetched = now(lender.fetch(&cx, &request)).unwrap();
    let lease = fetched.lease().unwrap();
    assert!(lease.is_renewable());
    assert_eq!(lease.max(), Some(Duration::from_secs(3600)));
    let Payload::Members(members) = fetched.payload() else {
        panic!("not members")
    };
    assert_eq!(
        members.member("username").unwrap().unwrap().expose(),
        b"app-1"
    );
    assert!(members.member("nobody").is_none());

    let leases = facets.leases().unwrap();
    let longer = now(leases.renew(&cx, lease, Duration::from_secs(600))).unwrap();
    assert_eq!(longer.duration(), Duration::from_secs(90));
    now(leases.revoke(&cx, &longer)).unwrap();
    now(leases.revoke(&cx, &longer)).unwrap();
    let gone = now(leases.renew(&cx, &longer, Duration::from_secs(600))).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);

    assert_eq!(
        upkeep.due(),
        Some(Moment::ORIGIN + Duration::from_secs(300))
    );
    now(cx.sleep(Duration::from_secs(5)));
    now(upkeep.upkeep(&cx)).unwrap();
    assert_eq!(
        upkeep.due(),
        Some(Moment::ORIGIN + Duration::from_secs(305))
    );
    assert_eq!(cx.remaining(), Duration::from_secs(5));
}

/// Keeps versions, can be written, and tells of what changes.
#[derive(Clone, Debug, Default)]
struct Announcer {
    state: Arc<Mutex<AnnouncerState>>,
}

#[derive(Debug, Default)]
struct AnnouncerState {
    versions: Vec<Secret>,
    current: usize,
    hints: Vec<Hint>,
    tokens: Vec<(String, usize)>,
    watched: Vec<String>,
}

#[async_trait]
impl Backend for Announcer {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
            .with_numbering(Numbering::Provider)
            .with_max_batch(20)
    }

    async fn fetch(&self, _cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let state = self.state.lock().unwrap();
        let number = match request.selector() {
            Selector::Number(number) => usize::try_from(*number).unwrap_or(usize::MAX),
            _ => state.current,
        };
        let Some(secret) = number
            .checked_sub(1)
            .and_then(|index| state.versions.get(index))
        else {
            let cause = Cause::new().with_code("NoSuchVersion").with_status(404);
            return Err(Error::new(ErrorKind::NotFound, "no such version").with_cause(cause));
        };
        let version = Version::new(number.to_string());
        if request.known_version() == Some(&version) {
            return Ok(Fetched::unchanged(version));
        }
        Ok(Fetched::secret(secret.clone())
            .with_version(version)
            .with_alias("urn:toy:secret"))
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_changes(self).with_writer(self)
    }
}

#[async_trait]
impl Changes for Announcer {
    async fn subscribe(&self, _cx: &Context) -> Result<Box<dyn Hints>, Error> {
        Ok(Box::new(self.clone()))
    }

    fn watch(&self, resource: &str) {
        self.state.lock().unwrap().watched.push(resource.to_owned());
    }
}

#[async_trait]
impl Hints for Announcer {
    async fn next(&mut self) -> Option<Hint> {
        poll_fn(|_| Poll::Ready(self.state.lock().unwrap().hints.pop())).await
    }
}

#[async_trait]
impl VersionedWriter for Announcer {
    async fn put(&self, _cx: &Context, request: &Put) -> Result<Version, Error> {
        let mut state = self.state.lock().unwrap();
        if *request.expected() == Expected::Nothing && !state.versions.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidReference,
                "the secret exists already",
            ));
        }
        let seen = |(token, _): &&(String, usize)| Some(token.as_str()) == request.token();
        if let Some((_, number)) = state.tokens.iter().find(seen) {
            return Ok(Version::new(number.to_string()));
        }
        state.versions.push(request.secret().clone());
        let number = state.versions.len();
        state
            .tokens
            .extend(request.token().map(|token| (token.to_owned(), number)));
        Ok(Version::new(number.to_string()))
    }

    async fn promote(&self, _cx: &Context, request: &Promote) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        state.current = request.version().id().parse().unwrap();
        state.hints.push(Hint::Resource(request.resource().into()));
        Ok(())
    }

    async fn retire(&self, _cx: &Context, _resource: &str, _: &Version) -> Result<(), Error> {
        Ok(())
    }

    async fn versions(
        &self,
        _cx: &Context,
        _resource: &str,
    ) -> Result<Vec<(Version, VersionState)>, Error> {
        let state = self.state.lock().unwrap();
        let list = (1..=state.versions.len()).rev().map(|number| {
            let standing = match number.cmp(&state.current) {
                std::cmp::Ordering::Less => VersionState::Previous,
                std::cmp::Ordering::Equal => VersionState::Current,
                std::cmp::Ordering::Greater => VersionState::Pending,
            };
            (Version::new(number.to_string()), standing)
        });
        Ok(list.collect())
    }
}

#[test]
fn a_backend_that_pushes_and_is_written_can_say_all_it_needs() {
    let store = Announcer::default();
    let backend: Arc<dyn Backend> = Arc::new(store.clone());
    let cx = context();
    let changes = backend.facets().changes().unwrap();
    let writer = backend.facets().writer().unwrap();
    let mut hints = now(changes.subscribe(&cx)).unwrap();
    changes.watch("key");
    changes.unwatch("key");

    let once = Put::new("key", Secret::new("one")).with_expected(Expected::Nothing);
    let first = now(writer.put(&cx, &once)).unwrap();
    let promote = Promote::new("key", first.clone()).with_expected(Expected::Anything);
    now(writer.promote(&cx, &promote)).unwrap();
    assert_eq!(now(hints.next()), Some(Hint::Resource("key".into())));
    assert_eq!(now(hints.next()), None);
    assert!(now(writer.put(&cx, &once)).is_err());

    let held = now(backend.fetch(&cx, &Request::new("key"))).unwrap();
    assert_eq!(held.aliases().collect::<Vec<_>>(), ["urn:toy:secret"]);
    let again = Request::new("key").with_known_version(held.version().unwrap().clone());
    let unchanged = now(backend.fetch(&cx, &again)).unwrap();
    assert!(matches!(unchanged.payload(), Payload::Unchanged));

    let again = Put::new("key", Secret::new("two"))
        .with_expected(Expected::Version(first.clone()))
        .with_token("write-1");
    let second = now(writer.put(&cx, &again));
    assert_eq!(
        now(writer.put(&cx, &again)).unwrap(),
        *second.as_ref().unwrap(),
        "written once"
    );
    let listed = now(writer.versions(&cx, "key")).unwrap();
    assert_eq!(
        listed,
        [
            (second.unwrap(), VersionState::Pending),
            (first.clone(), VersionState::Current)
        ]
    );
    now(writer.retire(&cx, "key", &first)).unwrap();

    let missing = Request::new("key").with_selector(Selector::Number(9));
    let error = now(backend.fetch(&cx, &missing)).unwrap_err();
    assert_eq!(error.cause().unwrap().code(), Some("NoSuchVersion"));
}

#[test]
fn a_batch_without_an_override_is_read_one_by_one() {
    let store = Announcer::default();
    let cx = context();
    store
        .state
        .lock()
        .unwrap()
        .versions
        .push(Secret::new("one"));
    let requests = [
        Request::new("key").with_selector(Selector::Number(1)),
        Request::new("key").with_selector(Selector::Number(2)),
    ];
    let mut batch = perennial_backend::Batch::new(2);
    now(store.fetch_many(&cx, &requests, &mut batch));
    let answers = batch.into_answers();
    assert!(answers[0].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
}
