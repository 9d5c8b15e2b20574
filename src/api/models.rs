//! Which models there are.

use actix_web::get;
use actix_web::web::{Data, Json};
use utoipa_actix_web::service_config::ServiceConfig;

use super::views::{KnownModelView, ModelListView};
use crate::auth::{Authorized, Verify};
use crate::state::AppState;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_models);
}

/// List the models
///
/// What each does, takes and gives, which templates it has a part in, where it comes from, under which licence, and the hash of
/// its file: as they were when the service started.
#[utoipa::path(
    tag = "operations",
    security(("bearer" = ["verify"])),
    responses((status = 200, description = "The models", body = ModelListView))
)]
#[get("/models")]
pub async fn list_models(
    _caller: Authorized<Verify>,
    state: Data<AppState>,
) -> Json<ModelListView> {
    let models = state.models.iter().map(KnownModelView::from).collect();
    Json(ModelListView { models })
}
