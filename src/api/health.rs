//! Is it up, is it ready, and how is it doing?

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode};
use crate::metrics::CONTENT_TYPE as METRICS_CONTENT_TYPE;
use crate::state::AppState;

/// The service's own word on itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    /// `ok`; or `degraded` where it works, but a thread is stuck on a picture and was given up: restart it some time.
    #[schema(example = "ok")]
    pub status: &'static str,
}

const OK: HealthView = HealthView { status: "ok" };
const DEGRADED: HealthView = HealthView { status: "degraded" };

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
/// Has a worker look at a picture, and runs a query on the database.
#[utoipa::path(
    tag = "operations",
    responses(
        (status = 200, description = "It is ready", body = HealthView),
        (status = 503, description = "A part does not work", body = super::problem::Problem, content_type = "application/problem+json"),
    )
)]
#[get("/readyz")]
pub async fn readyz(state: Data<AppState>) -> Result<Json<HealthView>, ApiError> {
    let unready =
        |part: &str| ApiError::with_detail(ErrorCode::Unavailable, format!("The {part} fails."));
    let (database, models) = tokio::join!(state.verifier.store().ping(), state.verifier.ping());
    database.map_err(|_| unready("database"))?;
    models.map_err(|_| unready("inference"))?;
    let stuck = state.verifier.engine().workers().stuck;
    Ok(Json(if stuck == 0 { OK } else { DEGRADED }))
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
    let engine = state.verifier.engine();
    let text = state.metrics.encode(engine.queue_depth(), engine.workers());
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
