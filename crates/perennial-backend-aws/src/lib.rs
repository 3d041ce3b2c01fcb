#![doc = include_str!("../README.md")]

mod answer;
mod auth;
mod batch;
mod batching;
mod client;
mod config;
mod dates;
mod error;
mod facts;
mod names;
mod routes;
mod secrets_manager;
mod time;
mod transport;
mod writer;

use std::sync::Arc;

use perennial_backend::BackendType;

pub use config::{Config, SETTINGS};
pub use secrets_manager::SecretsManager;

/// Returns the row of this backend for the table of all.
#[must_use]
pub fn backend_type() -> BackendType {
    BackendType::new(&SETTINGS, |settings| {
        let config = Config::from_settings(settings)?;
        Ok(Arc::new(SecretsManager::new(config)?))
    })
}
