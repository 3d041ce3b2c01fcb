#![doc = include_str!("../README.md")]

mod backends;

/// Secrets in environment variables.
#[cfg(feature = "env")]
pub use perennial_backend_env as env;
/// Secrets in files and directories.
#[cfg(feature = "fs")]
pub use perennial_backend_fs as fs;

pub use backends::backends;
/// The contract of backends, for those who write one.
pub use perennial_backend as backend;
pub use perennial_backend::{Backends, Secret, VaultSpec, Version};
pub use perennial_config::{ConfigError, Found, Origin, Warning, from_environment};
pub use perennial_reference::{
    ParseError, Ref, Reference, Template, VaultName, VersionSpec, is_reference,
};
pub use perennial_resolver::{
    Builder, Changes, Error, ErrorKind, Events, ExplainedSetting, Explanation, Freshness, Handle,
    Happening, Loaded, Problem, Removal, ResolveError, Resolver, Snapshot, State, Status, Value,
    Warmed, What,
};
