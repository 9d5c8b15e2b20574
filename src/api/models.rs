//! Which models there are.

use actix_web::get;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::{Authorized, Verify};
use crate::models::KnownModel;
use crate::state::AppState;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_models);
}

/// The models of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelListView {
    /// All of them: those that it ships with, then those that were added.
    pub models: Vec<KnownModelView>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownModelView {
    /// Its name.
    #[schema(example = "fr_feature")]
    pub name: String,
    /// What it does.
    #[schema(example = "turns a face into a template of 512 numbers")]
    pub role: String,
    /// The licence that it is used under.
    #[schema(example = "MIT")]
    pub licence: String,
    /// The package that it comes from, or what was said when it was added.
    #[schema(example = "faceplugin-face-recognition-js 0.0.1")]
    pub origin: String,
    /// SHA-256 of its file, in hexadecimal.
    #[schema(example = "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581")]
    pub sha256: String,
    /// Whether the service works with it.
    pub at_work: bool,
    /// The `embedder` that its templates carry; of embedders that were added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "my_arcface-1f0c2d3e")]
    pub embedder_id: Option<String>,
    /// Whether error rates are known of its similarities; of embedders that were added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<bool>,
}

impl From<&KnownModel> for KnownModelView {
    fn from(known: &KnownModel) -> Self {
        let known = known.clone();
        Self {
            name: known.name,
            role: known.role,
            licence: known.licence,
            origin: known.origin,
            sha256: known.sha256,
            at_work: known.at_work,
            embedder_id: known.embedder_id,
            calibrated: known.calibrated,
        }
    }
}

/// List the models
///
/// What each does, where it comes from, under which licence, and the hash of its file: as they were when the service started.
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
