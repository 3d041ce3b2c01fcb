//! A store that gives canaries in every form that there is, and fails on demand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use perennial_backend::{
    Backend, BackendType, Batch, Capabilities, Changes, Context, Error, ErrorKind, Facets, Fetched,
    Field, FieldClass, FieldKind, Hints, Members, Request, Secret, Settings, Version, async_trait,
};

/// What is planted: a text, a number, and the first as it may be encoded.
pub(crate) const CANARIES: [&str; 5] = [
    TEXT,
    NUMBER,
    "Y2FuYXJ5fjdmM2E5",
    "63616e6172797e37",
    "[99, 97, 110, 97, 114, 121",
];
pub(crate) const TEXT: &str = "canary~7f3a9";
pub(crate) const NUMBER: &str = "424242424242";

pub(crate) const SETTINGS: Settings = Settings::new(
    "coop",
    "a store of canaries",
    &[
        Field::new("token", FieldKind::Text, "who asks").with_class(FieldClass::Credential),
        Field::new(
            "pin",
            FieldKind::Integer { min: 0, max: 9 },
            "who asks, too",
        )
        .with_class(FieldClass::Credential),
    ],
);

/// Everything that was made on the way, to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) contexts: Mutex<Vec<Context>>,
    pub(crate) requests: Mutex<Vec<Request>>,
    pub(crate) fetched: Mutex<Vec<Fetched>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Coop {
    pub(crate) seen: Arc<Seen>,
    pub(crate) is_down: Arc<AtomicBool>,
    pub(crate) rotated: Arc<AtomicBool>,
}

impl Coop {
    pub(crate) fn backend_type(&self) -> BackendType {
        let coop = self.clone();
        BackendType::new(&SETTINGS, move |_| Ok(Arc::new(coop.clone())))
    }

    fn answer(&self, request: &Request) -> Result<Fetched, Error> {
        let json = |text: String| Ok(Fetched::secret(Secret::new(text)));
        match request.resource() {
            "absent" => Err(Error::new(ErrorKind::NotFound, "there is no such egg")),
            "denied" => Err(Error::new(ErrorKind::PermissionDenied, "not for you")),
            "plain" => json(TEXT.to_owned()),
            "scalar" => json(format!("\"{TEXT}\"")),
            "number" => json(NUMBER.to_owned()),
            "broken" => json(format!("{{\"key\": \"{TEXT}\",")),
            "bytes" => Ok(Fetched::secret(Secret::new(
                [TEXT.as_bytes(), &[0xff, 0xfe]].concat(),
            ))),
            "members" => {
                let mut members = Members::new();
                members.insert("user", Ok(Secret::new(TEXT)));
                let refused = Error::new(ErrorKind::Unexpected, "this egg cannot be read");
                members.insert("bad", Err(refused));
                Ok(Fetched::members(members))
            }
            _ => {
                let rotated = self.rotated.load(Ordering::Relaxed);
                let version = Version::new(if rotated { "2" } else { "1" });
                let last = if rotated { "new" } else { "old" };
                let text = format!(
                    r#"{{"user":"{TEXT}","port":{NUMBER},"list":["{TEXT}"],"{last}":"{TEXT}"}}"#
                );
                Ok(Fetched::secret(Secret::new(text)).with_version(version))
            }
        }
    }
}

#[async_trait]
impl Backend for Coop {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new().with_max_batch(3)
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        self.seen.contexts.lock().unwrap().push(cx.clone());
        self.seen.requests.lock().unwrap().push(request.clone());
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "the coop is closed"));
        }
        match request.resource() {
            "hangs" => std::future::pending().await,
            "panics" => std::panic::resume_unwind(Box::new(TEXT.to_owned())),
            _ => {}
        }
        let answer = self.answer(request);
        if let Ok(fetched) = &answer {
            self.seen.fetched.lock().unwrap().push(fetched.clone());
        }
        answer
    }

    async fn fetch_many(&self, cx: &Context, requests: &[Request], batch: &mut Batch) {
        for (index, request) in requests.iter().enumerate() {
            let answer = self.fetch(cx, request).await;
            batch.answer(index, answer);
        }
    }

    fn facets(&self) -> Facets<'_> {
        Facets::none().with_changes(self)
    }
}

#[async_trait]
impl Changes for Coop {
    async fn subscribe(&self, _: &Context) -> Result<Box<dyn Hints>, Error> {
        Err(Error::new(ErrorKind::Unsupported, "hens say nothing"))
    }
}
