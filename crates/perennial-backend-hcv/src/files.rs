//! Credentials from files: read anew each time, where it holds up nobody.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use perennial_backend::{Cause, Context, ContextKey, Error, ErrorKind, Field, FieldClass, Secret};
use zeroize::{Zeroize, Zeroizing};

use crate::auth::Source;

/// Returns a credential as it was given, or the content of its file without blanks at its ends.
pub(crate) async fn read(cx: &Context, source: &Source, field: &Field) -> Result<Secret, Error> {
    let path: PathBuf = match source {
        Source::Given(secret) => return Ok(secret.clone()),
        Source::File(path) => path.clone(),
    };
    let content = cx.run_blocking(move || content(&path)).await?;
    let failed = |what: &str, may_pass: bool| {
        let message = format!("the file of setting `{}` {what}", field.name());
        // Whom to trust is a matter of settings. A credential that is not there says nothing of
        // who asks: whoever writes such files may be about to write this one.
        let error = match field.class() {
            FieldClass::Trust => Error::new(ErrorKind::InvalidConfig, message),
            _ if may_pass => {
                Error::new(ErrorKind::Unavailable, message).with_retry_after(Duration::from_secs(1))
            }
            _ => Error::new(ErrorKind::Unauthenticated, message),
        };
        error.with_context(ContextKey::Field, field.name())
    };
    match content {
        Ok(secret) if secret.expose().is_empty() => Err(failed("is empty", true)
            .with_help("write the credential into it; it is read again by the next call")),
        Ok(secret) => Ok(secret),
        Err(cause) => {
            let (what, may_pass) = match cause.kind() {
                io::ErrorKind::NotFound => ("does not exist", true),
                io::ErrorKind::PermissionDenied => ("may not be read", false),
                io::ErrorKind::InvalidData => ("is larger than 1 MiB", false),
                _ => ("cannot be read", true),
            };
            let code = format!("{:?}", cause.kind());
            Err(failed(what, may_pass)
                .with_cause(Cause::new().with_code(code))
                .with_help("it is read again by the next call"))
        }
    }
}

fn content(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    let expected = file.metadata()?.len();
    if expected > MOST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let room = usize::try_from(expected).unwrap_or_default().max(8192);
    let mut bytes = whole(file, room)?;
    let end = bytes.trim_ascii_end().len();
    if let Some(rest) = bytes.get_mut(end..) {
        rest.zeroize();
    }
    bytes.truncate(end);
    let start = bytes.len() - bytes.trim_ascii_start().len();
    bytes.drain(..start).for_each(drop);
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

/// Reads all that there is, or nothing: a file may grow meanwhile, or say that it has no size.
fn whole(source: impl Read, room: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Large enough from the start, so that no half of it stays behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 2));
    let most = u64::try_from(room).unwrap_or(MOST_BYTES);
    source.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() > room {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(bytes)
}

const MOST_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_outgrows_what_it_said_is_not_cut() {
        let read = |length: usize| whole(&vec![b'x'; length][..], 10).map(|bytes| bytes.len());
        assert_eq!(read(9).unwrap(), 9);
        assert_eq!(read(10).unwrap(), 10);
        assert_eq!(read(11).unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert!(read(1000).is_err());
    }

    #[test]
    fn blanks_at_the_ends_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let check = |written: &str, expected: &str| {
            let path = folder.path().join("file");
            std::fs::write(&path, written).unwrap();
            assert_eq!(content(&path).unwrap().expose(), expected.as_bytes());
        };
        check("s.token", "s.token");
        check("s.token\n", "s.token");
        check("\n s.token \r\n", "s.token");
        check("a b", "a b");
        check("", "");
        check("\n\n", "");
        check(&"x".repeat(100_000), &"x".repeat(100_000));
        let large = folder.path().join("large");
        std::fs::write(&large, vec![b'x'; 1024 * 1024 + 1]).unwrap();
        assert_eq!(
            content(&large).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }
}
