//! Reading one open file: whole, within a limit, and without leaving a copy behind.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::SystemTime;

use perennial_backend::Secret;
use zeroize::Zeroizing;

use crate::config::Trim;

/// What a file's bytes are read from.
pub(crate) trait Source {
    /// Returns what changes when the bytes do.
    fn state(&self) -> io::Result<State>;
    /// Reads on, as [`Read`] does.
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize>;
    /// Goes back to the first byte.
    fn rewind(&mut self) -> io::Result<()>;
}

/// What can be known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) len: u64,
    pub(crate) modified: Option<SystemTime>,
}

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system said so.
    System(io::Error),
    /// There are more bytes than allowed.
    TooLarge,
    /// It is being written all the time.
    Restless,
}

/// Reads a file. One that is written meanwhile is read again, so that no half of an old value is
/// put together with half of a new one.
pub(crate) fn read(source: &mut impl Source, limit: u64, trim: Trim) -> Result<Secret, Failure> {
    for _ in 0..ATTEMPTS {
        let before = source.state()?;
        if before.len > limit {
            return Err(Failure::TooLarge);
        }
        let mut bytes = fill(source, before.len, limit)?;
        if source.state()? == before {
            trim_newline(&mut bytes, trim);
            return Ok(Secret::new(std::mem::take(&mut *bytes)));
        }
        source.rewind()?;
    }
    Err(Failure::Restless)
}

/// Reads to the end. The buffer is never grown in place, which would leave the old one unwiped.
fn fill(
    source: &mut impl Source,
    expected: u64,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let most = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX);
    // One byte more than expected, to find the end without another buffer.
    let expected = usize::try_from(expected.saturating_add(1)).unwrap_or(usize::MAX);
    let mut buffer = Zeroizing::new(vec![0; expected.min(most)]);
    let mut filled = 0;
    loop {
        let Some(room) = buffer
            .get_mut(filled..)
            .filter(|room: &&mut [u8]| !room.is_empty())
        else {
            if filled >= most {
                return Err(Failure::TooLarge);
            }
            let mut larger = Zeroizing::new(vec![0; (2 * filled).max(LEAST_GROWTH).min(most)]);
            for (to, from) in larger.iter_mut().zip(buffer.iter()) {
                *to = *from;
            }
            buffer = larger;
            continue;
        };
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if filled >= most {
        return Err(Failure::TooLarge);
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Drops one newline from the end of a text. Other bytes are a key or a certificate, whose last
/// byte may look like a newline by chance.
fn trim_newline(bytes: &mut Vec<u8>, trim: Trim) {
    if trim == Trim::None || !bytes.ends_with(b"\n") || std::str::from_utf8(bytes).is_err() {
        return;
    }
    bytes.pop();
    if bytes.ends_with(b"\r") {
        bytes.pop();
    }
}

impl Source for File {
    fn state(&self) -> io::Result<State> {
        let metadata = self.metadata()?;
        Ok(State {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        Read::read(self, room)
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.seek(SeekFrom::Start(0)).map(drop)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// How often a file is read that is written meanwhile.
const ATTEMPTS: usize = 5;
/// What a buffer grows to at least: some file systems do not know the sizes of their files.
const LEAST_GROWTH: usize = 64;

#[cfg(test)]
mod tests;
