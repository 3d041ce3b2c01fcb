//! Which vaults there are, and what a reference may set of them.

#![cfg(test)]

use std::sync::Arc;

use perennial_backend::{
    Backend, BackendType, Backends, Capabilities, Context, Fetched, Field, FieldClass, FieldKind,
    Members, Numbering, Request, Secret, Selector, SettingMap, Settings, VaultSpec, async_trait,
};
use perennial_resolver::{Error, ErrorKind, Resolver};
use perennial_testkit::ScriptedBackend;

/// Shows an error as a program would: every link of the chain, and the advice.
fn chain(error: &Error) -> String {
    let mut shown = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        shown = format!("{shown}: {cause}");
        source = cause.source();
    }
    format!("{shown} | {}", error.help().unwrap_or("-"))
}

/// A backend whose answers are made of the options that reach it.
#[derive(Debug)]
struct Echo;

const ECHO: Settings = Settings::new(
    "echo",
    "what it was asked",
    &[
        Field::new("region", FieldKind::Text, "The region."),
        Field::new("raw", FieldKind::Boolean, "Whether raw.").with_aliases(&["plain"]),
        Field::new("endpoint_url", FieldKind::Url, "Where.").with_class(FieldClass::Address),
        Field::new("token", FieldKind::Text, "Who.").with_class(FieldClass::Credential),
    ],
);

#[async_trait]
impl Backend for Echo {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
            .with_previous()
            .with_numbering(Numbering::Generations)
    }

    async fn fetch(
        &self,
        _: &Context,
        request: &Request,
    ) -> Result<Fetched, perennial_backend::Error> {
        let options: Vec<_> = request.options().map(|(k, v)| format!("{k}={v}")).collect();
        let generation = if *request.selector() == Selector::Previous {
            "old"
        } else {
            "new"
        };
        let members: Members = [
            ("options", Secret::new(options.join("&"))),
            ("generation", Secret::new(generation)),
        ]
        .into_iter()
        .collect();
        Ok(Fetched::members(members))
    }
}

fn echo(spec: VaultSpec) -> Resolver {
    let row = BackendType::new(&ECHO, |_: &SettingMap| Ok(Arc::new(Echo)));
    Resolver::builder()
        .backends(Backends::new().with(row))
        .vault(spec)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_reference_sets_only_what_its_vault_allows() {
    let closed = echo(VaultSpec::default_of("echo").unwrap());
    let open = echo(
        VaultSpec::named("open-echo", "echo")
            .unwrap()
            .with("allow_options", "region, raw"),
    );
    for (secrets, reference, expected) in [
        (
            &open,
            "{vault://open-echo/x/options?region=eu&raw}",
            Ok("raw=true&region=eu"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?plain=false}",
            Ok("raw=false"),
        ),
        (
            &closed,
            "{vault://echo/x/options?region=eu}",
            Err(
                "vault `echo` does not let references set `region` | allow it with \
                 PERENNIAL_VAULT_ECHO_ALLOW_OPTIONS=region",
            ),
        ),
        (
            &open,
            "{vault://open-echo/x/options?endpoint_url=http://evil}",
            Err("no reference may set `endpoint_url` | set PERENNIAL_VAULT_OPEN_ECHO_ENDPOINT_URL"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?token=t}",
            Err("no reference may set `token` | set PERENNIAL_VAULT_OPEN_ECHO_TOKEN"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?region}",
            Err("option `region` needs a value | write `region=…`"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?raw=1}",
            Err("option `raw` takes `true` or `false`, not `1` | -"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?raw&plain}",
            Err("option `raw` is given twice | -"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?regoin=eu}",
            Err("there is no option `regoin` | did you mean `region`?"),
        ),
        (
            &open,
            "{vault://open-echo/x/options?TTL=5}",
            Err("there is no option `TTL` | did you mean `ttl`?"),
        ),
    ] {
        let value = secrets.get(reference).await;
        match (value, expected) {
            (Ok(value), expected) => assert_eq!(value.secret().expose_str(), Ok(expected.unwrap())),
            (Err(error), expected) => {
                let expected = expected.unwrap_err();
                assert_eq!(
                    chain(&error),
                    format!("cannot resolve {reference}: {expected}")
                );
            }
        }
    }
}

#[test]
fn vaults_that_cannot_be_are_refused_when_the_resolver_is_made() {
    let store = ScriptedBackend::new();
    let build = |specs: Vec<VaultSpec>| {
        let built = Resolver::builder()
            .backends(store.backends())
            .vaults(specs)
            .build();
        let error = built.unwrap_err();
        format!("{error} | {}", error.help().unwrap_or("-"))
    };
    let named = |name| VaultSpec::named(name, "scripted").unwrap();
    assert_eq!(
        build(vec![named("one-store"), named("one-store")]),
        "there are two vaults `one-store` | give each vault a prefix of its own"
    );
    assert_eq!(
        build(vec![named("scripted")]),
        "`scripted` is the name of a backend type, so no vault can be named so | choose another \
         name, such as `scripted-main`, or configure the default vault of `scripted`"
    );
    assert_eq!(
        build(vec![VaultSpec::named("mine", "scripted-x").unwrap()]),
        "there is no backend `scripted-x` | did you mean `scripted`?"
    );
    let error = VaultSpec::named("Bad_Name", "scripted").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Bad_Name` cannot be the name of a vault"
    );
}

#[tokio::test]
async fn what_is_wrong_with_one_vault_is_reported_by_those_who_use_it() {
    let store = ScriptedBackend::new();
    store.put("key", "value");
    let secrets = Resolver::builder()
        .backends(store.backends())
        .vault(
            VaultSpec::named("broken", "scripted")
                .unwrap()
                .with("ttl", "soon"),
        )
        .vault(
            VaultSpec::named("typo", "scripted")
                .unwrap()
                .with("tll", "5"),
        )
        .build()
        .unwrap();
    let value = secrets.get("{vault://scripted/key}").await.unwrap();
    assert_eq!(value.secret().expose(), b"value");
    let error = secrets.get("{vault://broken/key}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(
        chain(&error),
        "cannot resolve {vault://broken/key}: setting `ttl` takes seconds, or a number with s, m, h \
         or d, not `soon` | set by the program"
    );
    let error = secrets.get("{vault://typo/key}").await.unwrap_err();
    assert!(chain(&error).ends_with("there is no setting `tll` | did you mean `ttl`?"));
}
