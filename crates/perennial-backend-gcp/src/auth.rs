//! Who asks: credentials from what the configuration gives, or from the machine.
//!
//! Each kind is made by the vendor's library, which also keeps its tokens fresh in a task of its
//! own. The search order is ours, so that nothing but the configuration is looked at.

use std::fmt;
use std::io::ErrorKind as IoErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    Credentials, anonymous, external_account, external_account_authorized_user, impersonated, mds,
    service_account, user_account,
};
use google_cloud_gax::retry_policy::NeverRetry;
use http::Extensions;
use perennial_backend::{Context, ContextKey, Error, ErrorKind, Secret};
use serde_json::Value;

use crate::config::{AuthMethod, AuthOrder, Config};

/// Credentials, and where they came from.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) credentials: Credentials,
    pub(crate) source: Source,
}

/// Where credentials came from, in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Anonymous,
    DefaultFile,
    File,
    Metadata,
    Text,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "no credentials",
            Self::DefaultFile => "the application default credentials",
            Self::File => "the credentials in `credentials_file`",
            Self::Metadata => "the metadata server",
            Self::Text => "the credentials in `service_account`",
        })
    }
}

/// Finds the credentials that the configuration asks for.
pub(crate) async fn login(cx: &Context, config: &Config) -> Result<Login, Error> {
    match config.auth_method {
        AuthMethod::Anonymous => {
            let credentials = anonymous::Builder::new().build();
            return Ok(Login {
                credentials,
                source: Source::Anonymous,
            });
        }
        AuthMethod::Metadata => {
            return metadata(cx, config).await.map_err(|why| {
                why.with_help(
                    "attach a service account to the machine or workload, or look at `metadata_host`",
                )
            });
        }
        AuthMethod::Auto => {}
    }
    if let Some(text) = &config.service_account {
        if config.auth_method_order == AuthOrder::Legacy
            && let Ok(found) = metadata(cx, config).await
        {
            return Ok(found);
        }
        return from_json(text, Source::Text);
    }
    if let Some(path) = &config.credentials_file {
        return match read(cx, path.clone()).await? {
            Ok(text) => from_json(&text, Source::File),
            Err(why) => Err(unreadable(why)),
        };
    }
    // One that is not there, or not for us to read, is not meant.
    if let Some(home) = &config.home
        && let Ok(text) = read(cx, home.join(DEFAULT_FILE)).await?
    {
        return from_json(&text, Source::DefaultFile);
    }
    metadata(cx, config).await.map_err(|why| {
        why.with_help(
            "set `service_account` or `credentials_file` (GOOGLE_APPLICATION_CREDENTIALS), log in \
             with `gcloud auth application-default login`, or run where the cloud knows who runs",
        )
    })
}

/// Asks the metadata server for a token, to see whether there is one.
async fn metadata(cx: &Context, config: &Config) -> Result<Login, Error> {
    let mut builder = mds::Builder::default()
        .with_retry_policy(NeverRetry)
        // Otherwise it is asked for at the metadata server, before anything else.
        .with_universe_domain(config.universe_domain());
    if let Some(host) = &config.metadata_host {
        builder = builder.with_endpoint(format!("http://{host}"));
    }
    let credentials = builder
        .build()
        .map_err(|why| unusable(&why, Source::Metadata))?;
    let token = tokio::select! {
        token = credentials.headers(Extensions::new()) => token.map_err(|why| why.is_transient()),
        () = cx.sleep(METADATA_LIMIT.min(cx.remaining() / 2)) => Err(true),
    };
    match token {
        Ok(_) => Ok(Login {
            credentials,
            source: Source::Metadata,
        }),
        Err(true) => Err(Error::new(
            ErrorKind::Unavailable,
            "there are no other credentials, and no metadata server answers",
        )),
        Err(false) => Err(Error::new(
            ErrorKind::Unauthenticated,
            "there are no other credentials, and the metadata server gives no token",
        )),
    }
}

fn from_json(text: &Secret, source: Source) -> Result<Login, Error> {
    let Ok(json) = serde_json::from_slice::<Value>(text.expose()) else {
        return Err(
            Error::new(ErrorKind::InvalidConfig, format!("{source} are not JSON"))
                .with_help("give the text of the key file, as the console or `gcloud` writes it"),
        );
    };
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default();
    let built = match kind {
        "authorized_user" => user_account::Builder::new(json).build(),
        "external_account" => external_account::Builder::new(json).build(),
        "external_account_authorized_user" => {
            external_account_authorized_user::Builder::new(json).build()
        }
        "impersonated_service_account" => impersonated::Builder::new(json).build(),
        "service_account" => service_account::Builder::new(json).build(),
        _ => {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("{source} have no `type` that is known here"),
            )
            .with_help(
                "known: authorized_user, external_account, external_account_authorized_user, \
                 impersonated_service_account, service_account",
            ));
        }
    };
    match built {
        Ok(credentials) => Ok(Login {
            credentials,
            source,
        }),
        Err(why) => Err(unusable(&why, source)),
    }
}

/// Says what kind of fault the library found; its own words may repeat what it read.
fn unusable(why: &BuildError, source: Source) -> Error {
    let fault = if why.is_missing_field() {
        "lack a field"
    } else if why.is_not_supported() {
        "are of a kind that is not supported"
    } else {
        "are not of the form that their `type` has"
    };
    Error::new(ErrorKind::InvalidConfig, format!("{source} {fault}"))
        .with_help("download the key file again, or have the configuration written by `gcloud`")
}

async fn read(cx: &Context, path: PathBuf) -> Result<Result<Secret, IoErrorKind>, Error> {
    let bytes = cx.run_blocking(move || std::fs::read(path)).await?;
    Ok(bytes.map(Secret::new).map_err(|why| why.kind()))
}

fn unreadable(why: IoErrorKind) -> Error {
    let (kind, message) = if why == IoErrorKind::NotFound {
        let message = "the file named by `credentials_file` is not there".to_owned();
        (ErrorKind::InvalidConfig, message)
    } else {
        let message = format!("the file named by `credentials_file` cannot be read: {why}");
        (ErrorKind::Unauthenticated, message)
    };
    Error::new(kind, message)
        .with_context(ContextKey::Field, "credentials_file")
        .with_help("GOOGLE_APPLICATION_CREDENTIALS sets it where nothing else does")
}

/// Where `gcloud auth application-default login` puts what it got, below the home directory.
const DEFAULT_FILE: &str = if cfg!(windows) {
    "gcloud/application_default_credentials.json"
} else {
    ".config/gcloud/application_default_credentials.json"
};

/// How long the metadata server may take: it is on the same machine, if there is one.
const METADATA_LIMIT: Duration = Duration::from_secs(3);
