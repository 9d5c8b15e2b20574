//! Watchlists and their search.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::{found, gone};
use super::extract::rules::{self, MAX_NAME_CHARS};
use super::extract::{Form, Image, Page, PageQuery, Path, Query};
use super::views::{SearchView, WatchlistView};
use crate::auth::{Authorized, WatchlistRead, WatchlistWrite};
use crate::domain::ids::WatchlistId;
use crate::domain::policy::{MAX_TARGET_FPIR, MIN_TARGET_FPIR};
use crate::domain::watchlist::WatchlistKind;
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::NewWatchlist;

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
    /// `block`: a hit declines; `alert` (default): a hit asks for a human; `allow`: a hit is only reported.
    #[serde(default = "default_kind")]
    #[schema(value_type = String, example = "alert", default = "alert")]
    pub kind: WatchlistKind,
    /// Share of searches of people who are not on the list that may raise a false alarm; 0.01 unless given.
    #[serde(default = "default_target_fpir")]
    #[validate(range(min = MIN_TARGET_FPIR, max = MAX_TARGET_FPIR))]
    #[schema(minimum = 1e-6, maximum = 1.0, example = 0.01, default = 0.01)]
    pub target_fpir: f64,
}

/// Make a watchlist
///
/// An empty gallery of people to look for.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:write"])),
    request_body(content((CreateWatchlist = "application/json"), (CreateWatchlist = "multipart/form-data"))),
    responses((status = 201, description = "The list", body = WatchlistView))
)]
#[post("/watchlists")]
pub async fn create_watchlist(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Form(form): Form<CreateWatchlist>,
) -> Result<HttpResponse, ApiError> {
    let list = NewWatchlist {
        name: form.name,
        kind: form.kind,
        target_fpir: form.target_fpir,
    };
    let mut records = state.records(&caller.tenant).await?;
    let list = records.insert_watchlist(list).await?;
    records.commit().await?;
    Ok(HttpResponse::Created().json(WatchlistView::from(list)))
}

/// List watchlists
///
/// The newest first, of the token's tenant only.
#[utoipa::path(
    tag = "watchlists",
    security(("bearer" = ["watchlist:read"])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = Page<WatchlistView>))
)]
#[get("/watchlists")]
pub async fn list_watchlists(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<WatchlistView>>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let lists = records.list_watchlists(query.to_page()?).await?;
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
    let mut records = state.records(&caller.tenant).await?;
    let deleted = records.delete_watchlist(WatchlistId::from(id)).await?;
    records.commit().await?;
    gone(deleted)
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
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Form(form): Form<SearchWatchlist>,
) -> Result<Json<SearchView>, ApiError> {
    let image = form.image.within(&state.limits, "image")?;
    let limit = form.limit.unwrap_or(DEFAULT_HITS);
    let search = state
        .verifier
        .search(&caller.tenant, id.into(), image, form.target_fpir, limit)
        .await?;
    state.metrics.observe_search(&search);
    Ok(Json(search.into()))
}
