//! What one call of a backend brings, and how a reference looks at it.

use std::sync::Arc;

use perennial_backend::{Request, Selector};
use perennial_reference::Coerce;

/// The options of a reference that are its backend's, sorted by name.
pub(crate) type BackendOptions = Arc<[(Box<str>, Box<str>)]>;

/// What one call of a backend brings: the identity by which calls are shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    /// Which vault: a vault that is replaced gets a new number.
    pub(crate) vault: u64,
    pub(crate) name: Arc<str>,
    pub(crate) selector: Selector,
    pub(crate) options: BackendOptions,
}

impl Resource {
    pub(crate) fn request(&self) -> Request {
        Request::new(Arc::clone(&self.name))
            .with_selector(self.selector.clone())
            .with_options(Arc::clone(&self.options))
    }

    /// Returns the same under another name that the store gave for it.
    pub(crate) fn named(&self, alias: &str) -> Self {
        Self {
            name: Arc::from(alias),
            ..self.clone()
        }
    }
}

/// One way to look at a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) part: Part,
    pub(crate) base64_decode: bool,
    pub(crate) coerce: Option<Coerce>,
}

/// Which part of a resource a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Member(Box<str>),
    Pointer(Box<str>),
}
