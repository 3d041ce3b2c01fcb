//! How a read of a variable fails: names of variables, and nothing of what any of them holds.

use perennial_backend::{ContextKey, Error, ErrorKind, Operation};

use crate::config::{PREFIX, complaint};

/// The name of a variable, and what it was made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) resource: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) variable: &'a str,
}

/// The variable is not set; `near` is one that is, and that was probably meant.
pub(crate) fn unset(lookup: Lookup<'_>, near: Option<&str>) -> Error {
    let Lookup {
        prefix, variable, ..
    } = lookup;
    let help = match (near, prefix) {
        (Some(near), _) => format!(
            "`{near}` is set, but names are upper-cased before they are looked up: rename it to \
             `{variable}`"
        ),
        (None, "") => format!("set `{variable}` in the environment of this process"),
        (None, prefix) => format!(
            "set `{variable}` in the environment of this process; the prefix `{prefix}` was put \
             before the name"
        ),
    };
    about(
        lookup,
        ErrorKind::NotFound,
        format!("environment variable `{variable}` is not set"),
    )
    .with_help(help)
}

/// No environment can hold a variable of that name.
pub(crate) fn impossible(lookup: Lookup<'_>) -> Error {
    about(
        lookup,
        ErrorKind::InvalidReference,
        format!(
            "no environment variable can be named `{}`",
            lookup.variable.escape_debug()
        ),
    )
    .with_help("a name holds neither `=` nor a NUL byte")
}

/// The value cannot be turned into bytes without changing it.
#[cfg(not(unix))]
pub(crate) fn not_unicode(lookup: Lookup<'_>) -> Error {
    about(
        lookup,
        ErrorKind::Unsupported,
        format!(
            "environment variable `{}` is not valid Unicode",
            lookup.variable
        ),
    )
    .with_help("store the value as base64 and set `base64_decode`")
}

/// A reference asks for a prefix that cannot be one.
pub(crate) fn invalid_option(prefix: &str, resource: &str) -> Error {
    Error::new(
        ErrorKind::InvalidReference,
        format!("option {}", complaint(prefix)),
    )
    .with_operation(Operation::Fetch)
    .with_context(ContextKey::Option, PREFIX.name())
    .with_context(ContextKey::Resource, resource)
    .with_help("for example `?prefix=SECRETS_`")
}

fn about(lookup: Lookup<'_>, kind: ErrorKind, message: String) -> Error {
    Error::new(kind, message)
        .with_operation(Operation::Fetch)
        .with_context(ContextKey::Resource, lookup.resource)
        .with_context(ContextKey::Variable, lookup.variable)
}
