//! A port: what it answers, how it is encrypted, and which pages of others may call it.

use std::net::TcpListener;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use rustls::ServerConfig;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use super::extract::IDEMPOTENCY_KEY;
use super::fallback::{KnownRoutes, fallback};
use super::idempotency::IDEMPOTENCY_REPLAYED;
use super::throttle::{RATE_LIMIT, RATE_LIMIT_POLICY};
use super::{docs, edge, health, pages, routes};
use crate::auth::X_REQUEST_ID;
use crate::domain::embedder::Embedder;
use crate::state::AppState;

/// Async threads: requests wait for workers and the database here, they do not compute.
const HTTP_WORKERS: usize = 2;
/// How long a client may take to send a request's head.
const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to agree on how to encrypt.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a browser may remember what it was allowed.
const PREFLIGHT_SECONDS: usize = 600;

/// What a port answers beside health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surface {
    /// The API itself.
    pub api: bool,
    /// Metrics.
    pub metrics: bool,
    /// The API's description and its pages.
    pub docs: bool,
    /// The pages for people.
    pub pages: bool,
    /// Whose scores they read.
    pub embedder: Embedder,
    /// Whether it is encrypted.
    pub tls: bool,
}

impl Surface {
    /// Everything, as it is documented.
    pub const ALL: Self = Self {
        api: true,
        metrics: true,
        docs: true,
        pages: true,
        embedder: Embedder::SHIPPED[0],
        tls: false,
    };
}

/// Where to serve, and what.
pub struct Port {
    /// Bound already.
    pub listener: TcpListener,
    /// What it answers.
    pub surface: Surface,
    /// How it is encrypted, where it is.
    pub tls: Option<ServerConfig>,
    /// The origins of pages that may call it from a browser.
    pub cors_origins: Vec<String>,
}

/// Serves on a port until it is stopped; `grace` is how long requests in flight may take then.
///
/// # Errors
/// Those of the listener.
pub fn serve(port: Port, state: AppState, grace: Duration) -> std::io::Result<Server> {
    let Port {
        listener,
        surface,
        tls,
        cors_origins,
    } = port;
    let served_routes = docs::openapi_of(surface);
    let known = Data::new(KnownRoutes::of(&served_routes));
    // A page on a port without the API describes the one that has it.
    let document = if surface.api {
        served_routes
    } else {
        docs::openapi_of(Surface {
            api: true,
            ..surface
        })
    };
    let (state, surface_data) = (Data::new(state), Data::new(surface));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(known.clone())
            .app_data(surface_data.clone())
            .configure(|config| served(config, surface, &document))
            .default_service(web::to(fallback))
            .wrap(Condition::new(
                !cors_origins.is_empty(),
                cors(&cors_origins),
            ))
            .wrap(from_fn(edge::edge))
    });
    let server = server
        .workers(HTTP_WORKERS)
        .client_request_timeout(CLIENT_REQUEST_TIMEOUT)
        .tls_handshake_timeout(TLS_HANDSHAKE_TIMEOUT)
        .shutdown_timeout(grace.as_secs())
        .disable_signals();
    let server = match tls {
        // With HTTP/2 for those who ask for it.
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

/// The resources of a port, and the document and its pages.
fn served(config: &mut web::ServiceConfig, surface: Surface, document: &OpenApi) {
    routes::resources(&mut ServiceConfig::new(config), surface);
    if surface.docs {
        let pages = SwaggerUi::new("/docs/{_:.*}").config(swagger(surface));
        config.service(pages.url("/openapi.json", document.clone()));
        config.route("/docs", web::get().to(health::docs_redirect));
    }
    if surface.pages {
        pages::routes(config, surface.embedder);
    }
}

/// Swagger UI would send the document's address to a validator on the web, and offer calls that a port without the API
/// cannot answer.
fn swagger(surface: Surface) -> SwaggerConfig<'static> {
    let config = SwaggerConfig::default().validator_url("none");
    if surface.api {
        config
    } else {
        config.supported_submit_methods(Vec::<String>::new())
    }
}

/// Tokens are sent by scripts and never by browsers themselves, so no page needs to call with credentials. What a
/// browser asks beforehand has no token, and is answered before one is looked for.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY, X_REQUEST_ID])
        .expose_headers([
            X_REQUEST_ID,
            IDEMPOTENCY_REPLAYED,
            LOCATION,
            RETRY_AFTER,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
        ])
        .max_age(PREFLIGHT_SECONDS);
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}
