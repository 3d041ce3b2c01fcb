//! The bytes of a secret: shared without copying, wiped when the last holder lets go.

use std::fmt;
use std::str::{Utf8Error, from_utf8};
use std::sync::Arc;

use zeroize::Zeroizing;

/// The bytes of a secret.
///
/// Clones share one buffer, which is overwritten with zeros when the last of them is dropped. There
/// is no `Display`, no serialization and no comparison; `Debug` shows nothing, not even the length.
/// The bytes come out through [`expose`](Secret::expose), which is easy to search for.
///
/// ```
/// use perennial_backend::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(secret.expose(), b"hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
///
/// It cannot be printed, compared or serialized:
///
/// ```compile_fail,E0277
/// println!("{}", perennial_backend::Secret::new("hunter2"));
/// ```
///
/// ```compile_fail,E0369
/// # use perennial_backend::Secret;
/// let same = Secret::new("hunter2") == Secret::new("hunter2");
/// ```
///
/// ```compile_fail,E0277
/// serde_json::to_string(&perennial_backend::Secret::new("hunter2"));
/// ```
#[derive(Clone)]
pub struct Secret {
    bytes: Arc<Zeroizing<Vec<u8>>>,
}

impl Secret {
    /// Takes over the bytes of a `Vec<u8>` or `String`, or copies those of a slice.
    ///
    /// A buffer that is handed over is wiped whole, spare capacity included; one that was copied
    /// from stays as it is and is the caller's to wipe.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: Arc::new(Zeroizing::new(bytes.into())),
        }
    }

    /// Shows the bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Shows the bytes as text.
    ///
    /// # Errors
    /// Fails if the bytes are not UTF-8; the error tells where, and nothing of the content.
    pub fn expose_str(&self) -> Result<&str, Utf8Error> {
        from_utf8(&self.bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

#[cfg(feature = "secrecy")]
mod secrecy_types {
    use std::str::Utf8Error;

    use secrecy::{ExposeSecret, SecretSlice, SecretString};

    use super::Secret;

    impl From<SecretString> for Secret {
        fn from(text: SecretString) -> Self {
            Self::new(text.expose_secret())
        }
    }

    impl From<SecretSlice<u8>> for Secret {
        fn from(bytes: SecretSlice<u8>) -> Self {
            Self::new(bytes.expose_secret())
        }
    }

    impl From<Secret> for SecretSlice<u8> {
        fn from(secret: Secret) -> Self {
            secret.expose().to_vec().into()
        }
    }

    impl TryFrom<Secret> for SecretString {
        type Error = Utf8Error;

        fn try_from(secret: Secret) -> Result<Self, Utf8Error> {
            Ok(secret.expose_str()?.into())
        }
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use std::fmt;

    use serde::de::{Deserialize, Deserializer, Error, Visitor};

    use super::Secret;

    impl<'de> Deserialize<'de> for Secret {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_string(Bytes)
        }
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Secret;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the text or bytes of a secret")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
            Ok(Secret::new(text))
        }

        fn visit_string<E: Error>(self, text: String) -> Result<Secret, E> {
            Ok(Secret::new(text))
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Secret, E> {
            Ok(Secret::new(bytes))
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Secret, E> {
            Ok(Secret::new(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_bytes_nor_their_length() {
        let short = format!("{:?}", Secret::new("a"));
        let long = format!("{:?}", Secret::new("a much longer one"));
        assert_eq!(short, long);
        assert_eq!(
            format!("{:#?}", Some(Secret::new("a"))),
            "Some(\n    Secret(..),\n)"
        );
    }

    #[test]
    fn bytes_that_are_not_text_are_kept_as_they_are() {
        let secret = Secret::new([0xff, 0x00, 0xfe]);
        assert_eq!(secret.expose(), [0xff, 0x00, 0xfe]);
        assert!(secret.expose_str().is_err());
    }

    #[test]
    fn clones_share_one_buffer() {
        let secret = Secret::new("shared");
        let clone = secret.clone();
        assert!(std::ptr::eq(secret.expose(), clone.expose()));
    }

    #[cfg(feature = "secrecy")]
    #[test]
    fn secrecy_types_go_both_ways() {
        use secrecy::{ExposeSecret, SecretSlice, SecretString};

        let text: SecretString = Secret::new("pa55").try_into().unwrap();
        assert_eq!(text.expose_secret(), "pa55");
        assert_eq!(Secret::from(text).expose(), b"pa55");

        let bytes: SecretSlice<u8> = Secret::new([1, 2, 255]).into();
        assert_eq!(bytes.expose_secret(), [1, 2, 255]);
        assert_eq!(Secret::from(bytes).expose(), [1, 2, 255]);
        assert!(SecretString::try_from(Secret::new([255])).is_err());
    }
}
