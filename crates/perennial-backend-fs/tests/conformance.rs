//! The contract, rule by rule, for plain files and for volumes as Kubernetes writes them: a test
//! that fails names the rule and what it asks.

#![cfg(test)]
#![cfg(unix)]

#[path = "files/stage.rs"]
mod stage;

use std::fs;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use perennial_backend::{Backend, BoxFuture, Clock, Context, Moment, Runtime, async_trait};
use perennial_backend_fs::Files;
use perennial_testkit::{Harness, LiveRuntime, OUTSIDE, Unable};
use stage::{Stage, as_nobody, publish};

/// How secrets are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Volumes,
}

/// A prefix that the rules may fill, change and break.
struct Scene {
    stage: Stage,
    style: Style,
    backend: Arc<Files>,
}

impl Scene {
    fn start(style: Style) -> Ready<Self> {
        let stage = Stage::new();
        let backend = Arc::new(stage.files());
        ready(Self {
            stage,
            style,
            backend,
        })
    }
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<Files>::clone(&self.backend)
    }

    fn context(&self) -> Context {
        let runtime = Unprivileged(LiveRuntime::new());
        let deadline = runtime.clock().now() + Duration::from_secs(20);
        Context::new(Arc::new(runtime), deadline)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        match self.style {
            Style::Plain => {
                self.stage.write(label, value);
                Ok(label.to_owned())
            }
            Style::Volumes => {
                publish(&self.stage.below(label), &[("value", value)]);
                Ok(format!("{label}/value"))
            }
        }
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        match self.style {
            Style::Plain => self.stage.write(resource, value),
            Style::Volumes => {
                let volume = resource.strip_suffix("/value").unwrap();
                publish(&self.stage.below(volume), &[("value", value)]);
            }
        }
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        match self.style {
            Style::Plain => fs::remove_file(self.stage.below(resource)).unwrap(),
            Style::Volumes => {
                let volume = resource.strip_suffix("/value").unwrap();
                publish(&self.stage.below(volume), &[]);
            }
        }
        Ok(())
    }

    async fn seed_members(&self, label: &str, members: &[(&str, &[u8])]) -> Result<String, Unable> {
        match self.style {
            Style::Plain => {
                for (name, value) in members {
                    self.stage.write(&format!("{label}/{name}"), value);
                }
            }
            Style::Volumes => drop(publish(&self.stage.below(label), members)),
        }
        Ok(label.to_owned())
    }

    async fn deny(&self, resource: &str) -> Result<(), Unable> {
        self.stage.chmod(resource, 0o000);
        Ok(())
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        let (here, away) = (self.stage.beside("prefix"), self.stage.beside("away"));
        let (from, to) = if down { (here, away) } else { (away, here) };
        fs::rename(from, to).unwrap();
        Ok(())
    }

    async fn escapes(&self) -> Vec<String> {
        let stage = &self.stage;
        // Where the names that the suite knows would lead.
        for outside in ["outside", "..\\outside", "beside/file"] {
            let path = stage.beside(outside);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, OUTSIDE).unwrap();
        }
        stage.link("link", "../outside");
        stage.link("chain", "link");
        stage.link("folder", "../beside");
        stage.link("parent", "..");
        stage.link("absolute", stage.beside("outside"));
        stage.link("over", stage.beside("prefix/../outside"));
        stage.link("deep", "a/../../outside");
        fs::create_dir(stage.below("volume")).unwrap();
        stage.link("volume/..data", "../../beside");
        let names = [
            "link",
            "chain",
            "folder",
            "folder/file",
            "parent",
            "parent/outside",
            "absolute",
            "over",
            "deep",
            "volume",
            "volume/..data/file",
            "inside/../../outside",
            "\0",
            "link\0",
        ];
        names.map(str::to_owned).to_vec()
    }
}

/// Runs what blocks as a user who may read only what all may read, so that a file that is closed
/// is closed for the backend even if root runs the test.
#[derive(Debug)]
struct Unprivileged(LiveRuntime);

impl Runtime for Unprivileged {
    fn clock(&self) -> &dyn Clock {
        self.0.clock()
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'static, ()> {
        self.0.sleep_until(at)
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        self.0.run_blocking(Box::new(move || as_nobody(work)))
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}

mod plain_files {
    use super::{Scene, Style};

    perennial_testkit::conformance! {
        start = || Scene::start(Style::Plain),
        cannot = ["hung_call_can_be_dropped"],
    }
}

mod volumes {
    use super::{Scene, Style};

    perennial_testkit::conformance! {
        start = || Scene::start(Style::Volumes),
        cannot = ["hung_call_can_be_dropped"],
    }
}
