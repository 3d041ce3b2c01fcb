//! The one table from names of backend types to backends.

use perennial_backend::{Absence, Backends};

/// Returns the table of all backend types: those that were compiled in, and the names of those that
/// were not, so that asking for one of them says what is missing.
///
/// ```
/// let names: Vec<_> = perennial::backends().present().map(|row| row.name()).collect();
/// # #[cfg(feature = "full")]
/// assert_eq!(names, ["aws", "env", "fs", "gcp", "hcv"]);
/// ```
#[must_use]
pub fn backends() -> Backends {
    let mut table = Backends::new();
    for name in PLANNED {
        table = table.with_absent(name, Absence::Planned);
    }
    for name in FEATURES {
        table = table.with_absent(name, Absence::Feature(name));
    }
    #[cfg(feature = "aws")]
    {
        table = table.with(perennial_backend_aws::backend_type());
    }
    #[cfg(feature = "env")]
    {
        table = table.with(perennial_backend_env::backend_type());
    }
    #[cfg(feature = "fs")]
    {
        table = table.with(perennial_backend_fs::backend_type());
    }
    #[cfg(feature = "gcp")]
    {
        table = table.with(perennial_backend_gcp::backend_type());
    }
    #[cfg(feature = "hcv")]
    {
        table = table.with(perennial_backend_hcv::backend_type());
    }
    table
}

/// Backend types that can be compiled in; each is named like the feature that does so.
const FEATURES: &[&str] = &["aws", "env", "fs", "gcp", "hcv"];

/// Backend types that are to come. References to them parse already.
const PLANNED: &[&str] = &["azure", "azure-certs", "conjur"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_is_there_or_says_why_not() {
        let table = backends();
        let names: Vec<_> = table.names().collect();
        for name in PLANNED {
            assert!(names.contains(name));
            let error = table.get(name).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("backend `{name}` is not available yet")
            );
        }
        for (name, compiled) in [
            ("aws", cfg!(feature = "aws")),
            ("env", cfg!(feature = "env")),
            ("fs", cfg!(feature = "fs")),
            ("gcp", cfg!(feature = "gcp")),
            ("hcv", cfg!(feature = "hcv")),
        ] {
            match table.get(name) {
                Ok(row) => assert!(compiled && row.name() == name),
                Err(error) => {
                    assert!(!compiled);
                    let help = format!("enable the feature `{name}` of the crate `perennial`");
                    assert_eq!(error.help(), Some(&*help));
                }
            }
        }
    }
}
