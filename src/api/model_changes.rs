//! Moving a watchlist to another embedder.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::extract::{Keyed, Page, PageQuery, Path, Query};
use super::idempotency::{IdempotencyHeader, Made, once};
use super::views::{ModelChangeView, SubjectToEnrolView};
use crate::auth::{Admin, Authorized, WatchlistRead};
use crate::domain::ids::WatchlistId;
use crate::domain::model_change::{ModelChange, SwitchMode};
use crate::error::ApiError;
use crate::state::AppState;
use crate::verify::Step;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(activate_model)
        .service(get_model_change)
        .service(list_subjects_to_enrol)
        .service(switch_model)
        .service(roll_back_model_change)
        .service(finish_model_change);
}

/// Which list is to be moved to an embedder.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateModel {
    /// The list.
    pub watchlist_id: Uuid,
    /// `automatic`: the list is switched as soon as every face has its new template; `manual`: when it is asked for.
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "manual")]
    pub switch: SwitchMode,
}

/// Move a watchlist to another embedder
///
/// Nothing stops meanwhile: searches go by the old embedder until the switch, whoever is enrolled gets templates of both, and
/// a job makes those that are missing, from pictures that the list keeps. Searches are made with both, one at a time, and it
/// is counted how often they find the same person. Sent again before the switch, it goes on with the same change. A list
/// without faces is moved at once.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, example = "fr_feature", description = "Name of the embedder: `sface`, `fused`, `fr_feature`, or one that was added"),
        IdempotencyHeader
    ),
    request_body(content((ActivateModel = "application/json"))),
    responses((
        status = 202,
        description = "The change; its progress is at `Location`",
        body = ModelChangeView,
        headers(("Location" = String, description = "The change"))
    ))
)]
#[post("/models/{id}/activate")]
pub async fn activate_model(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Path(id): Path<String>,
    Keyed(form, key): Keyed<ActivateModel>,
) -> Result<HttpResponse, ApiError> {
    let list = WatchlistId::from(form.watchlist_id);
    let work = async {
        let begun = state
            .verifier
            .activate(caller.actor(), &id, list, form.switch);
        begun.await?.try_map(made)
    };
    let answer = once(&state, &caller.tenant, key, work).await?;
    state.imports.wake();
    Ok(answer)
}

fn made(change: ModelChange) -> Result<Made, ApiError> {
    let list = change.watchlist_id;
    let tells_of = vec![list.as_uuid(), change.id.as_uuid()];
    let made = Made::new(
        StatusCode::ACCEPTED,
        &ModelChangeView::from(change),
        tells_of,
    )?;
    Ok(made.at(format!("/v1/watchlists/{list}/model_change")))
}

/// Read how far a watchlist is moved
///
/// The change that is open, or else the latest. A list that was never to be moved has none: 409 `model_change_conflict`.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    responses((status = 200, description = "The change", body = ModelChangeView))
)]
#[get("/watchlists/{id}/model_change")]
pub async fn get_model_change(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<ModelChangeView>, ApiError> {
    let change = state
        .verifier
        .model_change(&caller.tenant, id.into())
        .await?;
    Ok(Json(change.into()))
}

/// List who has to be enrolled again
///
/// People with faces of which there is neither a template of the new embedder nor a picture to make it from. Once each such
/// face is enrolled anew and the old one deleted, activate the model again, and the change goes on.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the list"), PageQuery),
    responses((status = 200, description = "One page", body = Page<SubjectToEnrolView>))
)]
#[get("/watchlists/{id}/model_change/subjects_to_enrol")]
pub async fn list_subjects_to_enrol(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SubjectToEnrolView>>, ApiError> {
    let (list, page) = (WatchlistId::from(id), query.to_page()?);
    state.verifier.model_change(&caller.tenant, list).await?;
    let mut records = state.records(&caller.tenant).await?;
    let subjects = records.subjects_to_enrol_again(list, page).await?;
    Ok(Json(Page::of(subjects, SubjectToEnrolView::from)))
}

/// Switch a watchlist to its new embedder
///
/// All of it at once. Searches and enrolments that begin later go by the new embedder; new faces get templates of both, so
/// that it can be rolled back, until the change is finished.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    responses((status = 200, description = "The change", body = ModelChangeView))
)]
#[post("/watchlists/{id}/model_change/switch")]
pub async fn switch_model(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<ModelChangeView>, ApiError> {
    take_step(&caller, &state, id, Step::Switch).await
}

/// Roll the change of a watchlist back
///
/// Before the switch the new templates are dropped; after it the list goes back to the embedder that it was in, with everybody
/// who was enrolled since.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    responses((status = 200, description = "The change", body = ModelChangeView))
)]
#[post("/watchlists/{id}/model_change/roll_back")]
pub async fn roll_back_model_change(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<ModelChangeView>, ApiError> {
    take_step(&caller, &state, id, Step::RollBack).await
}

/// Finish the change of a watchlist
///
/// After the switch: the old templates are dropped, and there is no way back.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    responses((status = 200, description = "The change", body = ModelChangeView))
)]
#[post("/watchlists/{id}/model_change/finish")]
pub async fn finish_model_change(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<ModelChangeView>, ApiError> {
    take_step(&caller, &state, id, Step::Finish).await
}

async fn take_step(
    caller: &Authorized<Admin>,
    state: &AppState,
    list: Uuid,
    step: Step,
) -> Result<Json<ModelChangeView>, ApiError> {
    let taken = state.verifier.take_step(caller.actor(), list.into(), step);
    Ok(Json(taken.await?.into()))
}
