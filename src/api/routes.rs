//! The list of routes. What is registered here is served and documented; nothing else is either.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use super::fallback::{KnownRoutes, fallback};
use super::{
    audit_events, docs, edge, erasures, faces, health, imports, jobs, retention, reviews, subjects,
    verifications, watchlists,
};
use crate::auth::authenticate;
use crate::state::AppState;

/// Async threads: requests wait for workers and the database here, they do not compute.
const HTTP_WORKERS: usize = 2;
/// How long a client may take to send a request's head.
const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Every resource.
pub(super) fn resources(config: &mut ServiceConfig<'_>) {
    config
        .service(health::healthz)
        .service(health::readyz)
        .service(health::metrics)
        .service(
            scope::scope("/v1")
                .wrap(from_fn(authenticate))
                .configure(verifications::routes)
                .configure(reviews::routes)
                .configure(faces::routes)
                .configure(watchlists::routes)
                .configure(subjects::routes)
                .configure(imports::routes)
                .configure(jobs::routes)
                .configure(retention::routes)
                .configure(erasures::routes)
                .configure(audit_events::routes),
        );
}

/// Serves on a listener until it is stopped; `grace` is how long requests in flight may take then.
///
/// # Errors
/// Those of the listener.
pub fn serve(listener: TcpListener, state: AppState, grace: Duration) -> std::io::Result<Server> {
    let document = docs::openapi();
    let known = Data::new(KnownRoutes::of(&document));
    let state = Data::new(state);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(known.clone())
            .configure(|config| served(config, document.clone()))
            .default_service(web::to(fallback))
            .wrap(from_fn(edge::edge))
    });
    Ok(server
        .workers(HTTP_WORKERS)
        .client_request_timeout(CLIENT_REQUEST_TIMEOUT)
        .shutdown_timeout(grace.as_secs())
        .disable_signals()
        .listen(listener)?
        .run())
}

/// The resources, their document and its pages.
fn served(config: &mut web::ServiceConfig, document: OpenApi) {
    resources(&mut ServiceConfig::new(config));
    config.service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", document));
    config.route("/docs", web::get().to(health::docs_redirect));
}
