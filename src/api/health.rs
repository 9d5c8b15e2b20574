//! Is it up, is it ready, and how is it doing?

use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::auth::KeyHealth;
use crate::error::{ApiError, ErrorCode};
use crate::metrics::CONTENT_TYPE as METRICS_CONTENT_TYPE;
use crate::state::AppState;
use crate::vision::Engine;

/// How long a part may take to show that it works.
const PATIENCE: Duration = Duration::from_secs(2);

/// The service's own word on itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    /// `ok`, or `degraded` where requests are answered but a part does not work as it should.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The parts at fault, where the status is `degraded`: `token_keys` where the issuer's keys could not be
    /// refreshed and the last ones serve, `search_recall` where searches of a large list are measured to miss faces,
    /// `inference` where a thread never came back from a picture and was replaced, `database_writes` where the database
    /// takes none, so that records can be read, and whatever would be kept or audited is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<&'static str>,
}

const OK: HealthView = HealthView {
    status: "ok",
    parts: Vec::new(),
};

/// Whether the process is up
///
/// Answers as long as the process runs, whatever the state of its parts.
#[utoipa::path(tag = "operations", responses((status = 200, description = "It is up", body = HealthView)))]
#[get("/healthz")]
pub async fn healthz() -> Json<HealthView> {
    Json(OK)
}

/// Whether requests will be answered
///
/// Has a worker look at a picture, runs a query on the database, and sees whether tokens can be checked. A part that takes
/// longer than two seconds counts as one that fails.
#[utoipa::path(
    tag = "operations",
    responses(
        (status = 200, description = "It is ready, perhaps degraded", body = HealthView),
        (status = 503, description = "A part does not work", body = super::problem::Problem, content_type = "application/problem+json"),
    )
)]
#[get("/readyz")]
pub async fn readyz(state: Data<AppState>) -> Result<Json<HealthView>, ApiError> {
    let unready =
        |part: &str| ApiError::with_detail(ErrorCode::Unavailable, format!("The {part} fails."));
    let (database, models) = tokio::join!(
        timeout(PATIENCE, state.verifier.store().ping()),
        timeout(PATIENCE, state.verifier.ping())
    );
    let Ok(Ok(takes_writes)) = database else {
        return Err(unready("database"));
    };
    let Ok(Ok(())) = models else {
        return Err(unready("inference"));
    };
    let keys = state.tokens.key_health();
    if keys == KeyHealth::Unknown {
        return Err(unready("token issuer's key server"));
    }
    let parts = [
        ("token_keys", keys == KeyHealth::Degraded),
        ("search_recall", state.recall.is_degraded()),
        // A thread is stuck on a picture and was given up; another has its place.
        ("inference", stuck_workers(state.verifier.engine()) > 0),
        ("database_writes", !takes_writes),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|(part, at_fault)| at_fault.then_some(part))
        .collect();
    let status = if parts.is_empty() { "ok" } else { "degraded" };
    Ok(Json(HealthView { status, parts }))
}

/// Threads that were given up, those that read documents included.
fn stuck_workers(engine: &Engine) -> usize {
    let readers = engine
        .readers()
        .map_or(0, |readers| readers.workers().stuck);
    engine.workers().stuck + readers
}

/// Counters and histograms
///
/// In the OpenMetrics text format.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"))
)]
#[get("/metrics")]
pub async fn metrics(state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    let connections = state.verifier.store().connections();
    let text = state.metrics.encode(state.verifier.engine(), connections);
    let text = text.map_err(|error| ApiError::caused_by(ErrorCode::Internal, error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, METRICS_CONTENT_TYPE))
        .body(text))
}

/// `/docs` itself leads to the page.
pub(super) async fn docs_redirect() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/docs/"))
        .finish()
}
