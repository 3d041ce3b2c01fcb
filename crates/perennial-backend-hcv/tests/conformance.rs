//! The contract, rule by rule, for KV 1 and KV 2, against a stand-in that speaks the protocol over
//! loopback: a test that fails names the rule and what it asks.

#![cfg(test)]

#[path = "conformance/member.rs"]
mod member;
#[path = "wire/stand_in.rs"]
#[expect(dead_code, reason = "the tests of the wire use the rest of it")]
mod stand_in;

use std::future::{Ready, ready};
use std::sync::Arc;

use member::{MEMBER, Member};
use perennial_backend::{Backend, async_trait};
use perennial_backend_hcv::{Engine, Kv};
use perennial_testkit::{Harness, OUTSIDE, Unable};
use serde_json::json;
use stand_in::StandIn;

/// A server that the rules may fill, change and break.
struct Scene {
    stand_in: StandIn,
    engine: Engine,
    backend: Arc<Member>,
}

impl Scene {
    fn start(engine: Engine) -> Ready<Self> {
        let stand_in = StandIn::start();
        let config = match engine {
            // There is nothing to be asked of a mount that was named.
            Engine::V1 => stand_in.config().with_mount("old").with_engine(engine),
            _ => stand_in.config(),
        };
        let backend = Arc::new(Member(Arc::new(Kv::new(config).unwrap())));
        ready(Self {
            stand_in,
            engine,
            backend,
        })
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<(), Unable> {
        let text =
            str::from_utf8(value).map_err(|_| Unable::new("KV keeps JSON, which is text"))?;
        let object = json!({MEMBER: text, "other": 1});
        match self.engine {
            Engine::V1 => self.stand_in.write_first(name, object),
            _ => self.stand_in.write(name, object),
        }
        Ok(())
    }
}

#[async_trait]
impl Harness for Scene {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::<Member>::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        let name = format!("app/{label}");
        self.write(&name, value)?;
        Ok(name)
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.write(resource, value)
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        match self.engine {
            Engine::V1 => drop(self.stand_in.edit(|state| state.first.remove(resource))),
            _ => self.stand_in.delete(resource, None),
        }
        Ok(())
    }

    async fn deny(&self, resource: &str) -> Result<(), Unable> {
        let path = match self.engine {
            Engine::V1 => format!("old/{resource}"),
            _ => format!("secret/data/{resource}"),
        };
        self.stand_in.edit(|state| state.denied.insert(path));
        Ok(())
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        self.stand_in.server.down(down);
        Ok(())
    }

    async fn hang(&self, hung: bool) -> Result<(), Unable> {
        self.stand_in.server.hang(hung);
        Ok(())
    }

    async fn escapes(&self) -> Vec<String> {
        // Where the names of the suite would lead, if anybody cut or decoded them.
        for name in ["outside", "a/outside", "b"] {
            self.write(name, OUTSIDE).unwrap();
        }
        let names = [
            "%2e%2e%2foutside",
            "%252e%252e/outside",
            "a/%2E%2E/outside",
            "x/..%2foutside",
            "outside%3fversion=1",
            "../metadata/outside",
            "../../sys/health",
            "outside\u{0}",
            "\u{2028}/../outside",
        ];
        names.map(str::to_owned).to_vec()
    }

    async fn calls(&self) -> Result<usize, Unable> {
        Ok(self.stand_in.server.requests().len())
    }
}

mod second {
    use super::{Engine, Scene};

    perennial_testkit::conformance! {
        start = || Scene::start(Engine::V2),
        cannot = [
            "binary_value_is_kept",
            "members_come_from_one_read",
        ],
    }
}

mod first {
    use super::{Engine, Scene};

    perennial_testkit::conformance! {
        start = || Scene::start(Engine::V1),
        cannot = [
            "binary_value_is_kept",
            "members_come_from_one_read",
        ],
    }
}
