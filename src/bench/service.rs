//! The whole service, on a scratch database and a port of its own.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt as _;
use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::auth::{Scope, TokenRequest, mint};
use crate::config::{Config, JwtKey};
use crate::domain::budget::Allowance;
use crate::domain::hex::hex;
use crate::domain::ids::TenantId;
use crate::startup::{Application, token_rules};

const TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// A service that runs beside its clients.
pub(super) struct Service {
    address: SocketAddr,
    /// What shows that a request may be made.
    pub(super) token: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Service {
    /// Starts it as it is configured, but for its database, address and key, without TLS, and without budgets.
    pub(super) async fn start(
        config: &Config,
        database: &SecretString,
        tenant: &TenantId,
    ) -> anyhow::Result<Self> {
        let key: [u8; 32] = rand::rng().random();
        let key = SecretString::from(hex(&key));
        let mut config = config.clone();
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.database.url = Some(database.clone());
        config.http.tls = None;
        config.allowance = Allowance::default();
        config.jwt.key = Some(JwtKey::Secret(key.clone()));
        let request = TokenRequest {
            subject: "bench".to_owned(),
            tenant: tenant.clone(),
            scope: Scope::ALL.map(Scope::name).join(" "),
            ttl: TOKEN_TTL,
        };
        let token = mint(&key, &token_rules(&config), &request)?;
        let application = Application::build(&config).await?;
        let address = application.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(application.run_until(async move {
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            token,
            stop,
            serving,
        })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.serving.await?
    }
}
