//! From the environment of the process to a resolver.

use std::ffi::OsString;
use std::io::Write;

use perennial::{Resolver, backends, from_environment};

use crate::report::Failure;

pub(crate) fn resolver(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    errors: &mut dyn Write,
) -> Result<Resolver, Failure> {
    let backends = backends();
    let found = from_environment(environment, &backends).map_err(Failure::Config)?;
    for warning in found.warnings() {
        // Nothing can be done about a standard error that cannot be written.
        let _ = writeln!(errors, "warning: {warning}");
    }
    let built = Resolver::builder()
        .backends(backends)
        .vaults(found.into_specs())
        .build();
    built.map_err(Failure::Backend)
}
