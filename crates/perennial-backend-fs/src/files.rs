//! The backend: from the name of a secret to a file, or to all files of a directory.

use std::sync::Arc;

use perennial_backend::{
    Backend, Capabilities, Context, Error, Facets, Fetched, Members, Request, Selector, Version,
    async_trait,
};

use crate::beneath::{Directory, Found, Obstacle, Root, Trail};
use crate::changes::Watched;
use crate::config::{Config, Watch};
use crate::error::{self, Site};
use crate::names::is_plain;
use crate::read;

/// Reads secrets from files below one directory, anew each time.
///
/// ```
/// use perennial_backend_fs::{Config, Files};
///
/// # if cfg!(unix) {
/// let files = Files::new(Config::default().with_prefix("/run/secrets"))?;
/// # }
/// # Ok::<(), perennial_backend::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    config: Config,
    changes: Arc<Watched>,
}

impl Files {
    /// Makes the backend; nothing is opened before the first read, and nothing is watched before
    /// somebody subscribes.
    ///
    /// # Errors
    /// [`InvalidConfig`](perennial_backend::ErrorKind::InvalidConfig) if the prefix is missing or
    /// relative, or if a limit is out of range.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        let changes = Arc::new(Watched::new(config.clone()));
        Ok(Self { config, changes })
    }
}

#[async_trait]
impl Backend for Files {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
    }

    async fn fetch(&self, cx: &Context, request: &Request) -> Result<Fetched, Error> {
        if *request.selector() != Selector::Current {
            return Err(self.capabilities().unsupported(request.selector()));
        }
        let config = self.config.with_options(request)?;
        let resource = request.resource().to_owned();
        cx.run_blocking(move || read_resource(&config, &resource))
            .await?
    }

    fn facets(&self) -> Facets<'_> {
        match self.config.watch {
            Watch::Auto | Watch::Poll => Facets::none().with_changes(&*self.changes),
            Watch::None => Facets::none(),
        }
    }
}

/// What one attempt came to.
enum Attempt {
    Done(Fetched),
    Failed(Error),
    /// There is no such thing. Unless a second look goes the same way, something was moved while
    /// the first one was on it.
    Absent(Error),
    /// Something was moved in the middle: parts of what was read may be old and parts new.
    Torn,
}

fn read_resource(config: &Config, resource: &str) -> Result<Fetched, Error> {
    let site = Site {
        resource,
        member: None,
    };
    if !is_plain(resource) {
        return Err(site.not_plain());
    }
    // Held open until the end, so that the next root is not taken for this one.
    let mut before: Option<(Root, Trail)> = None;
    for _ in 0..ATTEMPTS {
        let root = Root::open(&config.prefix).map_err(|e| error::prefix(&config.prefix, &e))?;
        let mut trail = Trail::new();
        match attempt(config, &root, site, &mut trail) {
            Attempt::Done(fetched) => return Ok(fetched),
            Attempt::Failed(error) => return Err(error),
            Attempt::Absent(error) => {
                let again = before.as_ref().is_some_and(|(other, other_trail)| {
                    other.directory().is_same(&root.directory()) && *other_trail == trail
                });
                if again {
                    return Err(error);
                }
                before = Some((root, trail));
            }
            Attempt::Torn => before = None,
        }
    }
    Err(site.restless())
}

fn attempt(config: &Config, root: &Root, site: Site<'_>, trail: &mut Trail) -> Attempt {
    match root.directory().find(site.resource, trail) {
        Ok(Found::File(mut file)) => match read::read(&mut file, config.max_size, config.trim) {
            Ok(secret) => Attempt::Done(Fetched::secret(secret)),
            Err(failure) => Attempt::Failed(site.failure(&failure, config.max_size)),
        },
        Ok(Found::Directory(directory)) => read_directory(config, &directory, site, trail),
        Err(obstacle) => unreachable_place(&obstacle, site, trail),
    }
}

fn unreachable_place(obstacle: &Obstacle, site: Site<'_>, trail: &Trail) -> Attempt {
    let error = site.obstacle(obstacle, !trail.is_empty());
    if obstacle.is_absence() {
        Attempt::Absent(error)
    } else {
        Attempt::Failed(error)
    }
}

/// Reads the files of a directory, all of one version of it.
fn read_directory(
    config: &Config,
    directory: &Directory<'_>,
    site: Site<'_>,
    trail: &mut Trail,
) -> Attempt {
    let volume = match volume(directory, trail) {
        Ok(volume) => volume,
        Err(obstacle) => return unreachable_place(&obstacle, site, trail),
    };
    let (place, version) = match &volume {
        Some((inner, version)) => (inner, version.clone()),
        None => (directory, None),
    };
    let names = match place.members(config.max_files) {
        Ok(Some(names)) => names,
        Ok(None) => return Attempt::Failed(site.too_many(config.max_files)),
        Err(error) => return unreachable_place(&Obstacle::System(error), site, trail),
    };
    let mut members = Members::new();
    let mut total = 0_u64;
    for name in names {
        let member = Site {
            member: Some(&name),
            ..site
        };
        let mut links = Trail::new();
        let read = match place.find(&name, &mut links) {
            Ok(Found::File(mut file)) => read::read(&mut file, config.max_size, config.trim)
                .map_err(|failure| member.failure(&failure, config.max_size)),
            Ok(Found::Directory(_)) => continue,
            // It was there when the directory was listed, and was removed since.
            Err(obstacle) if obstacle.is_absence() && links.is_empty() => continue,
            Err(obstacle) => Err(member.obstacle(&obstacle, !links.is_empty())),
        };
        total += read.as_ref().map_or(0, |secret| secret.expose().len()) as u64;
        if total > config.max_total {
            return Attempt::Failed(site.too_much(config.max_total));
        }
        members.insert(name, read);
    }
    if !is_in_force(config, site.resource, place) {
        return Attempt::Torn;
    }
    let fetched = Fetched::members(members);
    Attempt::Done(match version {
        Some(version) => fetched.with_version(version),
        None => fetched,
    })
}

/// A version of a volume: the directory that holds its files, and what it is called.
type Volume<'r> = (Directory<'r>, Option<Version>);

/// Finds the version that is in force, if a directory is a volume as Kubernetes writes them.
///
/// There the files of each version lie in a directory of their own, `..data` is a link to the one
/// in force, and what looks like the files are links through `..data`. Following those one by one
/// would mix versions, so `..data` is followed once and the files are read where they are.
fn volume<'r>(
    directory: &Directory<'r>,
    trail: &mut Trail,
) -> Result<Option<Volume<'r>>, Obstacle> {
    let mut links = Trail::new();
    let found = directory.find(DATA, &mut links);
    let target = links.first().cloned();
    trail.append(&mut links);
    match (found, target) {
        (Ok(Found::Directory(inner)), Some(target)) => {
            let version = target
                .to_str()
                .filter(|name| is_stamp(name))
                .map(Version::new);
            Ok(Some((inner, version)))
        }
        (Err(obstacle), None) if obstacle.is_absence() => Ok(None),
        (Err(obstacle), _) => Err(obstacle),
        (Ok(_), _) => Ok(None),
    }
}

/// Returns whether a resource still leads to this very directory.
fn is_in_force(config: &Config, resource: &str, place: &Directory<'_>) -> bool {
    let Ok(root) = Root::open(&config.prefix) else {
        return false;
    };
    let mut trail = Trail::new();
    let Ok(Found::Directory(directory)) = root.directory().find(resource, &mut trail) else {
        return false;
    };
    match volume(&directory, &mut trail) {
        Ok(Some((inner, _))) => inner.is_same(place),
        Ok(None) => directory.is_same(place),
        Err(_) => false,
    }
}

/// Returns whether a directory has the name that Kubernetes gives to a version of a volume: two
/// dots, the time in six parts, and a random number. Such a name is never given twice.
fn is_stamp(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix("..")
        .and_then(|rest| rest.rsplit_once('.'))
        .is_some_and(|(time, random)| {
            time.split('_').count() == 6 && time.split('_').all(digits) && digits(random)
        })
}

/// The link to the version of a volume that is in force.
const DATA: &str = "..data";
/// How often something is looked for that is moved meanwhile.
const ATTEMPTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_as_kubernetes_names_it() {
        for name in ["..2026_11_26_20_00_00.1234567890", "..1_2_3_4_5_6.7"] {
            assert!(is_stamp(name), "{name}");
        }
        for name in [
            "v1",
            "..data",
            "..",
            "..2026_11_26_20_00_00",
            "..2026_11_26_20_00_00.",
            "..2026_11_26_20_00.1",
            "..2026_11_26_20_00_x0.1",
            "2026_11_26_20_00_00.1",
            "../2026_11_26_20_00_00.1",
        ] {
            assert!(!is_stamp(name), "{name}");
        }
    }
}
