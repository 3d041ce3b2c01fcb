#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod facts;
mod failure;
mod lookup;
mod policy;
#[cfg(test)]
mod story;
mod terms;

pub use facts::Facts;
pub use failure::{Failed, Failure, FailureClass};
pub use lookup::{Answer, Lookup, Wait};
pub use policy::{Policy, Reaction};
pub use terms::Terms;
