//! A canary is planted as a secret, everything is done that can be done with it, and it must be
//! found nowhere but where a program asks for it: in no trace, metric, event, error or `Debug`.

#![cfg(test)]

mod ear;
mod store;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use perennial_backend::{
    Backend, Backends, Batch, Clock, Context, Field, FieldClass, FieldKind, Members, Moment,
    Origin, Put, Secret, Setting, SettingMap, VaultSpec,
};
use perennial_config::from_environment;
use perennial_resolver::Resolver;
use perennial_testkit::{SimClock, SimRuntime};

use store::{CANARIES, Coop, NUMBER, TEXT};
use watch::Watch;

#[tokio::test]
async fn a_canary_is_heard_only_where_it_is_asked_for() {
    let mut watch = Watch::new();
    watch.contract();
    watch.configuration();
    watch.resolver().await;
    watch.thread().await;
    for (channel, words) in watch.ear.heard() {
        for canary in CANARIES {
            assert!(!words.contains(canary), "{canary} in {channel}: {words}");
        }
    }
    let heard = watch.ear.heard();
    for channel in ["trace", "metric", "debug", "error", "event"] {
        let count = heard.iter().filter(|(from, _)| *from == channel).count();
        assert!(count > 3, "hardly anything was heard in {channel}: {count}");
    }
    for (channel, expected) in [
        ("trace", "what=\"stale\""),
        ("trace", "what=\"expired\""),
        ("trace", "kind=\"unavailable\""),
        ("metric", "perennial_events_total"),
        ("metric", "perennial_calls_total"),
    ] {
        let found = heard
            .iter()
            .any(|(from, words)| *from == channel && words.contains(expected));
        assert!(found, "{expected} was not heard in {channel}");
    }
    assert_eq!(
        watch.tried,
        listed(),
        "types that were tried, and types.txt"
    );
}

/// The types that the list says are tried.
fn listed() -> BTreeSet<String> {
    include_str!("types.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains(" - "))
        .map(str::to_owned)
        .collect()
}

impl Watch {
    /// The types of the contract, each with a canary in it.
    fn contract(&mut self) {
        let secret = Secret::new(TEXT);
        assert_eq!(secret.expose_str(), Ok(TEXT), "who asks for it gets it");
        self.backend("Secret", &secret);
        let mut members = Members::new();
        members.insert("user", Ok(secret.clone()));
        self.backend("Members", &members);
        self.backend("Put", &Put::new("eggs", secret.clone()));
        for fetched in [
            perennial_backend::Fetched::secret(secret.clone()),
            perennial_backend::Fetched::members(members),
        ] {
            self.backend("Fetched", &fetched);
            self.backend("Payload", fetched.payload());
            let mut batch = Batch::new(2);
            batch.answer(0, Ok(fetched));
            self.backend("Batch", &batch);
        }
        let origin = Origin::Variable("PERENNIAL_VAULT_COOP_TOKEN".into());
        self.backend("Origin", &origin);
        let setting = Setting::new(TEXT, origin);
        self.backend("Setting", &setting);
        let mut settings = SettingMap::new().with("pin", NUMBER);
        settings.insert("token", setting.clone());
        self.backend("SettingMap", &settings);
        let spec = VaultSpec::named("eggs", "coop").unwrap();
        let spec = spec.with("pin", NUMBER).with_setting("token", setting);
        self.backend("VaultSpec", &spec);
        // A credential of the wrong form is not repeated, whatever the form.
        for kind in [
            FieldKind::Integer { min: 0, max: 9 },
            FieldKind::Boolean,
            FieldKind::Duration,
            FieldKind::Choice(&["a", "b"]),
            FieldKind::Url,
            FieldKind::Path,
            FieldKind::List,
        ] {
            let field = Field::new("token", kind, "who asks").with_class(FieldClass::Credential);
            for text in [TEXT, NUMBER] {
                if let Err(error) = field.check(text) {
                    self.backend_fail(&error);
                }
            }
        }
        if let Err(error) = store::SETTINGS.check(&settings) {
            self.backend_fail(&error);
        }
        let error = Secret::new([TEXT.as_bytes(), &[0xff]].concat());
        self.say(&error.expose_str().unwrap_err());
    }

    /// What is read from an environment.
    fn configuration(&mut self) {
        let backends = Backends::new().with(Coop::default().backend_type());
        let found = from_environment(
            [
                ("PERENNIAL_VAULT_COOP_TOKEN", TEXT),
                ("KONG_VAULT_COOP_NOTHING", TEXT),
                ("KONG_VAULT_COOP_PIN", NUMBER),
            ],
            &backends,
        )
        .unwrap();
        self.show("perennial-config Found", &found);
        assert!(!found.warnings().is_empty());
        for warning in found.warnings() {
            self.show("perennial-config Warning", warning);
            self.say(warning);
        }
        let wrong = [
            ("PERENNIAL_VAULT_COOP_TOKN", TEXT),
            ("PERENNIAL_VAULT_COP_TOKEN", TEXT),
        ];
        let wrong = from_environment(wrong, &backends).unwrap_err();
        self.show("perennial-config ConfigError", &wrong);
        self.say(&wrong);
        for problem in wrong.problems() {
            self.backend_fail(problem);
        }
        let resolver = Resolver::builder()
            .backends(backends)
            .vaults(found.into_specs());
        self.ours("Builder", &resolver);
    }

    /// Everything that a resolver does, in simulated time.
    async fn resolver(&mut self) {
        let coop = Coop::default();
        let clock = SimClock::new();
        let spec = VaultSpec::named("eggs", "coop").unwrap();
        let spec = spec
            .with("token", TEXT)
            .with("ttl", "60")
            .with("resurrect_ttl", "600");
        let pinned = VaultSpec::named("pinned", "coop")
            .unwrap()
            .with("pin", NUMBER);
        let backends = Backends::new().with(coop.backend_type());
        self.backend("Backends", &backends);
        self.backend("BackendType", &coop.backend_type());
        self.backend("Facets", &coop.facets());
        let builder = Resolver::builder()
            .backends(backends)
            .vaults([spec, pinned])
            .runtime(Arc::new(SimRuntime::new(clock.clone())))
            .on_current_runtime();
        self.ours("Builder", &builder);
        let secrets = builder.build().unwrap();
        let mut events = secrets.events();
        self.ours("Resolver", &secrets);

        let value = secrets.get(WHOLE).await.unwrap();
        assert!(value.secret().expose_str().unwrap().contains(TEXT));
        self.value(&value);
        let user = secrets.get(USER).await.unwrap();
        assert_eq!(
            user.secret().expose(),
            TEXT.as_bytes(),
            "who asks for it gets it"
        );
        self.value(&user);
        let handle = secrets.watch(USER).await.unwrap();
        let old = secrets.watch("{vault://eggs/json/old}").await.unwrap();
        self.ours("Handle", &handle);
        self.ours("Changes", &handle.changes());
        self.ours("Loaded", &handle.load().unwrap());
        self.ours("Loaded", &secrets.cached(USER).unwrap());
        self.ours("Events", &events);
        let pair = [("user", USER), (TEXT, WHOLE)];
        let snapshot = secrets
            .snapshot(pair.map(|(_, it)| ("user", it)))
            .await
            .unwrap();
        self.ours("Snapshot", &snapshot);
        self.fail(&snapshot.get("other").unwrap_err());

        for reference in FAILING {
            let failed = secrets.get(reference);
            let failed = in_time(&clock, failed).await;
            let error = failed.expect_err(reference);
            self.fail(&error);
            let snapshot = in_time(&clock, secrets.snapshot([("it", reference)])).await;
            self.fail(&snapshot.unwrap_err());
            let refreshed = in_time(&clock, secrets.refresh([reference])).await;
            self.fail(refreshed[0].as_ref().unwrap_err());
        }
        self.fits(&secrets, &clock).await;
        let warmed = in_time(&clock, secrets.warm([USER], FAILING))
            .await
            .unwrap();
        self.ours("Warmed", &warmed);
        let failed = in_time(&clock, secrets.warm(FAILING, [USER])).await;
        self.misfit(&failed.unwrap_err());
        for reference in [
            USER,
            "{vault://eggs/json?token=x}",
            "{vault://pinned/json}",
            "{vault://nowhere/x}",
        ] {
            let explained = secrets.explain(reference).unwrap();
            self.ours("Explanation", &explained);
            for setting in explained.settings() {
                self.ours("ExplainedSetting", setting);
                self.say(&setting.text().unwrap_or_default());
            }
            if let Some(problem) = explained.problem() {
                self.backend_fail(problem);
            }
        }
        for spec in secrets.vaults() {
            self.backend("VaultSpec", &spec);
        }

        // A rotation that takes a member away, then an outage, long enough for all that it does.
        coop.rotated.store(true, Ordering::Relaxed);
        pass(&clock, 61).await;
        self.value(&old.last().unwrap());
        coop.is_down.store(true, Ordering::Relaxed);
        for secs in [61, 120, 1000] {
            pass(&clock, secs).await;
            for status in secrets.status() {
                self.ours("Status", &status);
                self.ear.hear("event", format!("{:?}", status.last_error()));
            }
            match handle.load() {
                Ok(loaded) => {
                    self.ours("Loaded", &loaded);
                    self.ours("Freshness", loaded.freshness());
                }
                Err(error) => self.fail(&error),
            }
            self.ours("Handle", &handle);
            self.ours("Status", &handle.status());
            self.value(&handle.last().unwrap());
        }
        coop.is_down.store(false, Ordering::Relaxed);
        pass(&clock, 200).await;
        while let Some(happening) = events.try_next() {
            self.ours("Happening", &happening);
            self.ear.hear("event", happening.to_string());
            self.ear
                .hear("event", happening.message().unwrap_or_default());
        }
        for context in coop.seen.contexts.lock().unwrap().iter() {
            let _: &Context = context;
            self.backend("Context", context);
        }
        for request in coop.seen.requests.lock().unwrap().iter() {
            self.backend("Request", request);
        }
        for fetched in coop.seen.fetched.lock().unwrap().iter() {
            self.backend("Fetched", fetched);
        }
        secrets.remove_vault("eggs", perennial_resolver::Removal::Keep);
        pass(&clock, 1).await;
        self.fail(&handle.load().unwrap_err());
        self.value(&handle.last().unwrap());
    }

    /// Configurations into which a secret does not fit.
    async fn fits(&mut self, secrets: &Resolver, clock: &SimClock) {
        use serde::Deserialize;

        #[derive(Debug, Deserialize)]
        enum Choice {
            One,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "nothing of it is ever made")]
        struct Nested {
            inner: u8,
        }
        macro_rules! misfits {
            ($($kind:ty),*) => {$(
                for (reference, _) in pairs() {
                    let source = serde_json::json!({ "it": [reference] });
                    let read = secrets.resolve::<std::collections::BTreeMap<String, Vec<$kind>>, _>(&source);
                    if let Err(error) = in_time(clock, read).await {
                        self.misfit(&error);
                    }
                }
            )*};
        }
        misfits!(
            u8,
            u64,
            f64,
            bool,
            char,
            Choice,
            Nested,
            (),
            Vec<u8>,
            (u8, u8),
            std::net::IpAddr
        );
        for text in FAILING.iter().chain(&[USER]) {
            let source = serde_json::json!({ "outer": { "it": text, "number": 7 } });
            let read = secrets.resolve::<serde_json::Value, _>(&source);
            if let Err(error) = in_time(clock, read).await {
                self.misfit(&error);
            }
        }
        let broken = format!("{{\"password\": \"{TEXT}\", {TEXT}");
        let mut broken = serde_json::Deserializer::from_str(&broken);
        let misread = secrets.resolve::<serde_json::Value, _>(&mut broken);
        self.misfit(&misread.await.unwrap_err());
        // A value that was put where a reference belongs.
        for text in [TEXT.to_owned(), format!("x{{vault://eggs/json}}{TEXT}")] {
            self.fail(&secrets.get(&text).await.unwrap_err());
        }
    }

    /// The same on a thread of its own.
    async fn thread(&mut self) {
        let coop = Coop::default();
        let backends = Backends::new().with(coop.backend_type());
        let secrets = Resolver::builder().backends(backends).build().unwrap();
        let value = secrets.get("{vault://coop/json/user}").await.unwrap();
        assert_eq!(value.secret().expose(), TEXT.as_bytes());
        let failed = secrets.get("{vault://coop/panics}").await.unwrap_err();
        self.fail(&failed);
        assert!(secrets.shutdown(Duration::from_secs(5)).await);
    }
}

fn pairs() -> [(&'static str, ()); 6] {
    [
        USER,
        WHOLE,
        "{vault://eggs/plain}",
        "{vault://eggs/number}",
        "{vault://eggs/bytes}",
        "{vault://eggs/json/port?coerce=scalar}",
    ]
    .map(|reference| (reference, ()))
}

/// Lets time go on until something has ended.
async fn in_time<T>(clock: &SimClock, work: impl Future<Output = T>) -> T {
    let mut work = Box::pin(work);
    loop {
        let polled = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match work.as_mut().poll(cx) {
                std::task::Poll::Ready(outcome) => Some(outcome),
                std::task::Poll::Pending => None,
            })
        });
        match polled.await {
            Some(outcome) => return outcome,
            None => step(clock, Moment::MAX).await,
        }
    }
}

async fn pass(clock: &SimClock, secs: u64) {
    let end = clock.now() + Duration::from_secs(secs);
    while clock.now() < end {
        step(clock, end).await;
    }
}

async fn step(clock: &SimClock, end: Moment) {
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
    clock.advance_to(clock.next_wakeup().unwrap_or(end).min(end));
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
}

const WHOLE: &str = "{vault://eggs/json}";
const USER: &str = "{vault://eggs/json/user}";

/// References that cannot be resolved, each for another reason, with a canary right there.
const FAILING: [&str; 17] = [
    "{vault://eggs/absent}",
    "{vault://eggs/denied/user}",
    "{vault://eggs/plain/user}",
    "{vault://eggs/plain?base64_decode=true}",
    "{vault://eggs/plain?pointer=/a}",
    "{vault://eggs/scalar/user}",
    "{vault://eggs/number/user}",
    "{vault://eggs/broken/key}",
    "{vault://eggs/bytes/key}",
    "{vault://eggs/members/other}",
    "{vault://eggs/members/bad}",
    "{vault://eggs/json/port}",
    "{vault://eggs/json/list?coerce=scalar}",
    "{vault://eggs/json/usr}",
    "{vault://eggs/json?pointer=/list/7}",
    "{vault://eggs/hangs}",
    "{vault://eggs/panics}",
];
