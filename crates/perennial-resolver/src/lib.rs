#![doc = include_str!("../README.md")]

mod administration;
mod bind;
mod builder;
mod cell;
mod directory;
mod driver;
mod engine;
mod error;
mod events;
mod explain;
mod fit;
mod flight;
mod handle;
mod link;
mod listening;
#[cfg(test)]
mod meetings;
mod pulse;
mod random;
mod resolve;
mod resolver;
mod resource;
mod runtime;
mod select;
mod snapshot;
mod status;
mod sync;
mod tree;
mod turns;
mod value;
mod vault;
mod warm;

pub use administration::Removal;
pub use builder::Builder;
pub use error::{Error, ErrorKind};
pub use events::{Events, Happening, What};
pub use explain::{ExplainedSetting, Explanation};
pub use handle::{Changes, Handle, Loaded};
pub use resolve::{Problem, ResolveError};
pub use resolver::Resolver;
pub use snapshot::Snapshot;
pub use status::{State, Status};
pub use value::{Freshness, Value};
pub use warm::Warmed;
