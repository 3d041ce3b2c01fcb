//! A store in memory that fails on demand.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use perennial_backend::{
    Backend, BackendType, Backends, Batch, Capabilities, Changes, Context, Error, ErrorKind,
    Facets, Fetched, Hint, Hints, Members, Numbering, Request, Secret, Selector, Settings, Version,
    async_trait,
};

use crate::Fault;
use crate::fault::meet;

/// A store of secrets in memory whose failures a test writes down. Clones are the same store.
///
/// Each secret has numbered versions, of which the last one put is current.
///
/// ```
/// use perennial_testkit::{Fault, ScriptedBackend};
///
/// let store = ScriptedBackend::new();
/// store.put("db/password", "first");
/// store.put("db/password", "second");
/// store.fault(Fault::outage()); // every call from now on
/// store.recover();
/// assert_eq!(store.calls(), 0);
/// ```
#[derive(Clone)]
pub struct ScriptedBackend {
    capabilities: Capabilities,
    is_quiet: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    secrets: BTreeMap<String, History>,
    denied: BTreeMap<String, Error>,
    standing: Option<Fault>,
    scripted: VecDeque<Fault>,
    requests: Vec<Request>,
    calls: usize,
    running: usize,
    most_running: usize,
    listeners: Vec<Listener>,
}

#[derive(Default)]
struct History {
    /// A version that was removed is `None`: its number is not given again.
    versions: Vec<Option<Stored>>,
    current: Option<usize>,
    previous: Option<usize>,
    facts: Facts,
}

#[derive(Clone)]
enum Stored {
    One(Secret),
    Several(Members),
}

/// The facts that a scripted store adds to a value.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts {
    /// How long the provider would hold it.
    pub ttl_hint: Option<Duration>,
    /// When it ends for good.
    pub hard_end: Option<Duration>,
    /// When the provider will rotate it next.
    pub next_rotation: Option<Duration>,
    /// Another name of it.
    pub alias: Option<Box<str>>,
}

impl ScriptedBackend {
    /// The settings of a scripted vault: none.
    pub const SETTINGS: Settings = Settings::new("scripted", "a store in memory", &[]);

    /// Makes an empty store that knows previous and pending versions, numbers and ids.
    #[must_use]
    pub fn new() -> Self {
        let capabilities = Capabilities::new()
            .with_previous()
            .with_pending()
            .with_numbering(Numbering::Provider)
            .with_ids();
        Self::with_capabilities(capabilities)
    }

    /// Makes an empty store that declares these capabilities.
    #[must_use]
    pub fn with_capabilities(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            is_quiet: false,
            state: Arc::default(),
        }
    }

    /// Says nothing of changes unless it is told to by [`hint`](Self::hint): as a store that has to
    /// be asked.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Returns a row of the table of backend types that hands out this store, under the name
    /// `scripted`.
    #[must_use]
    pub fn backend_type(&self) -> BackendType {
        const SETTINGS: Settings = ScriptedBackend::SETTINGS;
        let store = self.clone();
        BackendType::new(&SETTINGS, move |_| Ok(Arc::new(store.clone())))
    }

    /// Returns a table of backend types with this store alone.
    #[must_use]
    pub fn backends(&self) -> Backends {
        Backends::new().with(self.backend_type())
    }

    /// Writes a new version and brings it into force; returns its number, beginning with 1.
    pub fn put(&self, name: &str, value: impl Into<Secret>) -> u64 {
        self.store(name, Stored::One(value.into()), true)
    }

    /// Writes a new version of several named values and brings it into force.
    pub fn put_members(&self, name: &str, members: Members) -> u64 {
        self.store(name, Stored::Several(members), true)
    }

    /// Writes a new version without bringing it into force; returns its number.
    pub fn put_pending(&self, name: &str, value: impl Into<Secret>) -> u64 {
        self.store(name, Stored::One(value.into()), false)
    }

    /// Brings the newest version into force, if there is one.
    pub fn promote(&self, name: &str) {
        if let Some(history) = self.state().secrets.get_mut(name) {
            history.promote();
        }
        self.announce(name);
    }

    /// Removes a secret with all its versions.
    pub fn remove(&self, name: &str) {
        if let Some(history) = self.state().secrets.get_mut(name) {
            history
                .versions
                .iter_mut()
                .for_each(|version| *version = None);
            history.current = None;
            history.previous = None;
        }
        self.announce(name);
    }

    /// Sets the facts that come with a secret, made if it is not there yet.
    pub fn set_facts(&self, name: &str, facts: Facts) {
        self.state()
            .secrets
            .entry(name.to_owned())
            .or_default()
            .facts = facts;
    }

    /// Refuses access to one secret, or allows it again.
    pub fn deny(&self, name: &str, denied: bool) {
        let mut state = self.state();
        if denied {
            let error = Error::new(ErrorKind::PermissionDenied, "the scripted store refuses");
            state.denied.insert(name.to_owned(), error);
        } else {
            state.denied.remove(name);
        }
    }

    /// Lets every call from now on meet a fault, until [`recover`](Self::recover).
    pub fn fault(&self, fault: Fault) {
        self.state().standing = Some(fault);
    }

    /// Lets the next reading calls meet these faults, one each, before the standing one.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().scripted.extend(faults);
    }

    /// Ends all faults. Calls that hang stay hung.
    pub fn recover(&self) {
        let mut state = self.state();
        state.standing = None;
        state.scripted.clear();
    }

    /// Tells everybody who listens that something may have changed.
    pub fn hint(&self, hint: &Hint) {
        let state = self.state();
        for listener in &state.listeners {
            listener.push(Some(hint.clone()));
        }
    }

    fn announce(&self, name: &str) {
        if !self.is_quiet {
            self.hint(&Hint::Resource(name.into()));
        }
    }

    /// Ends the streams of everybody who listens.
    pub fn end_hints(&self) {
        for listener in self.state().listeners.drain(..) {
            listener.push(None);
        }
    }

    /// Returns how many calls of the store there were; a batch is one.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Returns how many of the requests asked for this secret.
    #[must_use]
    pub fn calls_for(&self, name: &str) -> usize {
        self.state()
            .requests
            .iter()
            .filter(|request| request.resource() == name)
            .count()
    }

    /// Returns every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Returns how many calls ran at the same time at the most.
    #[must_use]
    pub fn most_running(&self) -> usize {
        self.state().most_running
    }

    fn store(&self, name: &str, value: Stored, promote: bool) -> u64 {
        let mut state = self.state();
        let history = state.secrets.entry(name.to_owned()).or_default();
        history.versions.push(Some(value));
        let number = history.versions.len() as u64;
        if promote {
            history.promote();
        }
        drop(state);
        if promote {
            self.announce(name);
        }
        number
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Meets the next scripted fault, or else the standing one.
    async fn meet_fault(&self, cx: &Context) -> Result<(), Error> {
        let scripted = self.state().scripted.pop_front();
        match scripted {
            Some(fault) => meet(fault, cx).await,
            None => self.meet_standing_fault(cx).await,
        }
    }

    async fn meet_standing_fault(&self, cx: &Context) -> Result<(), Error> {
        let standing = self.state().standing.clone();
        match standing {
            Some(fault) => meet(fault, cx).await,
            None => Ok(()),
        }
    }

    fn read(&self, request: &Request) -> Result<Fetched, Error> {
        let state = self.state();
        let name = request.resource();
        if let Some(error) = state.denied.get(name) {
            return Err(error.clone());
        }
        if !self.capabilities.supports(request.selector()) {
            return Err(self.capabilities.unsupported(request.selector()));
        }
        let found = state.secrets.get(name).and_then(|history| {
            let index = history.select(request.selector())?;
            Some((history, index, history.versions.get(index)?.clone()?))
        });
        let Some((history, index, stored)) = found else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no secret `{name}`"),
            ));
        };
        let version = Version::new((index + 1).to_string());
        if request
            .known_version()
            .is_some_and(|known| known.id() == version.id())
        {
            return Ok(history.facts.add_to(Fetched::unchanged(version)));
        }
        let fetched = match stored {
            Stored::One(secret) => Fetched::secret(secret),
            Stored::Several(members) => Fetched::members(members),
        };
        Ok(history.facts.add_to(fetched.with_version(version)))
    }

    fn begin(&self, requests: &[Request]) -> Running<'_> {
        let mut state = self.state();
        state.requests.extend_from_slice(requests);
        state.calls += 1;
        state.running += 1;
        state.most_running = state.most_running.max(state.running);
        Running(self)
    }
}

struct Running<'a>(&'a ScriptedBackend);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

impl History {
    fn promote(&mut self) {
        let newest = self.versions.len().checked_sub(1);
        if newest != self.current {
            self.previous = self.current;
            self.current = newest;
        }
    }

    fn select(&self, selector: &Selector) -> Option<usize> {
        match selector {
            Selector::Current => self.current,
            Selector::Previous => self.previous,
            Selector::Pending => self
                .versions
                .len()
                .checked_sub(1)
                .filter(|newest| Some(*newest) != self.current),
            Selector::Number(number) => usize::try_from(*number).ok()?.checked_sub(1),
            Selector::Id(id) => id.parse::<usize>().ok()?.checked_sub(1),
            _ => None,
        }
    }
}

impl Facts {
    fn add_to(&self, mut fetched: Fetched) -> Fetched {
        if let Some(span) = self.ttl_hint {
            fetched = fetched.with_ttl_hint(span);
        }
        if let Some(span) = self.hard_end {
            fetched = fetched.with_hard_end(span);
        }
        if let Some(span) = self.next_rotation {
            fetched = fetched.with_next_rotation(span);
        }
        if let Some(name) = &self.alias {
            fetched = fetched.with_alias(name.clone());
        }
        fetched
    }
}

impl Default for ScriptedBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ScriptedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedBackend").finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for ScriptedBackend {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let _running = self.begin(std::slice::from_ref(request));
        self.meet_fault(cx).await?;
        self.read(request)
    }

    async fn fetch_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        let _running = self.begin(requests);
        if let Err(error) = self.meet_fault(cx).await {
            return batch.fail_rest(&error);
        }
        for (index, request) in requests.iter().enumerate() {
            batch.answer(index, self.read(request));
        }
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_changes(self)
    }
}

#[async_trait]
impl Changes for ScriptedBackend {
    async fn subscribe(&self, cx: &Context) -> Result<Box<dyn Hints>, Error> {
        // Scripted faults are for calls that read.
        self.meet_standing_fault(cx).await?;
        let listener = Listener::default();
        self.state().listeners.push(listener.clone());
        Ok(Box::new(listener))
    }
}

#[derive(Clone, Default)]
struct Listener {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    /// `None` ends the stream.
    hints: VecDeque<Option<Hint>>,
    waiting: Option<Waker>,
}

impl Listener {
    fn push(&self, hint: Option<Hint>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.hints.push_back(hint);
        if let Some(waker) = queue.waiting.take() {
            waker.wake();
        }
    }
}

#[async_trait]
impl Hints for Listener {
    async fn next(&mut self) -> Option<Hint> {
        std::future::poll_fn(|cx| {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            match queue.hints.pop_front() {
                Some(hint) => Poll::Ready(hint),
                None => {
                    queue.waiting = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
