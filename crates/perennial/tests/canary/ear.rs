//! Who listens: a collector of traces at the finest level, and a recorder of metrics, both of which
//! keep every word.

use std::fmt;
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Metadata, SharedString, Unit};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};

/// Everything that was said. Clones hear the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ear {
    heard: Arc<Mutex<Vec<(&'static str, String)>>>,
}

impl Ear {
    /// Listens to all traces and metrics of this process from now on.
    pub(crate) fn listen() -> Self {
        let ear = Self::default();
        tracing::subscriber::set_global_default(ear.clone()).unwrap();
        metrics::set_global_recorder(ear.clone()).unwrap();
        ear
    }

    pub(crate) fn hear(&self, channel: &'static str, words: impl Into<String>) {
        self.heard.lock().unwrap().push((channel, words.into()));
    }

    pub(crate) fn heard(&self) -> Vec<(&'static str, String)> {
        self.heard.lock().unwrap().clone()
    }

    fn hear_key(&self, key: &Key) {
        let labels = key.labels().map(Label::clone).collect::<Vec<_>>();
        self.hear("metric", format!("{} {labels:?}", key.name()));
    }
}

impl Visit for &Ear {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.hear("trace", format!("{field}={value:?}"));
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.hear("trace", span.metadata().name());
        span.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.hear("trace", event.metadata().name());
        event.record(&mut &*self);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl metrics::Recorder for Ear {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, words: SharedString) {
        self.hear("metric", words.into_owned());
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, words: SharedString) {
        self.hear("metric", words.into_owned());
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, words: SharedString) {
        self.hear("metric", words.into_owned());
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.hear_key(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.hear_key(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.hear_key(key);
        Histogram::noop()
    }
}
