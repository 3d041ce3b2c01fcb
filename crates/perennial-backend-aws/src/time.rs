//! The driver's clock and its waiting, in the form that the SDK takes them.
//!
//! So signatures, sessions and timeouts go by the clock of the driver, as all else does.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use perennial_backend::{BoxFuture, Context};

/// What a context lends, for as long as a client lives. Its deadline plays no part.
#[derive(Clone, Debug)]
pub(crate) struct Time(Context);

impl Time {
    pub(crate) fn of(cx: &Context) -> Self {
        Self(cx.clone())
    }
}

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.0.unix_time().since_epoch()
    }
}

impl AsyncSleep for Time {
    fn sleep(&self, span: Duration) -> Sleep {
        let cx = self.0.clone();
        Sleep::new(Alone(Mutex::new(Box::pin(async move {
            cx.sleep(span).await;
        }))))
    }
}

/// A future that may be looked at from several threads, as the SDK asks of it. Nobody does: whoever
/// polls it has it alone, so the lock is never waited for.
struct Alone(Mutex<BoxFuture<'static, ()>>);

impl Future for Alone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<()> {
        let future = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        future.as_mut().poll(task)
    }
}
