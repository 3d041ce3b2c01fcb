//! The folder in which the tests start their servers, and the end of all that were started there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::programs::{cache, told};
use crate::process::Step;

/// The variable that tells the tests where the folder is.
pub(super) const VARIABLE: &str = "PERENNIAL_LIVE_RUN";

/// The folder of one run. When this is dropped, whatever happened, no server is left.
#[derive(Debug)]
pub(super) struct Stage {
    folder: PathBuf,
    /// Held for as long as the run lasts: one at a time.
    _lock: File,
}

impl Stage {
    /// Makes the folder; what an earlier run that was cut off left there is ended first.
    pub(super) fn set(root: &Path) -> Result<Self, String> {
        let cache = cache(root);
        let path = cache.join("run.lock");
        fs::create_dir_all(&cache).map_err(|why| told(&cache, &why))?;
        let lock = File::create(&path).map_err(|why| told(&path, &why))?;
        lock.try_lock()
            .map_err(|_| "another `cargo xtask live` is running here".to_owned())?;
        let stage = Self {
            folder: cache.join("run"),
            _lock: lock,
        };
        stage.clear();
        fs::create_dir_all(&stage.folder).map_err(|why| told(&stage.folder, &why))?;
        Ok(stage)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends every process that the tests noted and that still runs below the folder.
    fn clear(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(id) = name.strip_suffix(".process")
                && self.is_ours(id)
            {
                Step::new(&self.folder, "kill")
                    .args(["-KILL", id])
                    .succeeds();
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Does this process work below the folder? Its id may have become another's since.
    fn is_ours(&self, id: &str) -> bool {
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let at = fs::read_link(format!("/proc/{id}/cwd"));
        plain
            && at.map_or(!Path::new("/proc").exists(), |at| {
                at.starts_with(&self.folder)
            })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_server_that_a_test_left_behind_is_ended_and_no_other_process_is() {
        let root = std::env::temp_dir().join(format!("perennial-stage-{}", std::process::id()));
        let stage = Stage::set(&root).unwrap();
        let sleeper = |at: &Path| {
            let mut sleep = Command::new("sleep");
            sleep.arg("60").current_dir(at).stdout(Stdio::null());
            sleep.spawn().unwrap()
        };
        let mut left = sleeper(stage.folder());
        let mut stranger = sleeper(Path::new("/"));
        for child in [&left, &stranger] {
            let note = stage.folder().join(format!("{}.process", child.id()));
            fs::write(note, "").unwrap();
        }
        assert!(Stage::set(&root).is_err(), "one at a time");
        drop(stage);
        assert!(!left.wait().unwrap().success());
        if Path::new("/proc").exists() {
            assert!(stranger.try_wait().unwrap().is_none());
        }
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
}
