//! Watchlists and their search.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::found;
use super::extract::present::never_null;
use super::extract::rules::{self, MAX_NAME_CHARS};
use super::extract::{Form, Image, JsonForm, Keyed, MAX_LIMIT, Page, PageQuery, Path, Query};
use super::idempotency::{IdempotencyHeader, Made, once};
use super::throttle::SearchBudget;
use super::views::{SearchView, WatchlistView};
use crate::auth::{Authorized, WatchlistRead, WatchlistWrite};
use crate::domain::audit::{WatchlistChanged, WatchlistCreated, WatchlistDeleted};
use crate::domain::duplicate::OnDuplicate;
use crate::domain::ids::WatchlistId;
use crate::domain::policy::{MAX_TARGET_FPIR, MIN_TARGET_FPIR};
use crate::domain::watchlist::WatchlistKind;
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::{NewWatchlist, Uncommitted, WatchlistChange, WatchlistFilter};

/// Hits that a search names unless asked otherwise.
const DEFAULT_HITS: u32 = 10;
/// Most hits that a search names.
const MAX_HITS: u32 = 100;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_watchlist)
        .service(list_watchlists)
        .service(get_watchlist)
        .service(patch_watchlist)
        .service(delete_watchlist)
        .service(search_watchlist);
}

fn default_kind() -> WatchlistKind {
    WatchlistKind::Alert
}

fn default_target_fpir() -> f64 {
    0.01
}

/// A new watchlist.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWatchlist {
    /// Its name, 1 to 200 characters, unique within the tenant.
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "Known fraudsters")]
    pub name: String,
    /// What a hit does to a verification. `block`: it declines. `alert` (default): it asks for a human's review. `allow`:
    /// it is reported and changes nothing; it never outweighs another reason.
    #[serde(default = "default_kind")]
    #[schema(value_type = String, example = "alert", default = "alert")]
    pub kind: WatchlistKind,
    /// Share of searches of people who are not on the list that may raise a false alarm; 0.01 unless given.
    #[serde(default = "default_target_fpir")]
    #[validate(range(min = MIN_TARGET_FPIR, max = MAX_TARGET_FPIR))]
    #[schema(minimum = 1e-6, maximum = 1.0, example = 0.01, default = 0.01)]
    pub target_fpir: f64,
    /// What becomes of a new face that is found to be on the list already: `report` (default) enrols it and names whose
    /// it is, `reject` refuses it, `add_to_subject` adds it to that person.
    #[serde(default)]
    #[schema(value_type = String, example = "report", default = "report")]
    pub on_duplicate: OnDuplicate,
    /// `true` keeps the picture of every face that is enrolled, encrypted, so that the list can be moved to another embedder
    /// later. It takes a key that the operator configures, and is answered with 422 `image_key_missing` without one.
    #[serde(default)]
    #[schema(example = false, default = false)]
    pub keep_images: bool,
}

/// Make a watchlist
///
/// An empty gallery of people to look for.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:write"])),
    params(IdempotencyHeader),
    request_body(content((CreateWatchlist = "application/json"), (CreateWatchlist = "multipart/form-data"))),
    responses((status = 201, description = "The list", body = WatchlistView))
)]
#[post("/watchlists")]
pub async fn create_watchlist(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Keyed(form, key): Keyed<CreateWatchlist>,
) -> Result<HttpResponse, ApiError> {
    let list = NewWatchlist {
        name: form.name,
        kind: form.kind,
        target_fpir: form.target_fpir,
        on_duplicate: form.on_duplicate,
        keep_images: form.keep_images,
    };
    let work = async {
        let mut transaction = state.records(&caller.tenant).await?;
        let list = transaction.insert_watchlist(list).await?;
        transaction.append_audit_event(caller.actor(), &WatchlistCreated::from(&list).into())?;
        let tells_of = vec![list.id.as_uuid()];
        let outcome = Made::new(StatusCode::CREATED, &WatchlistView::from(list), tells_of)?;
        Ok(Uncommitted {
            outcome,
            transaction,
        })
    };
    once(&state, &caller.tenant, key, work).await
}

/// Which watchlists are wanted; everything that is given must hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWatchlistsQuery {
    /// Only those of this kind: `block`, `alert` or `allow`.
    #[param(value_type = Option<String>)]
    pub kind: Option<WatchlistKind>,
    /// Only those with this as a part of their name, in whatever case.
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[param(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// List watchlists
///
/// The newest first, of the token's tenant only.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:read"])),
    params(ListWatchlistsQuery),
    responses((status = 200, description = "One page", body = Page<WatchlistView>))
)]
#[get("/watchlists")]
pub async fn list_watchlists(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Query(query): Query<ListWatchlistsQuery>,
) -> Result<Json<Page<WatchlistView>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    }
    .to_page()?;
    let filter = WatchlistFilter {
        kind: query.kind,
        name: query.name,
    };
    let mut records = state.records(&caller.tenant).await?;
    let lists = records.list_watchlists(&filter, page).await?;
    Ok(Json(Page::of(lists, WatchlistView::from)))
}

/// Read a watchlist
///
/// Its policy and how many people and faces it holds.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    responses((status = 200, description = "The list", body = WatchlistView))
)]
#[get("/watchlists/{id}")]
pub async fn get_watchlist(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<WatchlistView>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let list = records.find_watchlist(WatchlistId::from(id)).await?;
    Ok(Json(found(list)?.into()))
}

/// What is to be different about a watchlist; a field that is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchWatchlist {
    /// Its name, 1 to 200 characters, unique within the tenant.
    #[serde(default, deserialize_with = "never_null")]
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, example = "Known fraudsters")]
    pub name: Option<String>,
    /// `block`: a hit declines; `alert`: a hit asks for a human; `allow`: a hit is only reported.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = String, required = false, example = "alert")]
    pub kind: Option<WatchlistKind>,
    /// Share of searches of people who are not on the list that may raise a false alarm.
    #[serde(default, deserialize_with = "never_null")]
    #[validate(range(min = MIN_TARGET_FPIR, max = MAX_TARGET_FPIR))]
    #[schema(value_type = f64, required = false, minimum = 1e-6, maximum = 1.0, example = 0.01)]
    pub target_fpir: Option<f64>,
    /// What becomes of a new face that is found to be on the list already: `report`, `reject` or `add_to_subject`.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = String, required = false, example = "report")]
    pub on_duplicate: Option<OnDuplicate>,
    /// `true` keeps the pictures of faces that are enrolled from now on; `false` keeps no more, and deletes those that are
    /// kept.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = bool, required = false, example = false)]
    pub keep_images: Option<bool>,
}

/// Change a watchlist
///
/// A field that is absent stays as it is. Searches and enrolments that begin later go by the new values; answers that
/// were given stay.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:write"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    request_body(content((PatchWatchlist = "application/json"))),
    responses((status = 200, description = "The list", body = WatchlistView))
)]
#[patch("/watchlists/{id}")]
pub async fn patch_watchlist(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    JsonForm(form): JsonForm<PatchWatchlist>,
) -> Result<Json<WatchlistView>, ApiError> {
    let change = WatchlistChange {
        name: form.name,
        kind: form.kind,
        target_fpir: form.target_fpir,
        on_duplicate: form.on_duplicate,
        keep_images: form.keep_images,
    };
    let (id, fields) = (WatchlistId::from(id), change.fields());
    let mut records = state.records(&caller.tenant).await?;
    records.update_watchlist(id, change).await?;
    let list = found(records.find_watchlist(id).await?)?;
    let changed = WatchlistChanged {
        fields,
        list: WatchlistCreated::from(&list),
    };
    records.append_audit_event(caller.actor(), &changed.into())?;
    records.commit().await?;
    Ok(Json(list.into()))
}

/// Delete a watchlist
///
/// With everybody on it and all of their faces, for good.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:write"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    responses((status = 204, description = "It is gone"))
)]
#[delete("/watchlists/{id}")]
pub async fn delete_watchlist(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let watchlist_id = WatchlistId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    let faces = found(records.delete_watchlist(watchlist_id).await?)?;
    let deleted = WatchlistDeleted {
        watchlist_id,
        faces,
    };
    records.append_audit_event(caller.actor(), &deleted.into())?;
    records.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whom to look for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchWatchlist {
    /// The picture of the person; it must show exactly one face.
    pub image: Image,
    /// Most people to name, 1 to 100; 10 unless given.
    #[validate(range(min = 1, max = MAX_HITS))]
    #[schema(minimum = 1, maximum = 100, example = 10)]
    pub limit: Option<u32>,
    /// A rate of false alarms in place of the list's own.
    #[validate(range(min = MIN_TARGET_FPIR, max = MAX_TARGET_FPIR))]
    #[schema(minimum = 1e-6, maximum = 1.0, example = 0.01)]
    pub target_fpir: Option<f64>,
}

/// Search a watchlist
///
/// Compares the face with every face of the list. Whoever reaches the threshold for a list of this size is a hit.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    request_body(content((SearchWatchlist = "multipart/form-data"), (SearchWatchlist = "application/json"))),
    responses((status = 200, description = "Who was found", body = SearchView))
)]
#[post("/watchlists/{id}/search")]
pub async fn search_watchlist(
    caller: Authorized<WatchlistRead>,
    _budget: SearchBudget,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Form(form): Form<SearchWatchlist>,
) -> Result<Json<SearchView>, ApiError> {
    let image = form.image.within(&state.limits, "image")?;
    let limit = form.limit.unwrap_or(DEFAULT_HITS);
    let search = state
        .verifier
        .search(caller.actor(), id.into(), image, form.target_fpir, limit)
        .await?;
    state.metrics.observe_search(&search);
    Ok(Json(search.into()))
}
