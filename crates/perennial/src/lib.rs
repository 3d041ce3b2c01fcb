#![doc = include_str!("../README.md")]

mod backends;

/// Secrets of AWS Secrets Manager.
#[cfg(feature = "aws")]
pub use perennial_backend_aws as aws;
/// Secrets in environment variables.
#[cfg(feature = "env")]
pub use perennial_backend_env as env;
/// Secrets in files and directories.
#[cfg(feature = "fs")]
pub use perennial_backend_fs as fs;
/// Secrets of GCP Secret Manager.
#[cfg(feature = "gcp")]
pub use perennial_backend_gcp as gcp;
/// Secrets of HashiCorp Vault and OpenBao.
#[cfg(feature = "hcv")]
pub use perennial_backend_hcv as hcv;

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
