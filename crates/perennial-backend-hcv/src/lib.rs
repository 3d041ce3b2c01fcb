#![doc = include_str!("../README.md")]

mod answer;
mod auth;
mod config;
mod dates;
mod endpoints;
mod engines;
mod error;
mod fields;
mod files;
mod kv;
mod login;
mod names;
mod place;
mod session;
mod sigv4;
mod transport;
mod writer;

use std::sync::Arc;

use perennial_backend::BackendType;

pub use auth::{Auth, AwsKeys, Source};
pub use config::{Config, Engine, Tls};
pub use fields::SETTINGS;
pub use kv::Kv;

/// Returns the row of this backend for the table of all.
#[must_use]
pub fn backend_type() -> BackendType {
    BackendType::new(&SETTINGS, |settings| {
        let config = Config::from_settings(settings)?;
        Ok(Arc::new(Kv::new(config)?))
    })
}
