#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod facts;
mod failure;
mod lookup;
mod policy;
mod terms;

pub use facts::Facts;
pub use failure::{Failed, Failure, FailureClass};
pub use lookup::{Answer, Lookup, Wait};
pub use policy::{Policy, Reaction};
pub use terms::Terms;
