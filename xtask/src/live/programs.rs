//! The servers' programs: what each is made from, and how it gets into the cache.
//!
//! What a program is made from is pinned below `tests/servers`; the name of its place in the cache
//! hashes that, so that a change is made anew.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::clock::timed;
use crate::process::Step;

/// HashiCorp Vault, built from its own modules.
pub(super) const VAULT: Program = Program {
    name: "vaultd",
    variable: "PERENNIAL_LIVE_VAULTD",
    source: &["main.go", "go.mod", "go.sum"],
    make: Make::Go,
};

/// A stand-in for AWS, in Python.
pub(super) const MOTO: Program = Program {
    name: "moto",
    variable: "PERENNIAL_LIVE_MOTO",
    source: &["requirements.txt"],
    make: Make::Python("moto_server"),
};

/// A stand-in for GCP Secret Manager, in Python.
pub(super) const DRONGO: Program = Program {
    name: "drongo",
    variable: "PERENNIAL_LIVE_DRONGO",
    source: &["requirements.txt"],
    make: Make::Python("drongo"),
};

/// A server's program.
#[derive(Debug)]
pub(super) struct Program {
    name: &'static str,
    variable: &'static str,
    /// The files below `tests/servers/<name>` that it is made from.
    source: &'static [&'static str],
    make: Make,
}

#[derive(Debug)]
enum Make {
    /// A Go module.
    Go,
    /// Packages of Python, one of which brings this command.
    Python(&'static str),
}

impl Program {
    /// The variable that tells the tests where it is.
    pub(super) const fn variable(&self) -> &'static str {
        self.variable
    }

    /// Where its executable is, once it was brought.
    pub(super) fn path(&self, root: &Path) -> PathBuf {
        let home = self.home(root);
        match self.make {
            Make::Go => home.join(self.name),
            Make::Python(command) => home.join("bin").join(command),
        }
    }

    /// Makes it, unless that was done before; waits if another process is at it.
    pub(super) fn bring(&self, root: &Path) -> Result<(), String> {
        let source = self.folder(root);
        for file in self.source {
            if !source.join(file).is_file() {
                return Err(format!("{} is not there", source.join(file).display()));
            }
        }
        let cache = cache(root);
        let lock = self.lock(&cache)?;
        let home = self.home(root);
        // Written last: a build that was cut off left none.
        let done = home.join("complete");
        if !done.is_file() {
            println!("bringing {} into {}", self.name, home.display());
            let _ = fs::remove_dir_all(&home);
            fs::create_dir_all(&home).map_err(|why| told(&home, &why))?;
            let (made, took) = timed(|| self.make(&source, &home));
            made.map_err(|why| format!("{} cannot be had: {why}", self.name))?;
            fs::write(&done, "").map_err(|why| told(&done, &why))?;
            println!("{} took {:.0} s", self.name, took.as_secs_f64());
        }
        drop(lock);
        Ok(())
    }

    fn make(&self, source: &Path, home: &Path) -> Result<(), String> {
        let at = home.display().to_string();
        match self.make {
            Make::Go => {
                needs(source, "go", "version", "Go")?;
                let output = format!("{at}/{}", self.name);
                let build = [
                    "build",
                    "-trimpath",
                    "-ldflags",
                    "-s -w",
                    "-o",
                    &output,
                    ".",
                ];
                Step::new(source, "go").args(build).run()
            }
            Make::Python(_) => {
                needs(source, "python3", "--version", "Python 3")?;
                Step::new(source, "python3")
                    .args(["-m", "venv", &at])
                    .run()?;
                let pip = format!("{at}/bin/pip");
                let install = [
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--require-hashes",
                    "--requirement",
                    "requirements.txt",
                ];
                Step::new(source, &pip).args(install).run()
            }
        }
    }

    /// Its place in the cache, named for what it is made from.
    fn home(&self, root: &Path) -> PathBuf {
        let source = self.folder(root);
        let mut hash = DefaultHasher::new();
        for file in self.source {
            fs::read(source.join(file))
                .unwrap_or_default()
                .hash(&mut hash);
        }
        cache(root).join(format!("{}-{:016x}", self.name, hash.finish()))
    }

    fn folder(&self, root: &Path) -> PathBuf {
        root.join("tests/servers").join(self.name)
    }

    fn lock(&self, cache: &Path) -> Result<File, String> {
        fs::create_dir_all(cache).map_err(|why| told(cache, &why))?;
        let path = cache.join(format!("{}.lock", self.name));
        let file = File::create(&path).map_err(|why| told(&path, &why))?;
        if file.try_lock().is_err() {
            println!("waiting for whoever is bringing {}", self.name);
            file.lock().map_err(|why| told(&path, &why))?;
        }
        Ok(file)
    }
}

/// What is brought and what runs lies here, where git does not look.
pub(super) fn cache(root: &Path) -> PathBuf {
    root.join("target/live")
}

/// Says what went wrong with a path.
pub(super) fn told(path: &Path, why: &std::io::Error) -> String {
    format!("{}: {why}", path.display())
}

fn needs(folder: &Path, program: &str, question: &str, called: &str) -> Result<(), String> {
    if Step::new(folder, program).args([question]).succeeds() {
        Ok(())
    } else {
        Err(format!(
            "{called} is not installed (`{program} {question}` fails)"
        ))
    }
}
