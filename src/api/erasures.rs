//! The erasure of people.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::found;
use super::extract::rules::{self, MAX_EXTERNAL_ID_CHARS};
use super::extract::{Keyed, Page, PageQuery, Path, Query};
use super::idempotency::{IdempotencyHeader, Made, once};
use super::views::{ErasureView, ReceiptView};
use crate::auth::{Admin, Authorized};
use crate::domain::ids::ErasureId;
use crate::error::{ApiError, ErrorCode};
use crate::lifecycle::{ErasureRequest, Receipt, erase};
use crate::state::AppState;

/// Longest reason, in characters.
const MAX_REASON_CHARS: u64 = 200;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_erasure)
        .service(list_erasures)
        .service(get_erasure);
}

/// Who is to be erased.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateErasure {
    /// The caller's own key for the person, 1 to 128 characters.
    #[validate(length(min = 1, max = MAX_EXTERNAL_ID_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 128, example = "case-4711")]
    pub external_id: String,
    /// Why, 1 to 200 characters. It stays on the receipt, so it must not hold the key, and should hold no name.
    #[validate(length(min = 1, max = MAX_REASON_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "consent withdrawn")]
    pub reason: Option<String>,
}

impl CreateErasure {
    /// A receipt does not name the person, whatever reason is given.
    fn check(&self) -> Result<(), ApiError> {
        let names_them = |reason: &String| reason.contains(&self.external_id);
        if self.reason.as_ref().is_some_and(names_them) {
            return Err(ApiError::of_field(
                ErrorCode::ValidationFailed,
                "reason",
                "names_the_person",
                "must not hold the external_id, since it is kept",
            ));
        }
        Ok(())
    }
}

/// Erase a person
///
/// Everything that the tenant keeps under one `external_id`, at once: the person on every list with all of their faces,
/// their verifications, and what bulk imports hold of them, pictures that still wait included. Verifications of others
/// that found them on a list keep that somebody was found and forget who. No search, list, result or retry shows them from
/// the answer on. What is sent of the person afterwards is new.
#[utoipa::path(
    tag = "lifecycle",
    security(("bearer" = ["admin"])),
    params(IdempotencyHeader),
    request_body(content((CreateErasure = "application/json"), (CreateErasure = "multipart/form-data"))),
    responses((
        status = 201,
        description = "The receipt, also where there was nothing to erase",
        body = ReceiptView,
        headers(("Location" = String, description = "Where the receipt is"))
    ))
)]
#[post("/erasures")]
pub async fn create_erasure(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Keyed(form, key): Keyed<CreateErasure>,
) -> Result<HttpResponse, ApiError> {
    form.check()?;
    let request = ErasureRequest {
        external_id: form.external_id,
        reason: form.reason,
    };
    let store = state.verifier.store();
    let work = async {
        let erased = erase(store, caller.actor(), request).await?;
        erased.try_map(made)
    };
    once(&state, &caller.tenant, key, work).await
}

fn made(receipt: Receipt) -> Result<Made, ApiError> {
    let id = receipt.erasure.id;
    let view = ReceiptView::from(receipt);
    let made = Made::new(StatusCode::CREATED, &view, vec![id.as_uuid()])?;
    Ok(made.at(format!("/v1/erasures/{id}")))
}

/// List the receipts of erasures
///
/// The newest first.
#[utoipa::path(
    tag = "lifecycle",
    security(("bearer" = ["admin"])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = Page<ErasureView>))
)]
#[get("/erasures")]
pub async fn list_erasures(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ErasureView>>, ApiError> {
    let page = page.to_page()?;
    let mut records = state.records(&caller.tenant).await?;
    let erasures = records.list_erasures(page).await?;
    Ok(Json(Page::of(erasures, ErasureView::from)))
}

/// Read the receipt of an erasure
///
/// Without the key that shows whom it is about.
#[utoipa::path(
    tag = "lifecycle",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "Id of the erasure")),
    responses((status = 200, description = "The receipt", body = ErasureView))
)]
#[get("/erasures/{id}")]
pub async fn get_erasure(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<ErasureView>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let erasure = records.find_erasure(ErasureId::from(id)).await?;
    Ok(Json(found(erasure)?.into()))
}
