#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod backoff;
mod breaker;
mod budget;
mod jitter;
mod schedule;

pub use backoff::{Backoff, Trouble};
pub use breaker::{Breaker, Pass};
pub use budget::{Budget, Start};
pub use jitter::Jitter;
pub use schedule::{Key, Schedule};
