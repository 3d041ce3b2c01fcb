//! `perennial watch`: a line for each thing that happens.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::program::{binary, perennial};

/// A running `perennial watch`, ended when it is let go of.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    #[expect(
        clippy::disallowed_methods,
        reason = "a pipe is read while the test goes on"
    )]
    fn start(prefix: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .arg("watch")
            .args(args)
            .env_clear()
            .env("PERENNIAL_VAULT_FS_PREFIX", prefix)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for the next line, but no longer than half a minute.
    fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(30)).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_swapped_volume_is_told_of_without_its_values() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path().join("db");
    for (version, password) in [
        ("..2026_01_01", "canary-one"),
        ("..2026_02_02", "canary-two"),
    ] {
        fs::create_dir_all(volume.join(version)).unwrap();
        fs::write(volume.join(version).join("password"), password).unwrap();
    }
    symlink("..data/password", volume.join("password")).unwrap();
    symlink("..2026_01_01", volume.join("..data")).unwrap();
    let reference = "{vault://fs/db/password?ttl=86400}";
    let canonical = reference;
    // Age brings nothing new within a day: what comes is told of by the file system.
    let plain = Watching::start(folder.path(), &[reference]);
    let json = Watching::start(folder.path(), &["--json", "--reveal", reference]);
    let current = plain.line();
    assert!(
        current.starts_with(&format!("current {canonical}")),
        "{current}"
    );
    let first: serde_json::Value = serde_json::from_str(&json.line()).unwrap();
    assert_eq!(first["event"], "current");
    assert_eq!(first["value"], "canary-one");

    symlink("..2026_02_02", volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    let rotated = plain.line();
    assert!(
        rotated.starts_with(&format!("rotated {canonical}")),
        "{rotated}"
    );
    assert!(!current.contains("canary") && !rotated.contains("canary"));
    let second: serde_json::Value = serde_json::from_str(&json.line()).unwrap();
    assert_eq!(second["event"], "rotated");
    assert_eq!(second["ref"], canonical);
    assert_eq!(second["value"], "canary-two");
}

#[test]
fn what_cannot_be_had_at_the_start_is_an_error() {
    perennial(&[], &["watch", "env/nothing"]).is(
        3,
        "",
        "error: cannot resolve {vault://env/nothing}: environment variable `NOTHING` is not set\n  \
           help: set `NOTHING` in the environment of this process\n",
    );
}
