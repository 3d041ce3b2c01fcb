#![doc = include_str!("../README.md")]

mod environment;
mod error;

pub use environment::{Found, from_environment};
pub use error::{ConfigError, Warning};
pub use perennial_backend::{Origin, Setting, SettingMap, VaultSpec};
