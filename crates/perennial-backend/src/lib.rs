#![doc = include_str!("../README.md")]

mod backend;
mod batch;
mod capabilities;
mod context;
mod error;
mod facets;
mod fetched;
mod field;
mod request;
mod secret;
mod setting;
pub mod settings;
mod table;
mod vault;
mod version;
mod writer;

pub use async_trait::async_trait;
pub use backend::Backend;
pub use batch::Batch;
pub use capabilities::{Capabilities, Numbering};
pub use context::{BoxFuture, Context, Runtime};
pub use error::{Cause, ContextKey, Error, ErrorKind, Operation};
pub use facets::{Changes, Facets, Hint, Hints, Lease, Leases, Upkeep};
pub use fetched::{Fetched, Members, Payload};
pub use field::{Field, FieldClass, FieldKind, parse_boolean, parse_duration};
pub use perennial_clock::{Clock, Moment, UnixTime};
pub use request::{Purpose, Request};
pub use secret::Secret;
pub use setting::{Origin, Setting, SettingMap};
pub use settings::Settings;
pub use table::{Absence, BackendType, Backends};
pub use vault::{Common, VaultSpec};
pub use version::{Selector, Version};
pub use writer::{Expected, Promote, Put, VersionState, VersionedWriter};
