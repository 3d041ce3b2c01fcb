#![doc = include_str!("../README.md")]

mod config;
mod environment;
mod error;
mod source;

use std::sync::Arc;

use perennial_backend::BackendType;

pub use config::{Config, SETTINGS};
pub use environment::Environment;
pub use source::{ProcessEnvironment, Source};

/// Returns the row of this backend for the table of all.
#[must_use]
pub fn backend_type() -> BackendType {
    BackendType::new(&SETTINGS, |settings| {
        let config = Config::from_settings(settings)?;
        Ok(Arc::new(Environment::new(config)?))
    })
}
