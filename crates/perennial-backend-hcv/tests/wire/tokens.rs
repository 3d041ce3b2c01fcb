//! The life of a token, on a clock that the tests move.

mod dead;
mod given;

use std::time::Duration;

use perennial_backend::{Context, ErrorKind, Moment, Request, Upkeep};
use perennial_backend_hcv::{Auth, Engine, Kv, Source};
use perennial_testkit::http::Answer;
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::json;

use crate::stand_in::StandIn;
use crate::support::{kv, read_with};

const LOGIN: &str = "POST /v1/auth/userpass/login/app";
const RENEW: &str = "POST /v1/auth/token/renew-self";
const LOOK: &str = "GET /v1/auth/token/lookup-self";
const READ: &str = "GET /v1/secret/data/app/db";

/// A stand-in, a backend that logs in with a password, and a clock.
struct Scene {
    stand_in: StandIn,
    kv: Kv,
    clock: SimClock,
    runtime: SimRuntime,
}

impl Scene {
    fn start() -> Self {
        Self::with(Auth::userpass("app", Source::given("canary")))
    }

    fn with(auth: Auth) -> Self {
        let stand_in = StandIn::start();
        stand_in.write("app/db", json!({"a": "b"}));
        let config = stand_in.config().with_auth(auth).with_engine(Engine::V2);
        let clock = SimClock::new();
        clock.advance(secs(1000));
        let runtime = SimRuntime::new(clock.clone());
        Self {
            stand_in,
            kv: kv(config),
            clock,
            runtime,
        }
    }

    fn context(&self) -> Context {
        self.runtime.context(secs(10))
    }

    async fn read(&self) -> Result<String, perennial_backend::Error> {
        read_with(&self.kv, &self.context(), &Request::new("app/db")).await
    }

    async fn reads(&self, lines: &[&str]) {
        self.read().await.unwrap();
        assert_eq!(self.stand_in.lines(), lines);
    }

    async fn upkeep(&self) -> Result<(), perennial_backend::Error> {
        let outcome = self.kv.upkeep(&self.context()).await;
        let shown = format!("{outcome:?} {:?}", self.kv);
        assert!(!shown.contains("canary"), "{shown}");
        outcome
    }

    fn due(&self) -> Moment {
        self.kv.due().unwrap()
    }

    /// Lets time go on until the upkeep is due, and does it.
    async fn upkeep_when_due(&self) -> Result<(), perennial_backend::Error> {
        self.clock.advance_to(self.due());
        self.upkeep().await
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_token_is_renewed_between_a_half_and_two_thirds_of_its_lease() {
    let scene = Scene::start();
    assert_eq!(
        scene.kv.due(),
        None,
        "nothing is kept alive before the first login"
    );
    scene.upkeep().await.unwrap();
    scene.reads(&[LOGIN, READ]).await;
    for _ in 0..5 {
        let start = scene.context().now();
        let wait = scene.due().since(start);
        assert!(wait >= secs(1800) && wait <= secs(2400), "{wait:?}");
        // Not before it is due.
        scene.upkeep().await.unwrap();
        assert_eq!(scene.stand_in.lines().len(), 0);
        scene.upkeep_when_due().await.unwrap();
        assert_eq!(scene.stand_in.lines(), [RENEW]);
        scene.reads(&[READ]).await;
    }
    assert_eq!(scene.stand_in.edit(|state| state.logins), 1);
}

#[tokio::test]
async fn a_renewal_that_fails_costs_no_token() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene
        .stand_in
        .edit(|state| state.instead = Some(Answer::new(500)));
    let error = scene.upkeep_when_due().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    scene.stand_in.edit(|state| state.instead = None);
    scene.stand_in.lines();
    assert!(scene.due() <= scene.context().now(), "it is still due");
    scene.reads(&[READ]).await;
    scene.upkeep().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW]);
}

#[tokio::test]
async fn a_lease_that_grows_no_longer_gives_way_to_another_login() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene.stand_in.edit(|state| state.renewal = Some(600));
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW, LOGIN]);
    scene.reads(&[READ]).await;
    // If that login fails, the rest of the lease is still good.
    scene.stand_in.edit(|state| state.closed = true);
    scene.upkeep_when_due().await.unwrap_err();
    assert_eq!(scene.stand_in.lines(), [RENEW, LOGIN]);
    scene.reads(&[READ]).await;
    scene.stand_in.edit(|state| state.closed = false);
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.edit(|state| state.logins), 3);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_replaced_before_it_ends() {
    let scene = Scene::start();
    scene.stand_in.edit(|state| state.renewable = false);
    scene.reads(&[LOGIN, READ]).await;
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [LOGIN]);
    // One that may not be renewed, too.
    scene.stand_in.edit(|state| {
        state.renewable = true;
        state.renewal = None;
    });
    scene.upkeep_when_due().await.unwrap();
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [LOGIN, RENEW, LOGIN]);
    scene.reads(&[READ]).await;
}

#[tokio::test]
async fn a_login_that_fails_while_the_token_is_good_costs_nothing() {
    let scene = Scene::start();
    scene.stand_in.edit(|state| state.renewable = false);
    scene.reads(&[LOGIN, READ]).await;
    scene
        .stand_in
        .edit(|state| state.instead = Some(Answer::new(503)));
    let error = scene.upkeep_when_due().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    scene.stand_in.edit(|state| state.instead = None);
    scene.stand_in.lines();
    scene.reads(&[READ]).await;
}

#[tokio::test]
async fn an_expired_token_is_not_tried() {
    let scene = Scene::start();
    scene.reads(&[LOGIN, READ]).await;
    scene.clock.advance(secs(3600));
    scene.reads(&[LOGIN, READ]).await;
}
