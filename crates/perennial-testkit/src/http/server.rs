//! The server: a thread with a listener, which asks the script for each answer.

use std::any::Any;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::{Answer, Identity, Received};

type Script = dyn Fn(&Received) -> Answer + Send + Sync;

/// An HTTP/1.1 server on a free port of loopback, with a thread of its own, that ends when it is
/// dropped. A script that panics, as with an assertion that failed, fails the test then.
pub struct HttpServer {
    scene: Arc<Scene>,
    mode: watch::Sender<Mode>,
    thread: Option<JoinHandle<()>>,
}

struct Scene {
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    script: Box<Script>,
    seen: Mutex<Vec<Received>>,
    state: Mutex<State>,
    changed: Condvar,
    /// With what the script panicked, if it did.
    broken: Mutex<Option<Box<dyn Any + Send>>>,
}

/// What the thread of the server has come to.
#[derive(Default)]
struct State {
    listening: bool,
    connections: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Up,
    /// Connections are refused, and those that were open are gone.
    Down,
    /// Requests are taken, and answered once this is over.
    Hung,
    Over,
}

impl HttpServer {
    /// Starts a server that answers what the script says.
    ///
    /// # Panics
    /// Panics if there is no free port, which ends the test.
    #[must_use]
    pub fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::launch(None, Box::new(script))
    }

    /// Starts a server that speaks TLS, with the identity's certificate.
    ///
    /// # Panics
    /// Panics if there is no free port, which ends the test.
    #[must_use]
    pub fn start_tls(
        identity: &Identity,
        script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::launch(Some(identity.acceptor()), Box::new(script))
    }

    #[expect(clippy::unwrap_used, reason = "a test cannot go on without it")]
    #[expect(
        clippy::disallowed_methods,
        reason = "the server must go on while the test's own runtime is busy or paused"
    )]
    fn launch(tls: Option<TlsAcceptor>, script: Box<Script>) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let scene = Arc::new(Scene {
            address: listener.local_addr().unwrap(),
            tls,
            script,
            seen: Mutex::new(Vec::new()),
            state: Mutex::new(State {
                listening: true,
                connections: 0,
            }),
            changed: Condvar::new(),
            broken: Mutex::new(None),
        });
        let (mode, follow) = watch::channel(Mode::Up);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let stage = Arc::clone(&scene);
        let thread = std::thread::spawn(move || {
            runtime.block_on(serve(stage, listener, follow));
        });
        Self {
            scene,
            mode,
            thread: Some(thread),
        }
    }

    /// Returns the address, with the scheme and without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.scene.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.scene.address)
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.scene.address.port()
    }

    /// Returns every request that came whole, in the order in which they came.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.seen().clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.seen().clear();
    }

    /// Takes the server down, so that connections are refused and those that were open are gone, or
    /// up again on the same port. It is so when this returns.
    ///
    /// # Panics
    /// Panics if that takes longer than ten seconds, which ends the test.
    pub fn down(&self, down: bool) {
        self.mode
            .send_replace(if down { Mode::Down } else { Mode::Up });
        let reached = |state: &mut State| match down {
            true => state.listening || state.connections > 0,
            false => !state.listening,
        };
        let waited = self
            .scene
            .changed
            .wait_timeout_while(self.scene.state(), LIMIT, reached);
        let late = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!late, "the scripted server is stuck");
    }

    /// Lets the server take requests and answer none, or answer again, those that wait too.
    pub fn hang(&self, hung: bool) {
        self.mode
            .send_replace(if hung { Mode::Hung } else { Mode::Up });
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Received>> {
        self.scene.seen()
    }
}

impl Scene {
    fn seen(&self) -> MutexGuard<'_, Vec<Received>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

/// How long the thread of the server may take to follow.
const LIMIT: Duration = Duration::from_secs(10);

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Over);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let broken = self.scene.broken.lock();
        let broken = broken.unwrap_or_else(PoisonError::into_inner).take();
        match broken {
            Some(why) if !std::thread::panicking() => resume_unwind(why),
            _ => {}
        }
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer")
            .field("address", &self.scene.address)
            .finish_non_exhaustive()
    }
}

/// Listens while the server is up.
async fn serve(scene: Arc<Scene>, first: std::net::TcpListener, mut follow: watch::Receiver<Mode>) {
    let mut listener = TcpListener::from_std(first).ok();
    loop {
        let mode = *follow.borrow_and_update();
        match mode {
            Mode::Over => return,
            Mode::Down => {
                listener = None;
                scene.tell(|state| state.listening = false);
                if follow.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Mode::Up | Mode::Hung => {}
        }
        let Some(open) = &listener else {
            // The port may take a moment to be free again.
            match TcpListener::bind(scene.address).await {
                Ok(again) => {
                    listener = Some(again);
                    scene.tell(|state| state.listening = true);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
            continue;
        };
        tokio::select! {
            changed = follow.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            accepted = open.accept() => {
                if let Ok((stream, _)) = accepted {
                    let _ = stream.set_nodelay(true);
                    detach(Arc::clone(&scene), stream, follow.clone());
                }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server has a task for each connection"
)]
fn detach(scene: Arc<Scene>, stream: TcpStream, mode: watch::Receiver<Mode>) {
    let open = Open::new(&scene);
    tokio::spawn(async move {
        let _open = open;
        let mut gone = mode.clone();
        tokio::select! {
            () = converse(Arc::clone(&scene), stream, mode) => {}
            _ = gone.wait_for(|mode| matches!(mode, Mode::Down | Mode::Over)) => {}
        }
    });
}

/// A connection that is counted for as long as it is open.
struct Open(Arc<Scene>);

impl Open {
    fn new(scene: &Arc<Scene>) -> Self {
        scene.tell(|state| state.connections += 1);
        Self(Arc::clone(scene))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.tell(|state| state.connections -= 1);
    }
}

/// Answers on one connection until it ends.
async fn converse(scene: Arc<Scene>, stream: TcpStream, mode: watch::Receiver<Mode>) {
    match scene.tls.clone() {
        None => answer_all(scene, stream, mode).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                answer_all(scene, stream, mode).await;
            }
        }
    }
}

async fn answer_all(
    scene: Arc<Scene>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    mode: watch::Receiver<Mode>,
) {
    let service = service_fn(|request| answer(Arc::clone(&scene), mode.clone(), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

async fn answer(
    scene: Arc<Scene>,
    mut mode: watch::Receiver<Mode>,
    request: Request<Incoming>,
) -> Result<hyper::Response<super::answer::Paced>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let text =
        |value: &hyper::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    let received = Received {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    scene.seen().push(received.clone());
    let _ = mode.wait_for(|mode| *mode != Mode::Hung).await;
    let answer = match catch_unwind(AssertUnwindSafe(|| (scene.script)(&received))) {
        Ok(answer) => answer,
        Err(why) => {
            let mut broken = scene.broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.get_or_insert(why);
            return Err("the script panicked".into());
        }
    };
    answer.due().await;
    Ok(answer.response()?)
}
