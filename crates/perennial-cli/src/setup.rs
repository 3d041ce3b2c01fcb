//! From the environment of the process to a resolver.

use std::ffi::OsString;
use std::io::Write;

use perennial::{Backends, Resolver, VaultSpec, backends, from_environment};

use crate::report::Failure;

/// Makes a resolver for a command that goes on.
pub(crate) fn resolver(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    errors: &mut dyn Write,
) -> Result<Resolver, Failure> {
    build(environment, errors, |_, specs| specs)
}

/// Makes a resolver for a command that reads once and ends: when a secret is rotated next is not
/// asked, which would take a call of its own.
pub(crate) fn resolver_for_once(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    errors: &mut dyn Write,
) -> Result<Resolver, Failure> {
    build(environment, errors, without_schedules)
}

fn build(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    errors: &mut dyn Write,
    change: impl FnOnce(&Backends, Vec<VaultSpec>) -> Vec<VaultSpec>,
) -> Result<Resolver, Failure> {
    let backends = backends();
    let found = from_environment(environment, &backends).map_err(Failure::Config)?;
    for warning in found.warnings() {
        // Nothing can be done about a standard error that cannot be written.
        let _ = writeln!(errors, "warning: {warning}");
    }
    let specs = change(&backends, found.into_specs());
    let built = Resolver::builder().backends(backends).vaults(specs).build();
    built.map_err(Failure::Backend)
}

/// Turns off the question for the schedule of secrets in every vault that has it and says nothing
/// of it.
fn without_schedules(backends: &Backends, mut specs: Vec<VaultSpec>) -> Vec<VaultSpec> {
    for row in backends.present() {
        let Some(field) = row.settings().field(SCHEDULE) else {
            continue;
        };
        if !specs.iter().any(|spec| spec.name().as_str() == row.name()) {
            specs.extend(VaultSpec::default_of(row.name()));
        }
        for spec in specs.iter_mut().filter(|spec| spec.backend() == row.name()) {
            if spec.settings().setting(field).is_none() {
                *spec = spec.clone().with(SCHEDULE, "false");
            }
        }
    }
    specs
}

const SCHEDULE: &str = "read_schedule";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_vault_asks_for_schedules_unless_it_was_told_to() {
        let told = VaultSpec::named("told", "gcp").unwrap();
        let specs = vec![
            told.with(SCHEDULE, "true"),
            VaultSpec::named("quiet", "gcp").unwrap(),
            VaultSpec::default_of("env").unwrap(),
        ];
        let changed = without_schedules(&backends(), specs);
        let setting = |name: &str| {
            let spec = changed.iter().find(|spec| spec.name().as_str() == name);
            let setting = spec.unwrap().settings().get(SCHEDULE);
            setting.map(|setting| setting.text().to_owned())
        };
        assert_eq!(setting("told").as_deref(), Some("true"));
        assert_eq!(setting("quiet").as_deref(), Some("false"));
        assert_eq!(setting("gcp").as_deref(), Some("false"));
        assert_eq!(setting("env"), None);
    }
}
