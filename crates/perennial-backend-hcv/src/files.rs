//! Credentials from files: read anew each time, where it holds up nobody.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

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
    // Without a credential nobody knows who asks; whom to trust is a matter of settings.
    let kind = match field.class() {
        FieldClass::Trust => ErrorKind::InvalidConfig,
        _ => ErrorKind::Unauthenticated,
    };
    let failed = |kind, what: &str| {
        let message = format!("the file of setting `{}` {what}", field.name());
        Error::new(kind, message).with_context(ContextKey::Field, field.name())
    };
    match content {
        Ok(secret) if secret.expose().is_empty() => Err(failed(kind, "is empty")
            .with_help("write the credential into it; it is read again by the next call")),
        Ok(secret) => Ok(secret),
        Err(cause) => {
            let what = match cause.kind() {
                io::ErrorKind::NotFound => "does not exist",
                io::ErrorKind::PermissionDenied => "may not be read",
                io::ErrorKind::InvalidData => "is larger than 1 MiB",
                _ => "cannot be read",
            };
            let code = format!("{:?}", cause.kind());
            Err(failed(kind, what)
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
    // Large enough from the start, so that no half of it stays behind in memory.
    let room = usize::try_from(expected).unwrap_or_default().max(8192);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    file.take(u64::try_from(room).unwrap_or(MOST_BYTES))
        .read_to_end(&mut bytes)?;
    let end = bytes.trim_ascii_end().len();
    if let Some(rest) = bytes.get_mut(end..) {
        rest.zeroize();
    }
    bytes.truncate(end);
    let start = bytes.len() - bytes.trim_ascii_start().len();
    bytes.drain(..start).for_each(drop);
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

const MOST_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

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
