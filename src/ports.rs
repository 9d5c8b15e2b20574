//! The ports of the service, bound and encrypted as configured.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context as _;
use futures_util::future::try_join_all;
use rustls::ServerConfig;

use crate::api::{self, Port, Surface};
use crate::config::Config;
use crate::state::AppState;
use crate::tls::{Certificate, RECHECK, keep_current, server_config};

/// Every port, ready to serve.
pub struct Ports {
    servers: Vec<Server>,
    certificate: Option<Arc<Certificate>>,
    /// Where the API is.
    pub address: SocketAddr,
    /// Where metrics and pages are, where that is elsewhere.
    pub admin_address: Option<SocketAddr>,
}

impl Ports {
    /// Binds the configured addresses. Port 0 takes a free one.
    ///
    /// # Errors
    /// Where an address is taken, or a certificate cannot be used.
    pub fn open(config: &Config, state: &AppState) -> anyhow::Result<Self> {
        let certificate = config.http.tls.clone().map(|files| {
            Certificate::load(files.certificate, files.key)
                .map(Arc::new)
                .context("cannot serve over TLS (LIKENESS_TLS_CERT, LIKENESS_TLS_KEY)")
        });
        let certificate = certificate.transpose()?;
        let tls = certificate.clone().map(server_config).transpose()?;
        let (listener, address) = bind(config.listen, "LIKENESS_LISTEN")?;
        let admin = config.http.admin_listen;
        let admin = admin.map(|address| bind(address, "LIKENESS_ADMIN_LISTEN"));
        let admin = admin.transpose()?;
        let admin_address = admin.as_ref().map(|(_, address)| *address);
        let mut servers = vec![open(
            (listener, surface(config, admin.is_none(), true)),
            tls.as_ref(),
            config,
            state,
        )?];
        if let Some((listener, _)) = admin {
            let surface = surface(config, true, false);
            servers.push(open((listener, surface), tls.as_ref(), config, state)?);
        }
        Ok(Self {
            servers,
            certificate,
            address,
            admin_address,
        })
    }

    /// What stops them.
    #[must_use]
    pub fn handles(&self) -> Vec<ServerHandle> {
        self.servers.iter().map(Server::handle).collect()
    }

    /// Serves until all of them are stopped, or one fails.
    ///
    /// # Errors
    /// That one's.
    pub async fn serve(self) -> std::io::Result<()> {
        let renewing = self
            .certificate
            .map(|certificate| tokio::spawn(keep_current(certificate, RECHECK)));
        let served = try_join_all(self.servers).await;
        if let Some(renewing) = renewing {
            renewing.abort();
        }
        served.map(|_| ())
    }
}

fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot serve on {address} ({setting})"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// What is shown where metrics and pages are, and where the API is.
fn surface(config: &Config, operations: bool, api: bool) -> Surface {
    Surface {
        api,
        metrics: operations && config.http.metrics,
        docs: operations && config.http.docs,
        // They call the API at their own origin, so they are where it is.
        pages: api && config.http.pages,
        embedder: config.load.embedder,
        tls: config.http.tls.is_some(),
    }
}

fn open(
    (listener, surface): (TcpListener, Surface),
    tls: Option<&ServerConfig>,
    config: &Config,
    state: &AppState,
) -> anyhow::Result<Server> {
    // Pages of others have business with the API only.
    let cors_origins = if surface.api {
        config.http.cors_origins.clone()
    } else {
        Vec::new()
    };
    let port = Port {
        listener,
        surface,
        tls: tls.cloned(),
        cors_origins,
    };
    Ok(api::serve(port, state.clone(), config.load.shutdown_grace)?)
}
