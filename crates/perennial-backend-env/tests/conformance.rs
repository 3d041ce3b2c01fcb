//! The contract, rule by rule: a test that fails names the rule and what it asks.

#![cfg(test)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use perennial_backend::{Backend, async_trait};
use perennial_backend_env::{Config, Environment};
use perennial_testkit::{Harness, OUTSIDE, Unable};

/// An environment that the rules may fill and change: that of a process is no test's to write.
struct Scene {
    variables: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    backend: Arc<Environment>,
}

impl Scene {
    fn start() -> Ready<Self> {
        let variables = Arc::new(Mutex::new(BTreeMap::<String, Vec<u8>>::new()));
        let source = Arc::clone(&variables);
        let backend = Environment::new(Config::default().with_prefix("app-"))
            .unwrap()
            .with_source(move |name: &str| source.lock().unwrap().get(name).cloned().map(text));
        // What lies beside the prefix is outside.
        let outside = ["OUTSIDE", "APP", "PATH", "A=B", "APP=OUTSIDE"];
        variables
            .lock()
            .unwrap()
            .extend(outside.map(|name| (name.to_owned(), OUTSIDE.to_vec())));
        ready(Self {
            variables,
            backend: Arc::new(backend),
        })
    }

    fn set(&self, name: String, value: &[u8]) {
        self.variables.lock().unwrap().insert(name, value.to_vec());
    }
}

#[cfg(unix)]
fn text(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn text(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn variable(resource: &str) -> String {
    format!("APP_{}", resource.to_ascii_uppercase())
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<Environment>::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        self.set(variable(label), value);
        Ok(label.to_owned())
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        let name = variable(resource);
        let old = self.variables.lock().unwrap().remove(&name).unwrap();
        self.set(format!("{name}_PREVIOUS"), &old);
        self.set(name, value);
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        self.variables.lock().unwrap().remove(&variable(resource));
        Ok(())
    }

    async fn deny(&self, _resource: &str) -> Result<(), Unable> {
        Err(Unable::new("a process may read its whole environment"))
    }

    async fn outage(&self, _down: bool) -> Result<(), Unable> {
        Err(Unable::new(
            "an environment is there as long as its process",
        ))
    }

    async fn escapes(&self) -> Vec<String> {
        ["=b", "=outside", "a=b", "\0", "-=", "../PATH", "app"]
            .map(str::to_owned)
            .to_vec()
    }
}

perennial_testkit::conformance! {
    start = Scene::start,
    cannot = [
        "denied_secret_is_permission_denied",
        "outage_is_unavailable",
        "hung_call_can_be_dropped",
        "members_come_from_one_read",
    ],
}
