//! The client of the SDK: made on first use, and made anew once its credentials or its
//! authorities are no longer good.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use perennial_backend::{Context, Error};

use crate::auth;
use crate::config::Config;
use crate::error;
use crate::facts::{Facts, Shape};
use crate::transport::{self, Trust};

/// The client, and the region that it asks.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) region: String,
}

/// Makes and keeps the connection.
///
/// Invariant: whoever goes away while it is made leaves the place as it was: the turn passes on, and
/// the next one begins anew.
pub(crate) struct Connections {
    config: Config,
    trust: Trust,
    held: Mutex<Option<Arc<Connection>>>,
    /// Who makes one; the others wait for it.
    turn: tokio::sync::Mutex<()>,
}

impl Connections {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            trust: Trust::new(&config),
            config,
            held: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Returns the connection, and makes it if there is none.
    pub(crate) async fn connection(&self, cx: &Context) -> Result<Arc<Connection>, Error> {
        if let Some(connection) = self.held().clone() {
            return Ok(connection);
        }
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have made it.
        if let Some(connection) = self.held().clone() {
            return Ok(connection);
        }
        let http = transport::connect(cx, &self.trust).await?;
        let sdk = auth::load(cx, &self.config, http).await?;
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let mut builder = Builder::from(&sdk);
        if let Some(url) = &self.config.endpoint_url {
            builder.set_endpoint_url(Some(url.clone()));
        }
        let connection = Arc::new(Connection {
            client: Client::from_conf(builder.build()),
            region,
        });
        *self.held() = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Lets go of a connection if the failure of a call means that the next one needs another:
    /// keys in files are read again, and so are authorities.
    pub(crate) fn learn(&self, connection: &Arc<Connection>, facts: &Facts) {
        let distrusts = facts.shape == Shape::Untrusted && self.trust.is_from_file();
        if !error::is_about_credentials(facts) && !distrusts {
            return;
        }
        let mut held = self.held();
        // Another call may have replaced it already.
        if held
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, connection))
        {
            *held = None;
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
