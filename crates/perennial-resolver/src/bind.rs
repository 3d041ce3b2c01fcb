//! The second stage of reading a reference: what its parts mean to its vault.

use std::sync::Arc;

use perennial_backend::settings::nearest;
use perennial_backend::{Common, ContextKey, Error, ErrorKind, Field, FieldClass, FieldKind};
use perennial_reference::{OptionValue, Options, Ref};

use crate::cell::Binding;
use crate::resource::{BackendOptions, Part, Resource, View};
use crate::vault::Vault;

/// Binds a reference to its vault: which call brings it, which part of the answer it means, and how
/// long that is fresh.
pub(crate) fn bind(reference: &Ref<'_>, vault: &Arc<Vault>) -> Result<Binding, Error> {
    let backend = vault.backend()?;
    let options = options(reference, vault)?;
    let selector = backend
        .capabilities()
        .selector(reference.version())
        .map_err(|error| error.with_context(ContextKey::Vault, vault.spec().name().as_str()))?;
    let resource = Resource {
        vault: vault.number(),
        name: Arc::from(reference.resource()),
        selector,
        options,
    };
    let view = view(reference, vault);
    let policy = vault.policy(reference.options());
    Ok(Binding {
        vault: Arc::clone(vault),
        resource,
        view,
        policy,
    })
}

/// Returns which part of an answer a reference means.
fn view(reference: &Ref<'_>, vault: &Vault) -> View {
    let part = match (reference.pointer(), reference.key()) {
        (Some(pointer), _) => Part::Pointer(pointer.into()),
        (None, Some(key)) => Part::Member(key.into()),
        (None, None) => Part::Whole,
    };
    let options = reference.options();
    View {
        part,
        base64_decode: options
            .base64_decode()
            .unwrap_or_else(|| vault.base64_decode()),
        coerce: options.coerce(),
    }
}

/// Checks the options that are the backend's, and returns them sorted by name.
fn options(reference: &Ref<'_>, vault: &Vault) -> Result<BackendOptions, Error> {
    let mut bound: Vec<(Box<str>, Box<str>)> = Vec::new();
    for (name, value) in reference.options().others() {
        let field = vault.fields().iter().find(|field| field.is_called(&name));
        let field = field.ok_or_else(|| unknown_option(&name, vault))?;
        if !vault.allows(field) {
            return Err(forbidden_option(field, vault));
        }
        let text = match (&value, field.kind()) {
            (OptionValue::Flag, FieldKind::Boolean) => "true",
            (OptionValue::Flag, _) => {
                return Err(invalid_option(
                    field.name(),
                    format!("option `{}` needs a value", field.name()),
                )
                .with_help(format!("write `{}=…`", field.name())));
            }
            (value, _) => value.as_text().unwrap_or_default(),
        };
        field.check(text).map_err(|error| {
            invalid_option(
                field.name(),
                error.message().replacen("setting", "option", 1),
            )
        })?;
        bound.push((field.name().into(), text.into()));
    }
    bound.sort_unstable();
    // The parser refuses a name that comes twice; a name and its alias meet only here.
    let mut neighbours = bound.iter().zip(bound.iter().skip(1));
    if let Some(((twice, _), _)) = neighbours.find(|(one, next)| one.0 == next.0) {
        return Err(invalid_option(
            twice,
            format!("option `{twice}` is given twice"),
        ));
    }
    Ok(bound.into())
}

fn unknown_option(name: &str, vault: &Vault) -> Error {
    if Common::field(name).is_some() {
        return invalid_option(
            name,
            format!("`{name}` is a setting of the vault, not an option of a reference"),
        )
        .with_help(format!("set {}", vault.spec().variable(name)));
    }
    let own = vault
        .fields()
        .iter()
        .filter(|field| vault.allows(field))
        .map(Field::name);
    let known: Vec<_> = Options::COMMON.iter().copied().chain(own).collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("options: {}", known.join(", ")),
    };
    invalid_option(name, format!("there is no option `{name}`")).with_help(help)
}

fn forbidden_option(field: &Field, vault: &Vault) -> Error {
    let (name, vault) = (field.name(), vault.spec());
    if field.class() == FieldClass::Plain {
        let allow = vault.variable(Common::ALLOW_OPTIONS.name());
        invalid_option(
            name,
            format!(
                "vault `{}` does not let references set `{name}`",
                vault.name()
            ),
        )
        .with_help(format!("allow it with {allow}={name}"))
    } else {
        invalid_option(name, format!("no reference may set `{name}`"))
            .with_help(format!("set {}", vault.variable(name)))
    }
}

fn invalid_option(name: &str, message: String) -> Error {
    Error::new(ErrorKind::InvalidReference, message).with_context(ContextKey::Option, name)
}
