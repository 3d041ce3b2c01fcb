//! A service lives through the rotation of its password and an outage of its store.
//!
//! Readers read the password all the time. Meanwhile the file that holds it is rotated, its folder
//! goes away as a volume does that is unmounted, and comes back with a newer password. The program
//! says what each reader saw, and fails if any read failed.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is a program: it has threads, a clock and an output of its own"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use perennial::{Handle, Resolver, VaultSpec, backends};

/// Refreshed every second, and served for a minute while its store is away.
const PASSWORD: &str = "{vault://files/db/password?ttl=2&refresh_ahead=1&resurrect_ttl=60}";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store");
    rotate(&store, "spring")?;

    let files = VaultSpec::named("files", "fs")?.with("prefix", store.to_string_lossy());
    let secrets = Resolver::builder()
        .backends(backends())
        .vault(files)
        .build()?;
    let password = secrets.watch(PASSWORD).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (1..=3)
        .map(|_| read_on(password.clone(), Arc::clone(&stop)))
        .collect();

    println!("the password is `spring`");
    rotate(&store, "summer")?;
    wait_for(&password, |seen, fresh| seen == "summer" && fresh)?;
    println!("rotated to `summer`, and every reader has it");

    let away = folder.path().join("away");
    fs::rename(&store, &away)?;
    wait_for(&password, |seen, fresh| seen == "summer" && !fresh)?;
    println!("the store is gone: `summer` is served on, and said to be stale");

    rotate(&away, "autumn")?;
    fs::rename(&away, &store)?;
    wait_for(&password, |seen, fresh| seen == "autumn" && fresh)?;
    println!("the store is back: `autumn` is fresh");

    stop.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for (number, reader) in readers.into_iter().enumerate() {
        let saw = reader.join().map_err(|_| "a reader panicked")?;
        failed += saw.failed;
        let seen: Vec<_> = saw
            .reads
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        println!(
            "reader {}: {}; failed {}",
            number + 1,
            seen.join(", "),
            saw.failed
        );
    }
    if failed > 0 {
        return Err(format!("{failed} reads failed").into());
    }
    println!("no read failed");
    Ok(())
}

/// Writes a new password beside the old one and puts it into its place, as rotations should.
fn rotate(store: &Path, password: &str) -> std::io::Result<()> {
    let folder = store.join("db");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(".new"), password)?;
    fs::rename(folder.join(".new"), folder.join("password"))
}

/// What a reader saw: how often each password, and how many reads failed.
#[derive(Default)]
struct Saw {
    reads: BTreeMap<String, u64>,
    failed: u64,
}

fn read_on(password: Handle, stop: Arc<AtomicBool>) -> thread::JoinHandle<Saw> {
    thread::spawn(move || {
        let mut saw = Saw::default();
        while !stop.load(Ordering::Relaxed) {
            match password.load() {
                Ok(loaded) => {
                    let text = loaded.secret().expose_str().unwrap_or("?");
                    let how = if loaded.freshness().is_fresh() {
                        ""
                    } else {
                        " (stale)"
                    };
                    *saw.reads.entry(format!("`{text}`{how}")).or_default() += 1;
                }
                Err(_) => saw.failed += 1,
            }
            thread::sleep(Duration::from_micros(200));
        }
        saw
    })
}

/// Waits until readers see what is expected, but no longer than half a minute.
fn wait_for(
    password: &Handle,
    expected: impl Fn(&str, bool) -> bool,
) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        let loaded = password.load()?;
        if expected(loaded.secret().expose_str()?, loaded.freshness().is_fresh()) {
            return Ok(());
        }
        drop(loaded);
        thread::sleep(Duration::from_millis(10));
    }
    Err("the readers did not see what they should within half a minute".into())
}
