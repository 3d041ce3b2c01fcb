//! A prefix with room around it, volumes as Kubernetes writes them, and a reader without
//! privileges.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use perennial_backend_fs::{Config, Files};
use rustix::process::{Gid, Uid, geteuid};
use tempfile::TempDir;

/// A directory whose folder `prefix` is a vault's.
pub(crate) struct Stage {
    dir: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Others have to be able to enter, since tests may read as somebody else.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("prefix")).unwrap();
        Self { dir }
    }

    /// A path beside the prefix.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A path below the prefix.
    pub(crate) fn below(&self, name: &str) -> PathBuf {
        self.dir.path().join("prefix").join(name)
    }

    pub(crate) fn config(&self) -> Config {
        Config::default().with_prefix(self.beside("prefix"))
    }

    pub(crate) fn files(&self) -> Files {
        Files::new(self.config()).unwrap()
    }

    /// Writes a file below the prefix, and the directories above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.below(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Makes a link below the prefix.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.below(name)).unwrap();
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.below(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Writes the next version of a volume and brings it into force, in the order in which Kubernetes
/// does it; the version before it is removed. Returns the name of the new one.
pub(crate) fn publish(volume: &Path, files: &[(&str, &[u8])]) -> String {
    let name = stamp();
    let old = fs::read_link(volume.join("..data")).ok();
    fs::create_dir_all(volume.join(&name)).unwrap();
    for (file, bytes) in files {
        fs::write(volume.join(&name).join(file), bytes).unwrap();
    }
    symlink(&name, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    for (file, _) in files {
        if fs::symlink_metadata(volume.join(file)).is_err() {
            symlink(Path::new("..data").join(file), volume.join(file)).unwrap();
        }
    }
    for entry in fs::read_dir(volume).unwrap() {
        let shown = entry.unwrap().file_name().into_string().unwrap();
        if !shown.starts_with("..") && files.iter().all(|(file, _)| *file != shown) {
            fs::remove_file(volume.join(shown)).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(volume.join(old)).unwrap();
    }
    name
}

fn stamp() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("..2026_11_26_20_00_00.{number}")
}

/// Does something as a user who may read only what all may read. Root may read everything, so for
/// it this takes a thread of its own that becomes somebody else; the thread proves that it did.
pub(crate) fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if !geteuid().is_root() {
        return work();
    }
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            become_nobody();
            work()
        });
        thread.join().unwrap()
    })
}

#[cfg(target_os = "linux")]
fn become_nobody() {
    use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

    set_thread_groups(&[]).unwrap();
    set_thread_gid(Gid::from_raw(65534)).unwrap();
    set_thread_uid(Uid::from_raw(65534)).unwrap();
    assert_eq!(geteuid(), Uid::from_raw(65534));
    let closed = tempfile::NamedTempFile::new().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o000)).unwrap();
    let refused = fs::read(closed.path()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
}

#[cfg(not(target_os = "linux"))]
fn become_nobody() {
    let _ = (Uid::ROOT, Gid::ROOT);
    panic!("a thread cannot become another user here: run this test as somebody else than root");
}
