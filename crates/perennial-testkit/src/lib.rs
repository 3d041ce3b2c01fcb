#![doc = include_str!("../README.md")]

mod clock;
pub mod conformance;
mod documents;
mod fault;
mod harness;
#[cfg(feature = "http")]
pub mod http;
mod runtime;
mod scripted;

pub use clock::{SimClock, Sleep};
pub use documents::assert_documented;
pub use fault::Fault;
pub use harness::{Harness, OUTSIDE, Unable};
pub use runtime::{LiveRuntime, SimRuntime};
pub use scripted::{Facts, ScriptedBackend};
