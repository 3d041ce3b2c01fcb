//! Who is asked for the time; how to sleep is the driver's affair and not here.

use core::fmt::Debug;

use crate::{Moment, UnixTime};

/// Tells the time.
///
/// 1. [`now`](Clock::now) never goes back, and counts while the machine is suspended where the
///    system can tell.
/// 2. [`unix_time`](Clock::unix_time) may jump in both directions.
/// 3. Neither blocks.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the current moment on the monotonic scale.
    fn now(&self) -> Moment;

    /// Returns the current wall time.
    fn unix_time(&self) -> UnixTime;
}
