//! Who asks: the SDK's chain of credentials, a profile, a key, and the roles assumed on top.
//!
//! What the SDK lacks stands here: a profile that is named counts before the variables of the
//! process, and roles follow one another.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_secretsmanager::config::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::origin::Origin;
use perennial_backend::{Context, Error, Secret};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::config::Config;
use crate::error;
use crate::time::Time;

/// Loads what the SDK needs to know: where, who, and that it must not try twice.
///
/// The SDK reads the variables of the process and its shared files itself, and asks the metadata
/// service of the machine where nothing else names a region or credentials.
pub(crate) async fn load(
    cx: &Context,
    config: &Config,
    http: SharedHttpClient,
) -> Result<SdkConfig, Error> {
    let time = Time::of(cx);
    let base = loader(config, http.clone(), time.clone()).load().await;
    if base.region().is_none() {
        return Err(error::no_region(config.profile.as_deref()));
    }
    let base = match (&config.profile, key(config)) {
        (Some(profile), None) => {
            let provider = from_profile(config, profile, &base, http, time);
            with_credentials(base, SharedCredentialsProvider::new(provider))
        }
        _ => base,
    };
    let base = with_roles(config, base).await;
    Ok(match base.credentials_provider() {
        Some(provider) => with_credentials(base, SharedCredentialsProvider::new(Quiet(provider))),
        None => base,
    })
}

/// A source of credentials that logs nothing: some of the SDK's log the body of an answer that they
/// do not understand, and a part of that may be a key.
#[derive(Debug)]
struct Quiet(SharedCredentialsProvider);

impl ProvideCredentials for Quiet {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let work = async { self.0.provide_credentials().await };
        future::ProvideCredentials::new(work.with_subscriber(Dispatch::none()))
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0.fallback_on_interrupt()
    }
}

fn loader(config: &Config, http: SharedHttpClient, time: Time) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .time_source(time.clone())
        .sleep_impl(time)
        .retry_config(RetryConfig::disabled());
    if let Some(region) = &config.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(fips) = config.use_fips {
        loader = loader.use_fips(fips);
    }
    if let Some(dualstack) = config.use_dualstack {
        loader = loader.use_dual_stack(dualstack);
    }
    if let Some(files) = shared::files(config) {
        loader = loader.profile_files(files);
    }
    if let Some(profile) = &config.profile {
        loader = loader.profile_name(profile.clone());
    }
    match key(config) {
        Some(key) => loader.credentials_provider(key),
        // The profile alone gives them; they are added once the region is known.
        None if config.profile.is_some() => loader.no_credentials(),
        None => loader,
    }
}

/// The shared files of the SDK, by the names that its own builders still use.
#[expect(
    deprecated,
    reason = "the builders that take these files know them by the old names"
)]
mod shared {
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};

    use crate::config::Config;

    /// Names the files if one of them is configured; the other one is found as ever.
    pub(super) fn files(config: &Config) -> Option<ProfileFiles> {
        if config.config_file.is_none() && config.credentials_file.is_none() {
            return None;
        }
        let files = ProfileFiles::builder();
        let files = match &config.config_file {
            Some(path) => files.with_file(ProfileFileKind::Config, path),
            None => files.include_default_config_file(true),
        };
        let files = match &config.credentials_file {
            Some(path) => files.with_file(ProfileFileKind::Credentials, path),
            None => files.include_default_credentials_file(true),
        };
        Some(files.build())
    }
}

fn key(config: &Config) -> Option<Credentials> {
    let id = exposed(config.access_key_id.as_ref())?;
    let secret = exposed(config.secret_access_key.as_ref())?;
    let token = exposed(config.session_token.as_ref()).map(str::to_owned);
    Some(Credentials::new(id, secret, token, None, "perennial"))
}

fn exposed(secret: Option<&Secret>) -> Option<&str> {
    secret.and_then(|secret| secret.expose_str().ok())
}

fn from_profile(
    config: &Config,
    profile: &str,
    base: &SdkConfig,
    http: SharedHttpClient,
    time: Time,
) -> ProfileFileCredentialsProvider {
    let mut provider = ProviderConfig::without_region()
        .with_region(base.region().cloned())
        .with_use_fips(base.use_fips())
        .with_use_dual_stack(base.use_dual_stack())
        .with_http_client(http)
        .with_time_source(time.clone())
        .with_sleep_impl(time)
        .with_retry_config(RetryConfig::disabled());
    if let Some(timeouts) = base.timeout_config() {
        provider = provider.with_timeout_config(timeouts.clone());
    }
    let mut builder = ProfileFileCredentialsProvider::builder()
        .configure(&provider)
        .profile_name(profile);
    if let Some(files) = shared::files(config) {
        builder = builder.profile_files(files);
    }
    builder.build()
}

/// Puts the roles on top, each assumed with the credentials of the one before.
async fn with_roles(config: &Config, base: SdkConfig) -> SdkConfig {
    let last = config.assume_role_arn.len().saturating_sub(1);
    let mut sts = base.clone();
    if let Some(url) = &config.sts_endpoint_url {
        let mut builder = sts.into_builder().endpoint_url(url.clone());
        // So that it counts before what variables and profiles say.
        builder.insert_origin("endpoint_url", Origin::shared_config());
        sts = builder.build();
    }
    let mut provider = base.credentials_provider();
    for (index, role) in config.assume_role_arn.iter().enumerate() {
        let mut builder = AssumeRoleProvider::builder(role)
            .configure(&sts)
            .session_name(&config.role_session_name);
        let external = config.assume_role_external_id.as_ref();
        if let Some(id) = exposed(external).filter(|_| index == last) {
            builder = builder.external_id(id);
        }
        provider = Some(SharedCredentialsProvider::new(match provider {
            Some(before) => builder.build_from_provider(before).await,
            None => builder.build().await,
        }));
    }
    match provider {
        Some(provider) => with_credentials(base, provider),
        None => base,
    }
}

fn with_credentials(base: SdkConfig, provider: SharedCredentialsProvider) -> SdkConfig {
    let cache = IdentityCache::lazy().load_timeout(LONGEST_LOAD);
    base.into_builder()
        .credentials_provider(provider)
        .identity_cache(cache.build())
        .build()
}

/// How long credentials may take: as long as the driver lets a call take. By itself the SDK would
/// give up after six seconds, and a process that takes seven could never give any.
const LONGEST_LOAD: Duration = Duration::from_secs(24 * 3600);
