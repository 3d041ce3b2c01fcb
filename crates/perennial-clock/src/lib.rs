#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "system")]
extern crate std;

mod clock;
mod moment;
#[cfg(feature = "system")]
mod system;

pub use clock::Clock;
pub use moment::{Moment, UnixTime};
#[cfg(feature = "system")]
pub use system::SystemClock;
