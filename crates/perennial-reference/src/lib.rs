//! The crate's front page and its public names; no code lives here.
#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod compose;
mod duration;
mod error;
mod escape;
mod options;
mod parse;
mod print;
mod query;
mod reference;
mod scan;
#[cfg(feature = "serde")]
mod serde;
mod template;
mod vault;
mod version;

pub use duration::parse_duration;
pub use error::{ParseError, ParseErrorKind};
pub use options::{Coerce, OptionValue, Options, Others};
pub use parse::is_reference;
pub use reference::{Ref, Reference};
pub use template::{Segment, Segments, Template};
pub use vault::{VaultName, is_vault_name};
pub use version::VersionSpec;
