#![doc = include_str!("../README.md")]

mod auth;
mod config;
mod error;
mod store;
mod wire;

use std::sync::Arc;

use perennial_backend::BackendType;

pub use config::{Config, SETTINGS};
pub use store::Store;

/// Returns the row of this backend for the table of all.
#[must_use]
pub fn backend_type() -> BackendType {
    BackendType::new(&SETTINGS, |settings| {
        let config = Config::from_settings(settings)?;
        Ok(Arc::new(Store::new(config)))
    })
}
