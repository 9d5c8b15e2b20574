//! Faces in pictures: nothing here is kept.

use actix_web::post;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

use super::extract::{Form, Image};
use super::throttle::SearchBudget;
use super::verifications::PolicyForm;
use super::views::{ComparisonView, DetectionView};
use crate::auth::{Authorized, Verify};
use crate::error::ApiError;
use crate::state::AppState;

/// Most targets that one comparison takes.
const MAX_TARGETS: u64 = 10;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(detect_faces).service(compare_faces);
}

/// A picture.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectFaces {
    /// The picture to look for faces in.
    pub image: Image,
}

/// Find faces
///
/// Every face of a picture, largest first, with landmarks, pose and quality. No face is an empty list.
#[utoipa::path(
    tag = "faces",
    security(("bearer" = ["verify"])),
    request_body(content((DetectFaces = "multipart/form-data"), (DetectFaces = "application/json"))),
    responses((status = 200, description = "The faces", body = DetectionView))
)]
#[post("/faces/detect")]
pub async fn detect_faces(
    _caller: Authorized<Verify>,
    state: Data<AppState>,
    Form(form): Form<DetectFaces>,
) -> Result<Json<DetectionView>, ApiError> {
    let image = form.image.within(&state.limits, "image")?;
    Ok(Json(state.verifier.detect(image).await?.into()))
}

/// A source face and the pictures to look for it in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareFaces {
    /// The picture of the face that is looked for; it must show exactly one.
    pub source: Image,
    /// The pictures to look in, 1 to 10; repeat the part for several.
    #[validate(length(min = 1, max = MAX_TARGETS))]
    #[schema(min_items = 1, max_items = 10)]
    pub target: Vec<Image>,
    /// Error rates in place of the defaults.
    #[serde(default)]
    #[validate(nested)]
    pub policy: PolicyForm,
}

/// Compare faces
///
/// Compares the one face of the source with every face of every target.
#[utoipa::path(
    tag = "faces",
    security(("bearer" = ["verify"])),
    request_body(content((CompareFaces = "multipart/form-data"), (CompareFaces = "application/json"))),
    responses((status = 200, description = "The similarities", body = ComparisonView))
)]
#[post("/faces/compare")]
pub async fn compare_faces(
    caller: Authorized<Verify>,
    _budget: SearchBudget,
    state: Data<AppState>,
    Form(form): Form<CompareFaces>,
) -> Result<Json<ComparisonView>, ApiError> {
    let policy = form.policy.over(state.verifier.default_policy())?;
    let source = form.source.within(&state.limits, "source")?;
    let targets = form
        .target
        .into_iter()
        .map(|target| target.within(&state.limits, "target"));
    let targets = targets.collect::<Result<_, ApiError>>()?;
    Ok(Json(
        state
            .verifier
            .compare(caller.actor(), source, targets, &policy)
            .await?
            .into(),
    ))
}
