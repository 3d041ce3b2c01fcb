//! Environment variables, given as a map. The process environment is not read here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use perennial_backend::settings::{nearest, unknown_field};
use perennial_backend::{
    Backends, Common, ContextKey, Error, ErrorKind, Field, Operation, Origin, Setting, VaultSpec,
};
use perennial_reference::is_vault_name;

use crate::error::{ConfigError, Warning};

/// The vaults that a configuration describes.
#[derive(Clone, Debug, Default)]
pub struct Found {
    specs: Vec<VaultSpec>,
    warnings: Vec<Warning>,
}

impl Found {
    /// Returns the descriptions, sorted by name.
    #[must_use]
    pub fn specs(&self) -> &[VaultSpec] {
        &self.specs
    }

    /// Returns the descriptions alone.
    #[must_use]
    pub fn into_specs(self) -> Vec<VaultSpec> {
        self.specs
    }

    /// Returns what was passed over.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// Reads vaults from environment variables; all others are passed over.
///
/// # Errors
/// Fails with everything that is wrong under `PERENNIAL_VAULT_`: a vault or field that nobody
/// knows, a name that breaks the pattern or is that of a backend type, an unknown backend.
pub fn from_environment<N, V>(
    variables: impl IntoIterator<Item = (N, V)>,
    backends: &Backends,
) -> Result<Found, ConfigError>
where
    N: Into<OsString>,
    V: Into<OsString>,
{
    let mut reader = Reader::new(backends);
    let mut conventions = BTreeMap::new();
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for (name, value) in variables {
        let (Ok(name), value) = (name.into().into_string(), value.into()) else {
            continue;
        };
        if let Some(rest) = name.strip_prefix(OURS) {
            ours.push(Variable {
                rest: rest.to_owned(),
                name,
                value,
            });
        } else if let Some(rest) = name.strip_prefix(THEIRS) {
            theirs.push(Variable {
                rest: rest.to_owned(),
                name,
                value,
            });
        } else {
            conventions.insert(name, value);
        }
    }
    // In the order of the names, so that messages do not depend on that of the environment.
    ours.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    theirs.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    ours.retain(|variable| !reader.declare(variable));
    theirs
        .iter()
        .for_each(|variable| reader.take(variable, Spelling::Theirs));
    ours.iter()
        .for_each(|variable| reader.take(variable, Spelling::Ours));
    reader.finish(&conventions)
}

const OURS: &str = "PERENNIAL_VAULT_";
const THEIRS: &str = "KONG_VAULT_";

/// The suffix that declares a named vault.
const DECLARES: &str = "_BACKEND";

/// What a real gateway's environment may hold and what means nothing here.
const IGNORED: &[&str] = &["ROTATION_INTERVAL"];

/// A variable under one of the two prefixes, and what follows the prefix.
struct Variable {
    rest: String,
    name: String,
    value: OsString,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Ours,
    Theirs,
}

struct Reader<'b> {
    backends: &'b Backends,
    /// The vaults by their names in capitals.
    vaults: BTreeMap<String, Draft>,
    problems: Vec<Error>,
    warnings: Vec<Warning>,
}

struct Draft {
    spec: VaultSpec,
    /// Whether anything was said of it.
    mentioned: bool,
    /// From where each field has its value so far.
    taken: BTreeMap<&'static str, (Spelling, bool)>,
}

impl<'b> Reader<'b> {
    fn new(backends: &'b Backends) -> Self {
        let vaults = backends.names().filter_map(|name| {
            let spec = VaultSpec::default_of(name).ok()?;
            Some((
                capitals(name),
                Draft {
                    spec,
                    mentioned: false,
                    taken: BTreeMap::new(),
                },
            ))
        });
        let vaults = vaults.collect();
        Self {
            backends,
            vaults,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Notes a named vault if the variable declares one.
    fn declare(&mut self, variable: &Variable) -> bool {
        let Some(shouted) = variable.rest.strip_suffix(DECLARES) else {
            return false;
        };
        let name = shouted.to_ascii_lowercase().replace('_', "-");
        match self.declared(&name, variable) {
            Ok(spec) => {
                let draft = Draft {
                    spec,
                    mentioned: true,
                    taken: BTreeMap::new(),
                };
                self.vaults.insert(shouted.to_owned(), draft);
            }
            Err(problem) => {
                self.problems
                    .push(problem.with_context(ContextKey::Variable, &*variable.name));
            }
        }
        true
    }

    fn declared(&self, name: &str, variable: &Variable) -> Result<VaultSpec, Error> {
        let by = &variable.name;
        let shouted_otherwise =
            capitals(name) != variable.rest.strip_suffix(DECLARES).unwrap_or("");
        if !is_vault_name(name) || shouted_otherwise {
            return Err(invalid(format!(
                "{by} declares a vault `{name}`, which no name can be"
            ))
            .with_help("use at least two capitals, digits and `_`, beginning with a letter"));
        }
        if self.backends.knows(name) {
            return Err(invalid(format!(
                "{by} declares a vault `{name}`, which is the name of a backend type"
            ))
            .with_help(format!(
                "declare another name, such as `{OURS}{}_MAIN{DECLARES}`, or set fields of the \
                 default vault of `{name}` without declaring it",
                capitals(name)
            )));
        }
        let backend = variable.text()?;
        if !self.backends.knows(backend) {
            let help = match nearest(backend, self.backends.names()) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!(
                    "known: {}",
                    self.backends.names().collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(invalid(format!(
                "{by} names the backend `{backend}`, which nobody knows"
            ))
            .with_help(help));
        }
        let declared = Origin::Variable(by.as_str().into());
        Ok(VaultSpec::named(name, backend)?.with_declared(declared))
    }

    /// Gives a variable's value to the field that it names.
    fn take(&mut self, variable: &Variable, spelling: Spelling) {
        let outcome = self.assign(variable, spelling);
        if let Err(problem) = outcome {
            let problem = problem.with_context(ContextKey::Variable, &*variable.name);
            match spelling {
                Spelling::Ours => self.problems.push(problem),
                Spelling::Theirs => {
                    let help = problem
                        .help()
                        .map(|help| format!(" ({help})"))
                        .unwrap_or_default();
                    self.warnings
                        .push(Warning::new(format!("ignored: {problem}{help}")));
                }
            }
        }
    }

    fn assign(&mut self, variable: &Variable, spelling: Spelling) -> Result<(), Error> {
        if spelling == Spelling::Theirs && IGNORED.contains(&variable.rest.as_str()) {
            return Ok(());
        }
        let owner = self
            .vaults
            .iter()
            .filter(|(_, draft)| spelling == Spelling::Ours || draft.spec.is_default())
            .filter_map(|(name, _)| {
                let field = variable
                    .rest
                    .strip_prefix(name.as_str())?
                    .strip_prefix('_')?;
                Some((name.clone(), field.to_ascii_lowercase()))
            })
            .max_by_key(|(name, _)| name.len());
        let Some((name, field)) = owner else {
            return Err(self.no_vault(variable));
        };
        let Some(draft) = self.vaults.get_mut(&name) else {
            return Ok(());
        };
        let text = match variable.text() {
            Ok(text) => text,
            // As with a value of the wrong form: that vault's error, under both spellings.
            Err(problem) => {
                let problem = problem.with_context(ContextKey::Variable, &*variable.name);
                draft.spec = draft.spec.clone().with_problem(problem);
                draft.mentioned = true;
                return Ok(());
            }
        };
        let setting = Setting::new(text, Origin::Variable(variable.name.as_str().into()));
        if field == "description" && !draft.spec.is_default() {
            draft.spec = draft.spec.clone().with_description(text);
            return Ok(());
        }
        let row = self.backends.get(draft.spec.backend()).ok();
        let own = row.and_then(|row| row.settings().field(&field));
        let Some(known) = own.or_else(|| Common::field(&field)) else {
            if row.is_none() {
                // What this field means is only known where the backend is.
                draft.spec = draft.spec.clone().with_setting(field, setting);
                draft.mentioned = true;
                return Ok(());
            }
            let fields = row.map_or(&[][..], |row| row.settings().fields());
            let names = fields.iter().chain(Common::FIELDS).map(Field::name);
            let unknown = unknown_field(&field, names);
            return Err(invalid(format!(
                "{} sets `{field}`, which vault `{}` does not have",
                variable.name,
                draft.spec.name()
            ))
            .with_context(ContextKey::Field, field)
            .with_help(unknown.help().unwrap_or_default().to_owned()));
        };
        // The field's own name goes before another one of the same spelling.
        let by_name = known.name() == field;
        match draft.taken.get(known.name()) {
            Some((Spelling::Ours, _)) if spelling == Spelling::Theirs => return Ok(()),
            Some((before, true)) if *before == spelling && !by_name => return Ok(()),
            _ => {}
        }
        draft.taken.insert(known.name(), (spelling, by_name));
        draft.spec = draft.spec.clone().with_setting(known.name(), setting);
        draft.mentioned = true;
        Ok(())
    }

    fn no_vault(&self, variable: &Variable) -> Error {
        let names: Vec<_> = self
            .vaults
            .values()
            .map(|draft| draft.spec.name().as_str())
            .collect();
        invalid(format!("{} belongs to no vault", variable.name)).with_help(format!(
            "vaults: {}; `{OURS}<NAME>{DECLARES}` declares another one",
            names.join(", ")
        ))
    }

    /// Fills in the vendors' own variables, below everything that was configured.
    fn finish(mut self, conventions: &BTreeMap<String, OsString>) -> Result<Found, ConfigError> {
        for draft in self.vaults.values_mut() {
            let Ok(row) = self.backends.get(draft.spec.backend()) else {
                continue;
            };
            for field in row.settings().fields() {
                let given = field.conventions().iter().find_map(|name| {
                    let text = conventions.get(*name).and_then(|value| value.to_str())?;
                    Some((*name, text)).filter(|(_, text)| !text.is_empty())
                });
                let Some((name, text)) = given else { continue };
                if draft.spec.settings().setting(field).is_none() {
                    let setting = Setting::new(text, Origin::Variable(name.into()));
                    draft.spec = draft.spec.clone().with_setting(field.name(), setting);
                    draft.mentioned = true;
                }
            }
        }
        if !self.problems.is_empty() {
            return Err(ConfigError::new(self.problems));
        }
        let mut specs: Vec<_> = self
            .vaults
            .into_values()
            .filter(|draft| draft.mentioned)
            .map(|draft| draft.spec)
            .collect();
        specs.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(Found {
            specs,
            warnings: self.warnings,
        })
    }
}

impl Variable {
    fn text(&self) -> Result<&str, Error> {
        OsStr::to_str(&self.value)
            .ok_or_else(|| invalid(format!("the value of {} is not UTF-8", self.name)))
    }
}

fn capitals(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_operation(Operation::Build)
}
