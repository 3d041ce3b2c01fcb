//! From a request to the place that it means: namespace, mount, name and version.
//!
//! Everything that comes from outside is checked here, before any of it reaches the client.

use std::borrow::Cow;

use perennial_backend::{
    Capabilities, ContextKey, Error, ErrorKind, Numbering, Operation, Request, Selector,
};

use crate::config::{Config, Engine, namespace_flaw};
use crate::error::Site;
use crate::names;

/// Where a secret is.
#[derive(Clone, Debug)]
pub(crate) struct Place<'r> {
    pub(crate) namespace: Option<Cow<'r, str>>,
    pub(crate) mount: Cow<'r, str>,
    /// The version of the engine, where somebody said it.
    pub(crate) engine: Option<Engine>,
    pub(crate) name: &'r str,
}

impl<'r> Place<'r> {
    /// Finds out what a request means; options of the reference stand in for settings.
    pub(crate) fn of(config: &'r Config, request: &'r Request) -> Result<Self, Error> {
        let wrong_option = |option: &'static str, flaw: &str| {
            Error::new(
                ErrorKind::InvalidReference,
                format!("option `{option}` {flaw}"),
            )
            .with_operation(Operation::Fetch)
            .with_context(ContextKey::Option, option)
            .with_context(ContextKey::Resource, request.resource())
        };
        let mut place = Self::named(config, request.resource(), Operation::Fetch)?;
        if let Some(mount) = request.option("mount") {
            let mount = names::trimmed(mount);
            if let Some(flaw) = names::flaw(mount) {
                return Err(wrong_option("mount", flaw));
            }
            place.mount = Cow::Borrowed(mount);
        }
        if let Some(namespace) = request.option("namespace") {
            if let Some(flaw) = namespace_flaw(namespace) {
                return Err(wrong_option("namespace", flaw));
            }
            place.namespace = Some(Cow::Borrowed(namespace));
        }
        if let Some(engine) = request.option("kv") {
            place.engine = Engine::parse(engine);
            if place.engine.is_none() {
                return Err(wrong_option("kv", "takes one of v1, v2"));
            }
        }
        Ok(place)
    }

    /// Makes the place of a name as the settings have it.
    pub(crate) fn named(
        config: &'r Config,
        name: &'r str,
        operation: Operation,
    ) -> Result<Self, Error> {
        if let Some(flaw) = names::flaw(name) {
            let message = format!("the name of the secret {flaw}");
            return Err(Error::new(ErrorKind::InvalidReference, message)
                .with_operation(operation)
                .with_context(ContextKey::Resource, name)
                .with_help("a name is made of parts between single slashes, such as `app/db`"));
        }
        Ok(Self {
            namespace: config.namespace.as_deref().map(Cow::Borrowed),
            mount: Cow::Borrowed(&config.mount),
            engine: config.engine,
            name,
        })
    }

    /// Makes the site of a call at `kind` below the mount, such as `data`; KV 1 has no kinds.
    pub(crate) fn site(
        &self,
        kind: Option<&str>,
        capability: &'static str,
        operation: Operation,
    ) -> Site<'_> {
        let (mount, name) = (&self.mount, self.name);
        let path = match kind {
            Some(kind) => format!("{mount}/{kind}/{name}"),
            None => format!("{mount}/{name}"),
        };
        Site {
            operation,
            resource: Some(name),
            namespace: self.namespace.as_deref(),
            path: Cow::Owned(path),
            capability,
        }
    }
}

/// Which version is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Current,
    Previous,
    Number(u64),
    /// One that no server has.
    Never,
}

impl Wanted {
    pub(crate) fn of(selector: &Selector) -> Option<Self> {
        Some(match selector {
            Selector::Current => Self::Current,
            Selector::Previous => Self::Previous,
            // The server takes 0 for the newest one, and counts from 1.
            Selector::Number(0) => Self::Never,
            Selector::Number(number) if i64::try_from(*number).is_err() => Self::Never,
            Selector::Number(number) => Self::Number(*number),
            Selector::Id(id) => match id.parse() {
                Ok(number) if *number_text(number) == **id => {
                    return Self::of(&Selector::Number(number));
                }
                _ => Self::Never,
            },
            _ => return None,
        })
    }
}

fn number_text(number: u64) -> Box<str> {
    number.to_string().into()
}

/// Returns what can be done with an engine that is known from the start, or with either.
pub(crate) fn capabilities(engine: Option<Engine>) -> Capabilities {
    match engine {
        Some(Engine::V1) => Capabilities::new(),
        _ => Capabilities::new()
            .with_previous()
            .with_ids()
            .with_numbering(Numbering::Provider),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_chosen_by_its_number_alone() {
        let check = |selector, expected| assert_eq!(Wanted::of(&selector), expected);
        check(Selector::Current, Some(Wanted::Current));
        check(Selector::Previous, Some(Wanted::Previous));
        check(Selector::Number(3), Some(Wanted::Number(3)));
        check(Selector::Number(0), Some(Wanted::Never));
        check(Selector::Number(u64::MAX), Some(Wanted::Never));
        check(Selector::Id("3".into()), Some(Wanted::Number(3)));
        check(Selector::Id("03".into()), Some(Wanted::Never));
        check(Selector::Id("0".into()), Some(Wanted::Never));
        check(Selector::Id("+3".into()), Some(Wanted::Never));
        check(Selector::Id("0badc0de".into()), Some(Wanted::Never));
        check(Selector::Pending, None);
        check(Selector::Stage("x".into()), None);
    }

    #[test]
    fn options_stand_in_for_settings_and_are_checked() {
        let config = Config::default().with_namespace("team");
        let place = |name: &str, value: &str| {
            let options: [(Box<str>, Box<str>); 1] = [(name.into(), value.into())];
            let request = Request::new("db").with_options(options);
            let found = Place::of(&config, &request);
            found.map(|place| {
                let namespace = place.namespace.map(|text| text.into_owned());
                (namespace.unwrap(), place.mount.into_owned(), place.engine)
            })
        };
        let expected =
            |namespace: &str, mount: &str, engine| (namespace.to_owned(), mount.to_owned(), engine);
        assert_eq!(
            place("other", "x").unwrap(),
            expected("team", "secret", None)
        );
        assert_eq!(
            place("mount", "/kv/").unwrap(),
            expected("team", "kv", None)
        );
        assert_eq!(
            place("namespace", "a/b").unwrap(),
            expected("a/b", "secret", None)
        );
        let second = Some(Engine::V2);
        assert_eq!(
            place("kv", "v2").unwrap(),
            expected("team", "secret", second)
        );
        for (name, value) in [
            ("mount", ".."),
            ("mount", "a/%2e%2e"),
            ("mount", ""),
            ("namespace", "a/../b"),
            ("namespace", "ä"),
            ("kv", "v3"),
        ] {
            let error = place(name, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidReference, "{name} {value}");
        }
    }
}
