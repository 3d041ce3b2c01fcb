//! A server's process: started on a free port in a folder of its own, stopped, frozen, ended.
//!
//! What the servers speak is not known here.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running server; it is ended when this is dropped.
pub(crate) struct Server {
    program: PathBuf,
    args: Vec<String>,
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts the program that a variable names and waits until it takes connections.
    ///
    /// `args` makes its arguments from the port and from a folder that is its own.
    pub(crate) fn start(variable: &str, args: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        let program = program(variable);
        let mut tries = 0;
        loop {
            let folder = tempfile::Builder::new()
                .prefix("server-")
                .tempdir_in(run_folder())
                .unwrap();
            let port = free_port();
            let mut server = Self {
                program: program.clone(),
                args: args(port, folder.path()),
                folder,
                port,
                child: None,
            };
            match server.launch() {
                Ok(()) => return server,
                // Somebody else may have taken the port in between.
                Err(why) if tries == 2 => panic!("{} does not start: {why}", program.display()),
                Err(_) => tries += 1,
            }
        }
    }

    /// Returns the address over plain HTTP.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the folder that is this server's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the process at once, as a crash would; connections to it are refused from then on.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            let _ = fs::remove_file(note(child.id()));
        }
    }

    /// Starts it again with the same arguments, on the same port and in the same folder.
    pub(crate) fn start_again(&mut self) {
        self.stop();
        self.launch().unwrap();
    }

    /// Stops the process where it stands: it takes connections and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server runs");
        let id = Pid::from_raw(child.id().cast_signed()).unwrap();
        kill_process(id, signal).unwrap();
    }

    fn launch(&mut self) -> Result<(), String> {
        let log = self.folder.path().join("log");
        let out = File::create(&log).map_err(|why| why.to_string())?;
        let errors = out.try_clone().map_err(|why| why.to_string())?;
        let child = Command::new(&self.program)
            .args(&self.args)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .spawn()
            .map_err(|why| why.to_string())?;
        let id = self.child.insert(child).id();
        fs::write(note(id), "").map_err(|why| why.to_string())?;
        let said = || fs::read_to_string(&log).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let ready = until(START_LIMIT, || {
            let taken = takes_connections(address);
            match self.child.as_mut()?.try_wait().ok()? {
                Some(ended) => Some(Err(format!("it ended with {ended}:\n{}", said()))),
                // Whoever takes connections is ours as long as ours still runs.
                None => taken.then_some(Ok(())),
            }
        });
        ready.unwrap_or_else(|| Err(format!("it takes no connections:\n{}", said())))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Asks again and again until there is an answer, or gives up.
pub(crate) fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > limit {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

const START_LIMIT: Duration = Duration::from_secs(60);

/// Where the path of a server's program is found.
fn program(variable: &str) -> PathBuf {
    match env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!("{variable} names no program: run this with `cargo xtask live`"),
    }
}

/// The folder below which everything of this run lies; `cargo xtask live` ends what is noted there.
fn run_folder() -> PathBuf {
    env::var_os("PERENNIAL_LIVE_RUN").map_or_else(env::temp_dir, Into::into)
}

fn note(id: u32) -> PathBuf {
    run_folder().join(format!("{id}.process"))
}

/// Whether somebody listens there; a connection that met itself does not count.
fn takes_connections(address: SocketAddr) -> bool {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    stream.is_ok_and(|stream| stream.local_addr().ok() != stream.peer_addr().ok())
}

/// A port that nobody has: no other test of this process, since each is given once, and no client
/// of this machine, since it lies below those that are given to them.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 5_000).unwrap();
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
