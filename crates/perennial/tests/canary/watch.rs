//! Shows values of our types in all ways that there are.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};

use perennial_resolver::Value;

use crate::ear::Ear;

/// Shows whatever there is to be shown, to the ear.
pub(crate) struct Watch {
    pub(crate) ear: Ear,
    /// The types that were shown, `crate Type` each.
    pub(crate) tried: BTreeSet<String>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            ear: Ear::listen(),
            tried: BTreeSet::new(),
        }
    }

    /// Shows a value of a type of ours.
    pub(crate) fn show(&mut self, name: &str, value: &(impl Debug + ?Sized)) {
        assert!(name.contains(' '), "`crate Type`");
        self.tried.insert(name.to_owned());
        self.ear.hear("debug", format!("{name}: {value:?}"));
        self.ear.hear("debug", format!("{name}: {value:#?}"));
    }

    pub(crate) fn backend(&mut self, name: &str, value: &(impl Debug + ?Sized)) {
        self.show(&format!("perennial-backend {name}"), value);
    }

    pub(crate) fn ours(&mut self, name: &str, value: &(impl Debug + ?Sized)) {
        self.show(&format!("perennial-resolver {name}"), value);
    }

    pub(crate) fn say(&self, value: &impl Display) {
        self.ear.hear("error", value.to_string());
    }

    /// Shows an error in all ways that there are, with all that is below it.
    pub(crate) fn fail(&mut self, error: &perennial_resolver::Error) {
        self.ours("Error", error);
        if let Some(below) = error.as_backend() {
            self.backend_fail(below);
        }
        self.say(error);
        self.say(&error.help().unwrap_or_default());
        self.say(&error.reference().unwrap_or_default());
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            self.say(&cause);
            self.ear.hear("error", format!("{cause:?}"));
            source = cause.source();
        }
    }

    pub(crate) fn backend_fail(&mut self, error: &perennial_backend::Error) {
        self.backend("Error", error);
        self.say(error);
        self.say(&error.help().unwrap_or_default());
        for (_, words) in error.context() {
            self.say(&words);
        }
    }

    pub(crate) fn misfit(&mut self, error: &perennial_resolver::ResolveError) {
        self.ours("ResolveError", error);
        self.say(error);
        for problem in error.problems() {
            self.ours("Problem", problem);
            self.say(problem);
            self.fail(problem.error());
        }
    }

    pub(crate) fn value(&mut self, value: &Value) {
        self.ours("Value", value);
        self.ours("Freshness", value.freshness());
        self.backend("Secret", value.secret());
        if let Some(version) = value.version() {
            self.backend("Version", version);
        }
    }
}
