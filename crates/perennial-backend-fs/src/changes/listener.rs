//! The stream: waits for news, has them looked at, and hands out one hint after another.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use perennial_backend::{BoxFuture, Context, Error, Hint, Hints, async_trait};

use super::held::Held;
use super::queue::{Queue, Work};
use super::scout::{Report, Scout};

/// Tells of changes, until it is dropped.
///
/// Whatever is under way is kept in here and not in the future of a call, so that nothing is lost
/// with a call that is dropped.
pub(crate) struct Listener {
    cx: Context,
    pub(super) queue: Arc<Queue>,
    held: Arc<Held>,
    phase: Phase,
    hints: VecDeque<Hint>,
    /// Until when nobody looks at what is not watched.
    rest: Option<BoxFuture<'static, ()>>,
}

enum Phase {
    Idle(Box<Scout>),
    Looking(BoxFuture<'static, Result<(Box<Scout>, Report), Error>>),
    Over,
}

impl Listener {
    /// Begins to listen: from the return of this on, what is held is watched.
    pub(crate) async fn begin(
        cx: Context,
        queue: Arc<Queue>,
        held: Arc<Held>,
        scout: Scout,
    ) -> Result<Self, Error> {
        let work = queue.take(Waker::noop()).unwrap_or_default();
        let (scout, report) = look(cx.clone(), Box::new(scout), work, false).await?;
        Ok(Self {
            cx,
            queue,
            held,
            phase: Phase::Idle(scout),
            hints: report.hints.into(),
            rest: None,
        })
    }

    fn poll_next(&mut self, task: &mut task::Context<'_>) -> Poll<Option<Hint>> {
        loop {
            while let Some(hint) = self.hints.pop_front() {
                if self.is_wanted(&hint) {
                    return Poll::Ready(Some(hint));
                }
            }
            self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Over => return Poll::Ready(None),
                Phase::Looking(mut job) => match job.as_mut().poll(task) {
                    Poll::Pending => {
                        self.phase = Phase::Looking(job);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok((scout, report))) if !report.over => {
                        self.hints.extend(report.hints);
                        Phase::Idle(scout)
                    }
                    // Whoever listens learns that something was lost, and begins anew.
                    Poll::Ready(_) => Phase::Over,
                },
                Phase::Idle(scout) => {
                    let patrol = self.is_rested(task);
                    let work = self.queue.take(task.waker());
                    if work.is_none() && !patrol {
                        self.phase = Phase::Idle(scout);
                        return Poll::Pending;
                    }
                    let job = look(self.cx.clone(), scout, work.unwrap_or_default(), patrol);
                    Phase::Looking(Box::pin(job))
                }
            };
        }
    }

    /// Returns whether it is time to look at what is not watched. Where nothing is held there is
    /// nothing to look at, and nobody is woken for it.
    fn is_rested(&mut self, task: &mut task::Context<'_>) -> bool {
        if self.held.is_empty() {
            self.rest = None;
            return false;
        }
        let rest = self.rest.get_or_insert_with(|| {
            let cx = self.cx.clone();
            Box::pin(async move { cx.sleep(PATROL).await })
        });
        let is_over = rest.as_mut().poll(task).is_ready();
        if is_over {
            self.rest = None;
        }
        is_over
    }

    /// Returns whether somebody still holds what a hint is about.
    fn is_wanted(&self, hint: &Hint) -> bool {
        match hint {
            Hint::Resource(name) => self.held.contains(name),
            _ => true,
        }
    }
}

#[async_trait]
impl Hints for Listener {
    async fn next(&mut self) -> Option<Hint> {
        poll_fn(|task| self.poll_next(task)).await
    }
}

async fn look(
    cx: Context,
    mut scout: Box<Scout>,
    work: Work,
    patrol: bool,
) -> Result<(Box<Scout>, Report), Error> {
    cx.run_blocking(move || {
        let report = scout.look(work, patrol);
        (scout, report)
    })
    .await
}

/// How long what is not watched may differ before somebody looks.
const PATROL: Duration = Duration::from_secs(2);
