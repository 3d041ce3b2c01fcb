//! What a scripted server answers, and how badly.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::Response;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

/// One answer of a scripted server.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    wait: Option<Duration>,
    pace: Option<(usize, Duration)>,
    cut: Option<usize>,
    silent: bool,
}

impl Answer {
    /// Makes an answer with this status and an empty body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            wait: None,
            pace: None,
            cut: None,
            silent: false,
        }
    }

    /// Makes an answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, text: impl Into<String>) -> Self {
        Self::new(status)
            .with_header("content-type", "application/json")
            .with_body(text.into())
    }

    /// Makes an answer that never comes; the connection stays open.
    #[must_use]
    pub fn hang() -> Self {
        Self {
            silent: true,
            ..Self::new(200)
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Bytes::from(body.into());
        self
    }

    /// Waits for this long before the first byte is sent.
    #[must_use]
    pub fn slow_headers(mut self, span: Duration) -> Self {
        self.wait = Some(span);
        self
    }

    /// Sends the body in pieces of `size` bytes, with a pause before each.
    #[must_use]
    pub fn slow_body(mut self, size: usize, pause: Duration) -> Self {
        self.pace = Some((size.max(1), pause));
        self
    }

    /// Announces the whole body and ends the connection after this many bytes of it.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    /// Waits for as long as the answer says.
    pub(super) async fn due(&self) {
        if self.silent {
            std::future::pending::<Infallible>().await;
        }
        if let Some(span) = self.wait {
            tokio::time::sleep(span).await;
        }
    }

    pub(super) fn response(&self) -> Result<Response<Paced>, hyper::http::Error> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Paced {
            announced: self.body.len() as u64,
            left: self
                .body
                .slice(..self.cut.unwrap_or(usize::MAX).min(self.body.len())),
            cut: self.cut.is_some_and(|at| at < self.body.len()),
            flushed: false,
            pace: self.pace,
            pause: None,
        })
    }
}

/// A body that is sent at the pace of a script, and may end before its time.
pub(super) struct Paced {
    announced: u64,
    left: Bytes,
    cut: bool,
    flushed: bool,
    pace: Option<(usize, Duration)>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left.is_empty() {
            if !self.cut {
                return Poll::Ready(None);
            }
            if self.flushed {
                self.cut = false;
                return Poll::Ready(Some(Err(io::Error::other("cut, as the script says"))));
            }
            // What was given so far is only sent once there is nothing more for the moment.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut size = self.left.len();
        if let Some((piece, span)) = self.pace {
            let pause = self
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(span)));
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
            size = size.min(piece);
        }
        let piece = self.left.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
