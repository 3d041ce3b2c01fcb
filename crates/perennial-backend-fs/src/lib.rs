#![doc = include_str!("../README.md")]

mod beneath;
mod changes;
mod config;
mod error;
mod files;
mod names;
mod read;

use std::sync::Arc;

use perennial_backend::BackendType;

pub use config::{Config, SETTINGS, Trim, Watch};
pub use files::Files;

/// Returns the row of this backend for the table of all.
#[must_use]
pub fn backend_type() -> BackendType {
    BackendType::new(&SETTINGS, |settings| {
        let config = Config::from_settings(settings)?;
        Ok(Arc::new(Files::new(config)?))
    })
}
