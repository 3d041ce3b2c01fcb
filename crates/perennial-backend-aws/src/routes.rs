//! Which connections a request takes: through a proxy or around it, and new ones once those that are
//! held give no answer. Whom TLS trusts is decided elsewhere.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// The client for HTTP; clones share their connections.
#[derive(Clone)]
pub(crate) struct Routes(Arc<Inner>);

struct Inner {
    /// Whether there is anybody to trust.
    trusts: bool,
    make: Box<dyn Fn(&ProxyConfig) -> SharedHttpClient + Send + Sync>,
    pools: Mutex<Pools>,
}

/// The connections that are held.
#[derive(Clone, Debug)]
struct Pools {
    /// Counts how often they were made anew.
    number: u64,
    /// As the variables for proxies say.
    usual: SharedHttpClient,
    /// Around every proxy.
    direct: SharedHttpClient,
}

impl Routes {
    /// Makes the client out of what makes one for a proxy; nothing is connected yet.
    pub(crate) fn new(
        trusts: bool,
        make: impl Fn(&ProxyConfig) -> SharedHttpClient + Send + Sync + 'static,
    ) -> Self {
        let pools = pools(0, &make);
        Self(Arc::new(Inner {
            trusts,
            make: Box::new(make),
            pools: Mutex::new(pools),
        }))
    }

    /// Watches a call: if it is dropped before its answer came, the connections that it may have
    /// used are let go.
    ///
    /// Whoever waited may have waited for a connection that is dead without anybody having said so,
    /// as after a NAT forgot it, and every later call would join the first one on it: over HTTP/2 one
    /// connection serves all. Credentials stay, and so do calls that are on their way.
    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch {
            routes: self,
            number: Some(self.pools().number),
        }
    }

    /// Makes new connections in place of these, if nobody did so meanwhile.
    fn renew(&self, number: u64) {
        let mut pools = self.pools();
        if pools.number == number {
            *pools = self::pools(number.wrapping_add(1), &self.0.make);
        }
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pools(number: u64, make: &dyn Fn(&ProxyConfig) -> SharedHttpClient) -> Pools {
    Pools {
        number,
        usual: make(&ProxyConfig::from_env()),
        direct: make(&ProxyConfig::disabled()),
    }
}

/// A call that waits for its answer.
#[derive(Debug)]
pub(crate) struct Watch<'r> {
    routes: &'r Routes,
    number: Option<u64>,
}

impl Watch<'_> {
    /// Notes that the call is over; if it was so too late, its connections are let go as well.
    pub(crate) fn over(mut self, late: bool) {
        if !late {
            self.number = None;
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.routes.renew(number);
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

impl HttpClient for Routes {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Fork {
            trusts: self.0.trusts,
            pools: self.pools().clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.pools().usual.connector_metadata()
    }
}

/// The two ways; only that which a request takes is built.
#[derive(Debug)]
struct Fork {
    trusts: bool,
    pools: Pools,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Fork {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !self.trusts && request.uri().starts_with("https:") {
            let error = ConnectorError::other(Box::new(NoAuthorities), None);
            return HttpConnectorFuture::ready(Err(error));
        }
        let pool = match is_link_local(request.uri()) {
            true => &self.pools.direct,
            false => &self.pools.usual,
        };
        // Held by the pool: this looks it up, or builds it first.
        let connector = pool.http_connector(&self.settings, &self.components);
        connector.call(request)
    }
}

/// Nobody is trusted, so nobody can be asked over TLS.
#[derive(Debug)]
pub(crate) struct NoAuthorities;

impl fmt::Display for NoAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are no certificate authorities")
    }
}

impl Error for NoAuthorities {}

/// Returns whether a URL leads to the machine's own link, where the metadata services of machines
/// and containers are: a proxy would ask its own ones, or none.
fn is_link_local(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    match host.and_then(|host| host.parse().ok()) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => matches!(address.segments(), [0xfd00, 0x0ec2, ..]),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_services_are_on_the_link_and_nothing_else_is() {
        let check = |url: &str, expected: bool| assert_eq!(is_link_local(url), expected, "{url}");
        check(
            "http://169.254.169.254/latest/meta-data/placement/region",
            true,
        );
        check("http://169.254.170.2:80/v2/credentials/1", true);
        check("http://169.254.170.23/v1/credentials", true);
        check("http://[fd00:ec2::254]/latest/api/token", true);
        check("http://[fd00:ec2::23]:80/v1/credentials", true);
        check("https://169.254.169.254", true);
        check(
            "https://secretsmanager.eu-central-1.amazonaws.com/169.254.169.254",
            false,
        );
        check("https://169.254.169.254.example.com/", false);
        check("https://example.com/?u=http://169.254.169.254", false);
        check("http://127.0.0.1:9/", false);
        check("http://[fd00:ec3::254]/", false);
        check("http://[fe80::1]/", false);
        check("169.254.169.254", false);
        check("", false);
    }

    #[test]
    fn connections_are_made_anew_only_where_a_call_was_dropped_or_late() {
        let routes = Routes::new(true, |_| {
            aws_smithy_http_client::Builder::new().build_http()
        });
        let number = || routes.pools().number;
        routes.watch().over(false);
        assert_eq!(number(), 0);
        let together = [routes.watch(), routes.watch(), routes.watch()];
        drop(together);
        assert_eq!(number(), 1, "once, however many waited for it");
        routes.watch().over(true);
        assert_eq!(number(), 2);
    }
}
