#![doc = include_str!("../README.md")]

mod bind;
mod directory;
mod driver;
mod error;
mod explain;
mod fit;
mod flight;
mod resolve;
mod resolver;
mod resource;
mod select;
mod tree;
mod value;
mod vault;

pub use error::{Error, ErrorKind};
pub use explain::{ExplainedSetting, Explanation};
pub use resolve::{Problem, ResolveError};
pub use resolver::{Builder, Resolver};
pub use value::Value;
