//! A version of three numbers, and how it grows.

use std::fmt;

/// Which number a release raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Bump {
    Patch,
    Minor,
    Major,
}

/// Three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u64,
    minor: u64,
    patch: u64,
}

impl Version {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[major, minor, patch]) => Ok(Self {
                major,
                minor,
                patch,
            }),
            _ => Err(format!(
                "`{text}` is not a version: write three numbers, as in 0.2.0"
            )),
        }
    }

    pub(super) fn bumped(self, bump: Bump) -> Self {
        let Self {
            major,
            minor,
            patch,
        } = self;
        match bump {
            Bump::Patch => Self {
                patch: patch + 1,
                ..self
            },
            Bump::Minor => Self {
                minor: minor + 1,
                patch: 0,
                ..self
            },
            Bump::Major => Self {
                major: major + 1,
                minor: 0,
                patch: 0,
            },
        }
    }

    /// What the changelog asks for: before 1.0 the second number stands for what breaks.
    pub(super) fn due(self, breaking: bool) -> Bump {
        match (breaking, self.major) {
            (false, _) => Bump::Patch,
            (true, 0) => Bump::Minor,
            (true, _) => Bump::Major,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_grow() {
        let check = |text: &str, bump, expected: &str| {
            assert_eq!(
                Version::parse(text).unwrap().bumped(bump).to_string(),
                expected
            );
        };
        check("0.1.2", Bump::Patch, "0.1.3");
        check("0.1.2", Bump::Minor, "0.2.0");
        check("0.1.2", Bump::Major, "1.0.0");
    }

    #[test]
    fn what_breaks_is_minor_before_one_and_major_after() {
        let check = |text: &str, breaking, expected| {
            assert_eq!(Version::parse(text).unwrap().due(breaking), expected);
        };
        check("0.1.0", true, Bump::Minor);
        check("0.1.0", false, Bump::Patch);
        check("1.1.0", true, Bump::Major);
        check("1.1.0", false, Bump::Patch);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "1", "1.2", "1.2.x", "1.2.3.4", "v1.2.3"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }
}
