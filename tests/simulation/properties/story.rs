//! A story as it goes on: what was done, what anybody has seen, and what may be seen therefore.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{BackendType, Backends, Moment, Settings};
use perennial_resolver::{ErrorKind, Handle, Removal, Resolver, Snapshot, Value};
use perennial_testkit::{Fault, ScriptedBackend};
use proptest::test_runner::TestCaseResult;
use proptest::{prop_assert, prop_assert_eq};

use super::aging::{Aging, Shared};
use super::views::{NAMES, PASSWORD, POLICIES, TICK, USER, VIEWS, reference, spec};
use super::{Step, Trouble};
use crate::world::{Ongoing, World, text};

/// What became of something that went on for a while.
enum Outcome {
    Value(Result<Value, perennial_resolver::Error>),
    Refreshed(Result<Value, perennial_resolver::Error>),
    Snapshot(Result<Snapshot, perennial_resolver::Error>),
}

struct Waiting {
    name: usize,
    view: usize,
    /// What had been shown of each member, and what was the store's, when it began.
    shown: [u64; 2],
    current: [u64; 2],
    outcome: Ongoing<'static, Outcome>,
}

pub(super) struct Story {
    world: World,
    sick: ScriptedBackend,
    sound: ScriptedBackend,
    shared: Shared,
    start: Moment,
    /// Counts the values, of all secrets together.
    serial: u64,
    /// When each value stopped to be the store's, by secret, member and serial.
    superseded: BTreeMap<(usize, usize, u64), Option<Moment>>,
    /// The greatest serial that anybody has seen.
    shown: HashMap<(usize, usize), u64>,
    waiting: Vec<Waiting>,
    handles: Vec<(usize, usize, Handle)>,
    /// Until when each handle has promised a fresh value.
    promised: HashMap<String, Moment>,
    /// The policy of the vault, none while it is removed.
    policy: Option<usize>,
    colds: usize,
}

impl Story {
    pub(super) fn new() -> Self {
        const AGING: Settings = Settings::new("aging", "a store in memory", &[]);
        const SOUND: Settings = Settings::new("sound", "a store in memory", &[]);
        let (sick, sound) = (
            ScriptedBackend::new().quiet(),
            ScriptedBackend::new().quiet(),
        );
        let shared = Shared::default();
        let parts = (sick.clone(), shared.clone());
        let aging = BackendType::new(&AGING, move |_| {
            Ok(Arc::new(Aging::new(&parts.0, &parts.1)))
        });
        let other = sound.clone();
        let backends = Backends::new()
            .with(aging)
            .with(BackendType::new(&SOUND, move |_| {
                Ok(Arc::new(other.clone()))
            }));
        let builder = Resolver::builder()
            .backends(backends)
            .vault(spec(0))
            .tick(TICK);
        let world = World::with(builder);
        let start = world.now();
        let mut story = Self {
            world,
            sick,
            sound,
            shared,
            start,
            serial: 0,
            superseded: BTreeMap::new(),
            shown: HashMap::new(),
            waiting: Vec::new(),
            handles: Vec::new(),
            promised: HashMap::new(),
            policy: Some(0),
            colds: 0,
        };
        for name in 0..NAMES.len() {
            story.put(name, true);
        }
        story
    }

    fn put(&mut self, name: usize, whole: bool) {
        self.supersede(name);
        self.serial += 1;
        let serial = self.serial;
        self.superseded.insert((name, USER, serial), None);
        let password = if whole {
            self.superseded.insert((name, PASSWORD, serial), None);
            format!(r#","password":"{serial}""#)
        } else {
            String::new()
        };
        self.sick
            .put(NAMES[name], format!(r#"{{"user":"{serial}"{password}}}"#));
    }

    fn supersede(&mut self, name: usize) {
        let now = self.world.now();
        for ((_, _, _), until) in self
            .superseded
            .iter_mut()
            .filter(|((named, _, _), until)| *named == name && until.is_none())
        {
            *until = Some(now);
        }
    }

    /// The serial of what the store has now, zero where it has none.
    fn current(&self, name: usize, member: usize) -> u64 {
        let mut serials = self
            .superseded
            .iter()
            .filter(|((named, part, _), until)| {
                (*named, *part) == (name, member) && until.is_none()
            })
            .map(|((_, _, serial), _)| *serial);
        serials.next_back().unwrap_or(0)
    }

    fn shown(&self, name: usize, member: usize) -> u64 {
        self.shown.get(&(name, member)).copied().unwrap_or(0)
    }

    async fn begin(
        &mut self,
        name: usize,
        view: usize,
        outcome: impl Future<Output = Outcome> + 'static,
    ) -> TestCaseResult {
        let outcome = Ongoing::lazy(outcome);
        let both = |of: &dyn Fn(usize) -> u64| [of(USER), of(PASSWORD)];
        self.waiting.push(Waiting {
            name,
            view,
            shown: both(&|member| self.shown(name, member)),
            current: both(&|member| self.current(name, member)),
            outcome,
        });
        self.look().await
    }

    async fn refresh(&mut self, name: usize, view: usize) -> TestCaseResult {
        let (secrets, reference) = (self.world.secrets.clone(), reference(name, view));
        let refresh =
            async move { Outcome::Refreshed(secrets.refresh([reference]).await.remove(0)) };
        self.begin(name, view, refresh).await
    }

    pub(super) async fn take(&mut self, step: &Step) -> TestCaseResult {
        let secrets = self.world.secrets.clone();
        match *step {
            Step::Put(name) => self.put(name, true),
            Step::PutHalf(name) => self.put(name, false),
            Step::Remove(name) => {
                self.supersede(name);
                self.sick.remove(NAMES[name]);
            }
            Step::Deny(name, denied) => self.sick.deny(NAMES[name], denied),
            Step::Fault(trouble) => self.sick.fault(match trouble {
                Trouble::Outage => Fault::outage(),
                Trouble::Hang => Fault::Hang,
                Trouble::Panic => Fault::Panic,
                Trouble::Throttle(secs) => Fault::throttle(Duration::from_secs(secs)),
                Trouble::LoggedOut => Fault::logged_out(),
                Trouble::Latency(millis) => Fault::Latency(Duration::from_millis(millis)),
            }),
            Step::Age(span) => *self.shared.age.lock().unwrap() = span,
            Step::Recover => self.sick.recover(),
            Step::Advance(span) => self.world.advance(span).await,
            Step::Suspend(span) => {
                self.world.clock.advance(span);
                self.world.settle().await;
            }
            Step::Get(name, view) => {
                let reference = reference(name, view);
                let get = async move { Outcome::Value(secrets.get(reference).await) };
                self.begin(name, view, get).await?;
            }
            Step::Cached(name, view) => {
                if let Ok(loaded) = secrets.cached(reference(name, view)) {
                    let value = loaded.secret().expose_str().unwrap();
                    let fresh = loaded.freshness().is_fresh();
                    let least = self.shown(name, VIEWS[view].0);
                    self.seen(name, view, value, fresh, least)?;
                }
            }
            Step::Refresh(name, view) => self.refresh(name, view).await?,
            Step::RefreshTwice(name, view) => {
                self.refresh(name, view).await?;
                self.world.settle().await;
                self.put(name, true);
                self.refresh(name, view).await?;
            }
            Step::Snapshot(name) => {
                let pair = [
                    ("user", reference(name, 0)),
                    ("password", reference(name, 1)),
                ];
                let take = async move { Outcome::Snapshot(secrets.snapshot(pair).await) };
                self.begin(name, 0, take).await?;
            }
            Step::Watch(name, view) => {
                if let Ok(handle) = secrets.watch_later(reference(name, view)) {
                    self.handles.push((name, view, handle));
                }
            }
            Step::Drop(index) => {
                if !self.handles.is_empty() {
                    let (.., handle) = self.handles.swap_remove(index % self.handles.len());
                    self.promised.remove(handle.reference());
                }
            }
            Step::PutVault(policy) => {
                secrets.put_vault(spec(policy)).unwrap();
                self.policy = Some(policy);
                self.promised.clear();
            }
            Step::RemoveVault(keep) => {
                let removal = if keep { Removal::Keep } else { Removal::Purge };
                let was_there = secrets.remove_vault("mine", removal);
                prop_assert_eq!(was_there, self.policy.is_some());
                self.policy = None;
                self.promised.clear();
                for (.., handle) in self.handles.drain(..) {
                    prop_assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Closed);
                }
            }
        }
        self.world.settle().await;
        self.look().await?;
        self.check().await
    }

    /// Looks at everything that goes on.
    async fn look(&mut self) -> TestCaseResult {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut still = Vec::new();
        for mut one in waiting.drain(..) {
            let Some(outcome) = one.outcome.look().await else {
                still.push(one);
                continue;
            };
            let (name, view) = (one.name, one.view);
            match outcome {
                Outcome::Value(Ok(value)) => {
                    let least = one.shown[VIEWS[view].0];
                    let fresh = value.freshness().is_fresh();
                    self.seen(name, view, &text(&value), fresh, least)?;
                }
                // Begun after it was asked for, so nothing older than what was there then.
                Outcome::Refreshed(Ok(value)) => {
                    let member = VIEWS[view].0;
                    let least = one.shown[member].max(one.current[member]);
                    let fresh = value.freshness().is_fresh();
                    self.seen(name, view, &text(&value), fresh, least)?;
                }
                Outcome::Snapshot(Ok(snapshot)) => {
                    let value = |name| snapshot.value(name).unwrap();
                    let (user, password) = (value("user"), value("password"));
                    prop_assert_eq!(text(user), text(password), "a snapshot mixes versions");
                    // It may have been taken before what others have seen since.
                    let serial = text(user).parse::<u64>().unwrap();
                    prop_assert!(serial >= one.shown[USER].max(one.shown[PASSWORD]));
                    prop_assert!(self.superseded.contains_key(&(name, PASSWORD, serial)));
                }
                Outcome::Value(Err(error)) | Outcome::Refreshed(Err(error)) => {
                    self.failed(&error)?;
                }
                Outcome::Snapshot(Err(error)) => self.failed(&error)?,
            }
        }
        self.waiting.append(&mut still);
        Ok(())
    }

    fn failed(&self, error: &perennial_resolver::Error) -> TestCaseResult {
        if error.kind() == ErrorKind::NotYet {
            prop_assert!(false, "who waits is never told to wait: {error:?}");
        }
        Ok(())
    }

    /// Checks a value that somebody has seen.
    fn seen(
        &mut self,
        name: usize,
        view: usize,
        value: &str,
        is_fresh: bool,
        least: u64,
    ) -> TestCaseResult {
        let member = VIEWS[view].0;
        let serial = value.parse::<u64>();
        prop_assert!(serial.is_ok(), "not a value: {value:?}");
        let serial = serial.unwrap();
        let until = self.superseded.get(&(name, member, serial)).copied();
        prop_assert!(until.is_some(), "{serial} was never put into {name}");
        prop_assert!(serial >= least, "{serial} after {least} had been seen");
        if let (true, Some(Some(until)), Some(policy)) = (is_fresh, until, self.policy) {
            let ttl = VIEWS[view].1.unwrap_or(POLICIES[policy].0);
            let old = self.world.now().since(until);
            prop_assert!(
                old <= ttl + TICK,
                "fresh, though not the store's for {old:?} with a ttl of {ttl:?}"
            );
        }
        let shown = self.shown.entry((name, member)).or_default();
        *shown = serial.max(*shown);
        Ok(())
    }

    async fn check(&mut self) -> TestCaseResult {
        let now = self.world.now();
        for place in 0..self.handles.len() {
            let (name, view) = (self.handles[place].0, self.handles[place].1);
            let handle = self.handles[place].2.clone();
            let promised = self.promised.get(handle.reference());
            let promised = promised.is_some_and(|until| now + TICK < *until);
            match handle.load() {
                Ok(loaded) => {
                    let value = loaded.secret().expose_str().unwrap();
                    let is_fresh = loaded.freshness().is_fresh();
                    let least = self.shown(name, VIEWS[view].0);
                    self.seen(name, view, value, is_fresh, least)?;
                    prop_assert!(is_fresh || !promised, "less fresh than promised");
                }
                Err(error) => {
                    prop_assert!(!promised, "lost inside its ttl: {error:?}");
                    prop_assert!(error.kind() != ErrorKind::Closed);
                }
            }
            let drops = self.policy.is_none_or(|policy| POLICIES[policy].1);
            if let (Some(span), false) = (handle.status().fresh_for(), drops) {
                let until = self.promised.entry(handle.reference().to_owned());
                let until = until.or_insert(Moment::ORIGIN);
                *until = (*until).max(now + span.saturating_sub(TICK));
            }
        }
        // A sound vault answers at once, also what nobody has asked for before.
        self.colds += 1;
        let (cold, before) = (format!("cold-{}", self.colds), self.world.now());
        self.sound.put(&cold, "x");
        let secrets = self.world.secrets.clone();
        let mut get =
            Ongoing::lazy(async move { secrets.get(format!("{{vault://sound/{cold}}}")).await });
        let first = get.look().await;
        self.world.settle().await;
        let value = first.or(get.look().await);
        prop_assert!(value.is_some(), "a sick vault delays a sound one");
        prop_assert_eq!(text(&value.unwrap().unwrap()), "x");
        prop_assert_eq!(self.world.now(), before);
        // No more calls than a vault may make; vaults that took each other's place have one store.
        let seconds = before.since(self.start).as_secs() as usize + 2;
        prop_assert!(self.sick.calls() <= 100 * seconds);
        prop_assert!(
            !*self.shared.asked_twice.lock().unwrap(),
            "one thing is asked for twice"
        );
        Ok(())
    }

    /// Everything recovers: nobody is left waiting, and who is kept fresh is.
    pub(super) async fn end(mut self) -> TestCaseResult {
        self.sick.recover();
        *self.shared.age.lock().unwrap() = Duration::ZERO;
        for name in NAMES {
            self.sick.deny(name, false);
        }
        self.world.advance_secs(2000).await;
        // What was asked for meanwhile may take another step or two.
        for _ in 0..3 {
            self.look().await?;
            self.world.settle().await;
        }
        self.check().await?;
        prop_assert!(self.waiting.is_empty(), "somebody waits for ever");
        for (name, view, handle) in &self.handles {
            let current = self.current(*name, VIEWS[*view].0);
            if current > 0 {
                let loaded = handle.load();
                prop_assert!(loaded.is_ok(), "{:?} {:?}", loaded, handle.status());
                let loaded = loaded.unwrap();
                prop_assert!(loaded.freshness().is_fresh());
                prop_assert_eq!(loaded.secret().expose_str(), Ok(&*current.to_string()));
            }
        }
        Ok(())
    }
}
