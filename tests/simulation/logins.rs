//! Stores with a login that has to be kept alive.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use perennial_backend::{
    Backend, Backends, Capabilities, Context, Error, ErrorKind, Facets, Fetched, Moment, Request,
    Settings, Upkeep, async_trait,
};
use perennial_resolver::Resolver;
use perennial_testkit::ScriptedBackend;

use crate::world::{World, row};

const LOGIN: Settings = Settings::new("login", "a store in memory with a login", &[]);

/// A store whose login lives for a hundred seconds.
#[derive(Debug)]
struct Login {
    store: ScriptedBackend,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ends: Option<Moment>,
    /// When upkeep was run.
    runs: Vec<Moment>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, Default)]
enum Outcome {
    #[default]
    Renewed,
    Refused,
    Panicking,
    Hanging,
    /// It works, and is due again at once.
    Restless,
}

#[async_trait]
impl Backend for Login {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let ends = *self
            .state
            .lock()
            .unwrap()
            .ends
            .get_or_insert(cx.now() + LIFE);
        if ends <= cx.now() {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "the login has ended",
            ));
        }
        self.store.fetch(cx, request).await
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_upkeep(self)
    }
}

#[async_trait]
impl Upkeep for Login {
    fn due(&self) -> Option<Moment> {
        let ends = self.state.lock().unwrap().ends?;
        Some(Moment::from_nanos(
            (ends.as_nanos()).saturating_sub(AHEAD.as_nanos() as u64),
        ))
    }

    async fn upkeep(&self, cx: &Context) -> Result<(), Error> {
        let outcome = {
            let mut state = self.state.lock().unwrap();
            state.runs.push(cx.now());
            match state.outcome {
                Outcome::Renewed => state.ends = Some(cx.now() + LIFE),
                Outcome::Restless => state.ends = Some(cx.now() + AHEAD),
                _ => {}
            }
            state.outcome
        };
        match outcome {
            Outcome::Renewed | Outcome::Restless => Ok(()),
            Outcome::Refused => Err(Error::new(ErrorKind::Unavailable, "no login today")),
            Outcome::Panicking => panic!("a login that breaks its promises"),
            Outcome::Hanging => std::future::pending().await,
        }
    }
}

impl Login {
    fn will(&self, outcome: Outcome) {
        self.state.lock().unwrap().outcome = outcome;
    }

    fn runs(&self) -> usize {
        self.state.lock().unwrap().runs.len()
    }
}

fn login() -> (Arc<Login>, World) {
    let login = Arc::new(Login {
        store: ScriptedBackend::new().quiet(),
        state: Mutex::default(),
    });
    login.store.put("db", "x");
    for index in 0..90 {
        login.store.put(&format!("s{index}"), "x");
    }
    let backends = Backends::new().with(row(&LOGIN, &login));
    (login, World::with(Resolver::builder().backends(backends)))
}

#[tokio::test]
async fn a_login_is_renewed_when_that_is_due_and_not_before() {
    let (login, world) = login();
    let start = world.now();
    let db = world
        .secrets
        .watch("{vault://login/db?ttl=50}")
        .await
        .unwrap();
    world.advance_secs(1000).await;
    let runs: Vec<_> = login.state.lock().unwrap().runs.clone();
    let spans: Vec<_> = runs.iter().map(|at| at.since(start).as_secs()).collect();
    let expected: Vec<_> = (1..=12).map(|run| run * 80).collect();
    assert_eq!(spans, expected);
    assert!(db.load().unwrap().freshness().is_fresh());
}

#[tokio::test]
async fn an_upkeep_that_fails_is_tried_again_after_a_pause_and_costs_no_value() {
    for outcome in [Outcome::Refused, Outcome::Panicking, Outcome::Hanging] {
        let (login, world) = login();
        let db = world
            .secrets
            .watch("{vault://login/db?ttl=50}")
            .await
            .unwrap();
        login.will(outcome);
        world.advance_secs(80).await;
        assert_eq!(login.runs(), 1);
        // Calls that go well meanwhile are no reason to try the login sooner.
        for index in 0..90 {
            let fetched = world.get(&format!("{{vault://login/s{index}}}")).await;
            assert_eq!(fetched.unwrap(), "x");
        }
        assert_eq!(login.runs(), 1, "{outcome:?}");
        world.advance_secs(3600).await;
        let runs = login.runs();
        assert!((10..=140).contains(&runs), "{outcome:?}: {runs}");
        assert_eq!(db.secret().unwrap().expose(), b"x");
        login.will(Outcome::Renewed);
        world.advance_secs(200).await;
        assert!(db.load().unwrap().freshness().is_fresh(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_login_that_is_always_due_is_not_renewed_in_a_loop() {
    let (login, world) = login();
    login.will(Outcome::Restless);
    let _db = world
        .secrets
        .watch("{vault://login/db?ttl=10}")
        .await
        .unwrap();
    world.advance_secs(80).await;
    let before = login.runs();
    for _ in 0..10 {
        world.secrets.refresh(["{vault://login/db?ttl=10}"]).await;
    }
    world.advance_secs(60).await;
    let runs = login.runs() - before;
    assert!((59..=61).contains(&runs), "{runs}");
}

const LIFE: Duration = Duration::from_secs(100);
const AHEAD: Duration = Duration::from_secs(20);
