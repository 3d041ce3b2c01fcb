//! The backend: secrets of KV 1 and KV 2.
//!
//! How the calls are made is in `endpoints`, how they are answered in `answer` and `error`, and
//! who asks in `session`.

use perennial_backend::{
    Backend, Capabilities, Context, ContextKey, Error, ErrorKind, Facets, Fetched, Moment,
    Operation, Request, UnixTime, Upkeep, async_trait,
};
use vaultrs::api::kv1::requests::GetSecretRequest;
use vaultrs::api::kv2::requests::ReadSecretRequest;

use crate::answer::{self, Versioned};
use crate::auth::invalid;
use crate::config::{Config, Engine};
use crate::endpoints::MountInfo;
use crate::engines::Engines;
use crate::error;
use crate::fields;
use crate::place::{Place, Wanted, capabilities};
use crate::session::Session;
use crate::transport::{Answer, Transport};

/// Reads the secrets of a KV engine of HashiCorp Vault or OpenBao.
///
/// ```
/// use perennial_backend::Secret;
/// use perennial_backend_hcv::{Auth, Config, Kv};
///
/// let config = Config::default()
///     .with_address("https://vault.example.com:8200")
///     .with_auth(Auth::token(Secret::from("s.example")));
/// let kv = Kv::new(config)?;
/// # let _ = kv;
/// # Ok::<(), perennial_backend::Error>(())
/// ```
#[derive(Debug)]
pub struct Kv {
    pub(crate) config: Config,
    pub(crate) session: Session,
    engines: Engines,
}

impl Kv {
    /// Makes the backend; nothing is read and nothing is sent before the first call.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig) if the configuration is incomplete or wrong.
    pub fn new(config: Config) -> Result<Self, Error> {
        let auth = config.check()?;
        let transport = Transport::new(&config)?;
        let session = Session::new(transport, auth, config.namespace.clone());
        Ok(Self {
            config,
            session,
            engines: Engines::default(),
        })
    }

    /// Finds out which engine a mount has, unless somebody said it; `None` if nobody may say.
    async fn engine(&self, cx: &Context, place: &Place<'_>) -> Result<Option<Engine>, Error> {
        match place.engine {
            Some(engine) => Ok(Some(engine)),
            None => self.shown_engine(cx, place).await,
        }
    }

    /// Finds out which engine a mount has, whatever somebody said; `None` if nobody may say.
    pub(crate) async fn shown_engine(
        &self,
        cx: &Context,
        place: &Place<'_>,
    ) -> Result<Option<Engine>, Error> {
        if self.engines.engine(place).is_none() {
            self.ask_mount(cx, place).await?;
        }
        Ok(self.engines.engine(place))
    }

    /// Asks a mount for its engine, unless somebody did a short while ago.
    async fn ask_mount(&self, cx: &Context, place: &Place<'_>) -> Result<(), Error> {
        if !self.engines.may_be_asked(place, cx.now()) {
            return Ok(());
        }
        let _asking = self.engines.asking.lock().await;
        if self.engines.may_be_asked(place, cx.now()) {
            let engine = self.ask_mount_now(cx, place).await?;
            self.engines.was_asked(place, engine, cx.now());
        }
        Ok(())
    }

    /// Asks a mount for its engine; `None` if it may not be asked.
    async fn ask_mount_now(
        &self,
        cx: &Context,
        place: &Place<'_>,
    ) -> Result<Option<Engine>, Error> {
        let mut site = place.site(None, "read", Operation::Fetch);
        site.path = format!("sys/internal/ui/mounts/{}", place.mount).into();
        let ask = || MountInfo {
            mount: place.mount.to_string(),
        };
        let answer = self.session.call(cx, &site, ask).await?;
        match answer.status {
            200 => {}
            // The form of the secrets themselves will tell.
            400 | 403 | 404 | 405 => return Ok(None),
            _ => return Err(site.failed(&answer)),
        }
        let Some(mounted) = answer::mounted(&answer.body) else {
            return Err(site.not_understood(&answer, "it is no description of a mount"));
        };
        if let Some(path) = mounted.path.filter(|path| **path != *place.mount) {
            let message = format!("`{}` is no mount but lies in one", place.mount);
            let error = invalid(message, &fields::MOUNT).with_help(format!(
                "set `mount` to `{path}`, and put the rest into the reference"
            ));
            return Err(site.about(error));
        }
        match mounted.engine {
            Ok(engine) => Ok(Some(engine)),
            Err(kind) => {
                let kind = kind
                    .map(|kind| format!(" but `{kind}`"))
                    .unwrap_or_default();
                let message = format!("the mount `{}` is no KV engine{kind}", place.mount);
                Err(site.about(invalid(message, &fields::MOUNT)))
            }
        }
    }

    /// Reads a secret of KV 1; `None` if the mount is KV 2 after all.
    async fn read_plain(
        &self,
        cx: &Context,
        place: &Place<'_>,
    ) -> Result<Result<Fetched, Error>, WrongEngine> {
        let site = place.site(None, "read", Operation::Fetch);
        let read = || GetSecretRequest {
            mount: place.mount.to_string(),
            path: place.name.to_owned(),
        };
        let answer = match self.session.call(cx, &site, read).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        if answer.status == 404 && error::said(&answer) == Some(error::WRONG_ENGINE) {
            return Err(WrongEngine);
        }
        if answer.status != 200 {
            return Ok(Err(site.failed(&answer)));
        }
        let Some(plain) = answer::plain(&answer.body) else {
            return Ok(Err(site.not_understood(&answer, "it is no secret")));
        };
        let fetched = Fetched::secret(plain.object);
        Ok(Ok(match plain.ttl_hint {
            Some(span) => fetched.with_ttl_hint(span),
            None => fetched,
        }))
    }

    /// Sends the call that reads a version of KV 2.
    async fn ask_versioned(
        &self,
        cx: &Context,
        place: &Place<'_>,
        version: Option<u64>,
    ) -> Result<Answer, Error> {
        let site = place.site(Some("data"), "read", Operation::Fetch);
        let read = || ReadSecretRequest {
            mount: place.mount.to_string(),
            path: place.name.to_owned(),
            version,
        };
        self.session.call(cx, &site, read).await
    }

    /// Reads a version of KV 2, deleted and destroyed ones too; `None` if there is none.
    async fn read_versioned(
        &self,
        cx: &Context,
        place: &Place<'_>,
        version: Option<u64>,
    ) -> Result<Option<Versioned>, Error> {
        let answer = self.ask_versioned(cx, place, version).await?;
        let site = place.site(Some("data"), "read", Operation::Fetch);
        match (answer.status, answer::versioned(&answer.body)) {
            (200 | 404, Some(found)) => {
                self.engines.learn(place, Engine::V2);
                Ok(Some(found))
            }
            (404, None) if error::said(&answer).is_some() => Err(site.failed(&answer)),
            (404, None) => {
                self.doubt(cx, place).await?;
                Ok(None)
            }
            (200, None) if answer::plain(&answer.body).is_some() => {
                if place.engine.is_some() {
                    return Err(site.about(wrong_engine(place, Engine::V1)));
                }
                // It is another mount than it was, and this is a secret of KV 1 named `data/…`.
                self.engines.learn(place, Engine::V1);
                Ok(None)
            }
            (200, None) => Err(site.not_understood(&answer, "it is no version of KV 2")),
            _ => Err(site.failed(&answer)),
        }
    }

    /// Finds out whether a secret is missing only because the mount is KV 1 and not KV 2: the
    /// answers of the two are the same. The mount is asked now and then.
    async fn doubt(&self, cx: &Context, place: &Place<'_>) -> Result<(), Error> {
        self.ask_mount(cx, place).await?;
        match (place.engine, self.engines.engine(place)) {
            (Some(Engine::V2), Some(Engine::V1)) => {
                let site = place.site(None, "read", Operation::Fetch);
                Err(site.about(wrong_engine(place, Engine::V1)))
            }
            _ => Ok(()),
        }
    }

    async fn fetch_versioned(
        &self,
        cx: &Context,
        place: &Place<'_>,
        wanted: Wanted,
    ) -> Result<Fetched, Error> {
        let number = match wanted {
            Wanted::Never => return Err(missing(place, wanted)),
            Wanted::Previous => return self.fetch_previous(cx, place).await,
            Wanted::Current => None,
            Wanted::Number(number) => Some(number),
        };
        match self.read_versioned(cx, place, number).await? {
            Some(found) => given(cx.unix_time(), place, found),
            None => Err(missing(place, wanted)),
        }
    }

    /// Reads the newest version below the current one that can be read.
    ///
    /// The current one is read for its number: whoever may read secrets need not be allowed to
    /// read their metadata.
    async fn fetch_previous(&self, cx: &Context, place: &Place<'_>) -> Result<Fetched, Error> {
        let none = || missing(place, Wanted::Previous);
        let newest = self
            .read_versioned(cx, place, None)
            .await?
            .ok_or_else(none)?;
        let newest = newest.facts.number;
        for number in (1..newest).rev().take(MOST_STEPS + 1) {
            match self.read_versioned(cx, place, Some(number)).await? {
                Some(found) if found.object.is_some() => {
                    return given(cx.unix_time(), place, found);
                }
                // Deleted or destroyed: it may be that the one before it is not.
                Some(_) => {}
                // Older ones than that were dropped as well.
                None => break,
            }
        }
        Err(none())
    }

    /// Reads a secret of a mount that nobody may ask for its engine: the answer tells.
    async fn fetch_by_form(
        &self,
        cx: &Context,
        place: &Place<'_>,
        wanted: Wanted,
    ) -> Result<Fetched, Error> {
        let second = match self.ask_versioned(cx, place, None).await? {
            answer if answer::versioned(&answer.body).is_some() => {
                self.engines.learn(place, Engine::V2);
                return self.fetch_versioned(cx, place, wanted).await;
            }
            answer if matches!(answer.status, 403 | 404) => answer,
            answer => {
                let site = place.site(Some("data"), "read", Operation::Fetch);
                return Err(site.failed(&answer));
            }
        };
        match self.read_plain(cx, place).await {
            Ok(Ok(fetched)) => {
                self.engines.learn(place, Engine::V1);
                self.only_current(wanted, Engine::V1)?;
                Ok(fetched)
            }
            Err(WrongEngine) => {
                self.engines.learn(place, Engine::V2);
                self.fetch_versioned(cx, place, wanted).await
            }
            Ok(Err(first)) => {
                let site = place.site(Some("data"), "read", Operation::Fetch);
                match (first.kind(), second.status) {
                    // The one that is not refused says more.
                    (ErrorKind::PermissionDenied, 404) => Err(missing(place, wanted)),
                    (ErrorKind::NotFound, 404) => Err(missing(place, wanted)),
                    (ErrorKind::PermissionDenied, _) => Err(site.failed(&second)),
                    _ => Err(first),
                }
            }
        }
    }

    /// Returns whether a mount has shown itself as KV 1, and nobody said otherwise.
    fn is_plain(&self, place: &Place<'_>) -> bool {
        place.engine.is_none() && self.engines.engine(place) == Some(Engine::V1)
    }

    /// Refuses everything but the current version where there is no other one.
    fn only_current(&self, wanted: Wanted, engine: Engine) -> Result<(), Error> {
        match (engine, wanted) {
            (Engine::V1, Wanted::Current) | (Engine::V2, _) => Ok(()),
            (Engine::V1, _) => Err(no_versions().with_operation(Operation::Fetch)),
        }
    }
}

/// A mount turned out to be KV 2 where KV 1 was believed.
struct WrongEngine;

#[async_trait]
impl Backend for Kv {
    fn capabilities(&self) -> Capabilities {
        capabilities(self.config.engine)
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        let unsupported = || self.capabilities().unsupported(request.selector());
        if !self.capabilities().supports(request.selector()) {
            return Err(unsupported());
        }
        let wanted = Wanted::of(request.selector()).ok_or_else(unsupported)?;
        let place = Place::of(&self.config, request)?;
        match self.engine(cx, &place).await? {
            None => self.fetch_by_form(cx, &place, wanted).await,
            Some(Engine::V2) => match self.fetch_versioned(cx, &place, wanted).await {
                Err(error) if error.kind() == ErrorKind::NotFound && self.is_plain(&place) => {
                    // Another mount stands in its place since it was asked.
                    self.only_current(wanted, Engine::V1)?;
                    let read = self.read_plain(cx, &place).await;
                    read.unwrap_or(Err(error))
                }
                outcome => outcome,
            },
            Some(Engine::V1) => {
                self.only_current(wanted, Engine::V1)?;
                match self.read_plain(cx, &place).await {
                    Ok(outcome) => outcome,
                    Err(WrongEngine) if place.engine.is_some() => {
                        let site = place.site(None, "read", Operation::Fetch);
                        Err(site.about(wrong_engine(&place, Engine::V2)))
                    }
                    // It was upgraded since it was asked.
                    Err(WrongEngine) => {
                        self.engines.learn(&place, Engine::V2);
                        self.fetch_versioned(cx, &place, wanted).await
                    }
                }
            }
        }
    }

    fn facets(&self) -> Facets<'_> {
        let facets = Facets::none().with_upkeep(self);
        match self.config.engine {
            Some(Engine::V1) => facets,
            _ => facets.with_writer(self),
        }
    }
}

#[async_trait]
impl Upkeep for Kv {
    fn due(&self) -> Option<Moment> {
        self.session.due()
    }

    async fn upkeep(&self, cx: &Context) -> Result<(), Error> {
        self.session.keep_up(cx).await
    }
}

/// Turns a version into an answer, or into why it has no value.
fn given(now: UnixTime, place: &Place<'_>, found: Versioned) -> Result<Fetched, Error> {
    let facts = found.facts;
    let number = facts.number;
    let name = place.name;
    let site = place.site(Some("data"), "read", Operation::Fetch);
    let gone = |message: String| {
        site.error(ErrorKind::NotFound, message)
            .with_context(ContextKey::Version, number.to_string())
    };
    let Some(object) = found.object else {
        return Err(if facts.destroyed {
            gone(format!("version {number} of `{name}` was destroyed"))
                .with_help("nobody can bring it back: write a new one")
        } else {
            let mount = &place.mount;
            gone(format!("version {number} of `{name}` was deleted")).with_help(format!(
                "`vault kv undelete -mount={mount} -versions={number} {name}` brings it back"
            ))
        });
    };
    let fetched = Fetched::secret(object).with_version(facts.version());
    Ok(match facts.deleted_at {
        // It is deleted then, unless somebody writes a new one before.
        Some(at) if at > now => fetched.with_hard_end(at.since(now)),
        _ => fetched,
    })
}

fn missing(place: &Place<'_>, wanted: Wanted) -> Error {
    let site = place.site(None, "read", Operation::Fetch);
    let (name, mount) = (place.name, &place.mount);
    let error = match wanted {
        Wanted::Current => site.error(
            ErrorKind::NotFound,
            format!("there is no secret `{name}` in the mount `{mount}`"),
        ),
        Wanted::Previous => site.error(
            ErrorKind::NotFound,
            format!("`{name}` has no previous version that can be read"),
        ),
        Wanted::Number(number) => site
            .error(
                ErrorKind::NotFound,
                format!("there is no version {number} of `{name}` in the mount `{mount}`"),
            )
            .with_context(ContextKey::Version, number.to_string()),
        Wanted::Never => site
            .error(
                ErrorKind::NotFound,
                format!("no version of `{name}` has that number"),
            )
            .with_help("versions are counted from 1"),
    };
    match error.help() {
        Some(_) => error,
        None => error.with_help(format!("`vault kv metadata get -mount={mount} {name}`")),
    }
}

/// Makes the error for a mount whose engine is not the one that was configured.
pub(crate) fn wrong_engine(place: &Place<'_>, found: Engine) -> Error {
    let (mount, found) = (&place.mount, found.as_str());
    let message = format!("the mount `{mount}` is KV {found}, which `kv` does not say");
    invalid(message, &fields::KV).with_help(format!("set `kv` to `{found}`, or leave it out"))
}

/// Makes the error for a version of an engine that has none.
pub(crate) fn no_versions() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the mount is KV 1, which keeps no versions",
    )
    .with_help("remove the version, or upgrade the mount with `vault kv enable-versioning`")
}

/// How many versions are passed over in search of the previous one. A secret keeps ten of them
/// unless it is told otherwise.
const MOST_STEPS: usize = 10;
