//! The kit tests itself: an honest backend passes every rule, and for each rule there is a backend
//! with one defect that fails it.

#![cfg(test)]

mod defects;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use defects::{Defect, Defective};
use perennial_backend::{Backend, Capabilities, Members, Numbering, Secret, async_trait};
use perennial_testkit::conformance::{Failure, RULES};
use perennial_testkit::{Fault, Harness, ScriptedBackend, Unable};

struct Scripted {
    store: ScriptedBackend,
    backend: Arc<dyn Backend>,
    effects: Option<Arc<AtomicUsize>>,
}

impl Scripted {
    fn honest() -> Self {
        let store = ScriptedBackend::new();
        Self {
            backend: Arc::new(store.clone()),
            store,
            effects: None,
        }
    }

    /// A store that knows nothing but current values.
    fn plain() -> Self {
        let store = ScriptedBackend::with_capabilities(
            Capabilities::new().with_numbering(Numbering::Generations),
        );
        Self {
            backend: Arc::new(store.clone()),
            store,
            effects: None,
        }
    }

    fn defective(defect: Defect) -> Self {
        let store = match defect {
            Defect::StageAnsweredWithCurrent => {
                ScriptedBackend::with_capabilities(Capabilities::new())
            }
            _ => ScriptedBackend::new(),
        };
        let effects = Arc::new(AtomicUsize::new(0));
        let backend = Arc::new(Defective::new(store.clone(), defect, Arc::clone(&effects)));
        let effects = (defect == Defect::CheckHasEffects).then_some(effects);
        Self {
            store,
            backend,
            effects,
        }
    }
}

#[async_trait]
impl Harness for Scripted {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn seed(&self, label: &str, value: &[u8]) -> Result<String, Unable> {
        self.store.put(label, value);
        Ok(label.to_owned())
    }

    async fn update(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.store.put(resource, value);
        Ok(())
    }

    async fn prepare(&self, resource: &str, value: &[u8]) -> Result<(), Unable> {
        self.store.put_pending(resource, value);
        Ok(())
    }

    async fn delete(&self, resource: &str) -> Result<(), Unable> {
        self.store.remove(resource);
        Ok(())
    }

    async fn seed_members(&self, label: &str, members: &[(&str, &[u8])]) -> Result<String, Unable> {
        let named = members
            .iter()
            .map(|(name, value)| (*name, Secret::new(*value)));
        self.store.put_members(label, named.collect::<Members>());
        Ok(label.to_owned())
    }

    async fn deny(&self, resource: &str) -> Result<(), Unable> {
        self.store.deny(resource, true);
        Ok(())
    }

    async fn outage(&self, down: bool) -> Result<(), Unable> {
        if down {
            self.store.fault(Fault::outage());
        } else {
            self.store.recover();
        }
        Ok(())
    }

    async fn hang(&self, hung: bool) -> Result<(), Unable> {
        if hung {
            self.store.fault(Fault::Hang);
        } else {
            self.store.recover();
        }
        Ok(())
    }

    async fn effects(&self) -> Result<usize, Unable> {
        match &self.effects {
            Some(counter) => Ok(counter.load(Ordering::Relaxed)),
            None => Err(Unable::new("reads of this store have no effects")),
        }
    }
}

mod honest {
    use super::Scripted;

    perennial_testkit::conformance! {
        start = || async { Scripted::honest() },
        cannot = [],
    }
}

mod plain {
    use super::Scripted;

    perennial_testkit::conformance! {
        start = || async { Scripted::plain() },
        cannot = [],
    }
}

#[test]
fn every_rule_is_failed_by_the_backend_with_its_defect() {
    for rule in RULES {
        let Some((defect, _)) = Defect::ALL
            .iter()
            .find(|(_, breaks)| *breaks == rule.name())
        else {
            panic!("no defect breaks `{}`", rule.name());
        };
        let harness = Scripted::defective(*defect);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        match runtime.block_on(rule.check(&harness)) {
            Err(Failure::Broken(_)) => {}
            outcome => panic!("{defect:?} passes `{}`: {outcome:?}", rule.name()),
        }
    }
}

#[test]
fn every_defect_breaks_a_rule_that_exists() {
    for (defect, breaks) in Defect::ALL {
        assert!(
            RULES.iter().any(|rule| rule.name() == *breaks),
            "{defect:?} breaks {breaks}"
        );
    }
}

#[test]
#[should_panic(expected = "take it off the list")]
fn an_excuse_for_a_rule_that_holds_is_refused() {
    let rule = "current_value_is_fetched";
    perennial_testkit::conformance::run(rule, &[rule], || async { Scripted::honest() });
}

#[test]
#[should_panic(expected = "rule `current_value_is_fetched` is not met")]
fn a_broken_rule_names_itself() {
    perennial_testkit::conformance::run("current_value_is_fetched", &[], || async {
        Scripted::defective(Defect::ValueIsTrimmed)
    });
}
