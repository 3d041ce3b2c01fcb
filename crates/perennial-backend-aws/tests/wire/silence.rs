//! That nothing secret is logged, by us or by the SDK, at the finest level.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use perennial_backend::{Backend, Batch, Expected, Put, Request, Secret, VersionedWriter};
use perennial_testkit::http::Answer;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::scene::Scene;
use crate::store::failure;
use crate::sts;

/// Keeps every word of every trace.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<String>>);

impl Visit for &Ear {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        writeln!(self.0.lock().unwrap(), "{}", event.metadata().target()).unwrap();
        event.record(&mut &*self);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn nothing_secret_is_logged_at_the_finest_level() {
    let ear = Ear::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listening = tracing::subscriber::set_default(ear.clone());
    runtime.block_on(play());
    runtime.block_on(play_with_a_web_identity());
    drop(listening);
    let heard = ear.0.lock().unwrap();
    assert!(
        heard.contains("aws_smithy_runtime"),
        "the SDK says nothing at all"
    );
    let found: Vec<_> = heard
        .lines()
        .filter(|line| line.contains("canary"))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// Reads, fails and writes with planted values everywhere.
async fn play() {
    let scene = Scene::with(|config| {
        // The external id is left out: AWS does not take it for a secret, and the SDK logs it at
        // the finest level.
        config
            .with_access_key("AKIAEXAMPLE", Secret::from("canary-key"))
            .with_session_token(Secret::from("canary-token"))
            .with_assume_role_arn("arn:aws:iam::111122223333:role/reader")
    });
    scene.store.put("db", b"canary-value");
    scene.store.put("bytes", b"canary\xff");
    let requests = ["db", "bytes", "absent"].map(Request::new);
    for request in &requests {
        let _ = scene.fetch(request).await;
    }
    let mut batch = Batch::new(3);
    scene
        .backend
        .fetch_many(&scene.cx(), &requests, &mut batch)
        .await;
    let put = Put::new("new", Secret::from("canary-new")).with_expected(Expected::Nothing);
    scene.backend.put(&scene.cx(), &put).await.unwrap();
    let faults = [
        failure("AccessDeniedException", "denied"),
        Answer::json(200, r#"{"SecretString":"canary-value""#),
        Answer::json(200, r#"{"SecretString":"canary-value"}"#).cut_after(20),
        sts::refuse(403, "AccessDenied", "denied"),
    ];
    for fault in faults {
        scene.always(fault);
        let _ = scene.fetch(&requests[0]).await;
    }
}

/// Lets STS answer with what is no answer, although it holds credentials.
async fn play_with_a_web_identity() {
    let folder = tempfile::tempdir().unwrap();
    let (token, config_file) = (folder.path().join("token"), folder.path().join("config"));
    std::fs::write(&token, "canary.web.token").unwrap();
    let scene = Scene::with_urls(|config, url| {
        let content = format!(
            "[profile pod]\nrole_arn = arn:aws:iam::111122223333:role/pod\n\
             web_identity_token_file = {}\nservices = local\n\
             [services local]\nsts =\n  endpoint_url = {url}\n",
            token.display()
        );
        std::fs::write(&config_file, content).unwrap();
        let config = config.with_profile("pod").with_config_file(&config_file);
        config.with_credentials_file("/dev/null")
    });
    scene.store.put("db", b"canary-value");
    let broken = "<AssumeRoleWithWebIdentityResponse><SecretAccessKey>canary-secret";
    for status in [200, 403, 500] {
        scene.always(Answer::new(status).with_body(broken));
        scene.fetch(&Request::new("db")).await.unwrap_err();
    }
    scene.mend();
    scene.fetch(&Request::new("db")).await.unwrap();
}
