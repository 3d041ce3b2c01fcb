#![doc = include_str!("../README.md")]

mod auth;
mod client;
mod config;
mod error;
mod names;
mod schedule;
mod secret_manager;
mod writer;

use std::sync::Arc;

use perennial_backend::BackendType;

pub use config::{AuthMethod, AuthOrder, Config, Retirement, SETTINGS};
pub use secret_manager::SecretManager;

/// Returns the row of this backend for the table of all.
#[must_use]
pub fn backend_type() -> BackendType {
    BackendType::new(&SETTINGS, |settings| {
        let config = Config::from_settings(settings)?;
        Ok(Arc::new(SecretManager::new(config)?))
    })
}
