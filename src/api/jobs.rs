//! Jobs: how far bulk imports are, and what became of their rows; and how far lists are filled with other templates.

use actix_web::web::{Bytes, Data, Json};
use actix_web::{HttpResponse, get, post};
use futures_util::{Stream, stream};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::found;
use super::extract::{MAX_LIMIT, Page, PageQuery, Path, Query};
use super::views::{JobRowView, JobView};
use crate::auth::{Authorized, WatchlistRead, WatchlistWrite};
use crate::domain::audit::{AuditEvent, JobCancelled, ModelChangeEnded};
use crate::domain::ids::{JobId, TenantId, WatchlistId};
use crate::domain::job::{Job, JobKind, RowState};
use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;
use crate::store::{PageRequest, Store, TenantTx};

/// Rows that one reading of a whole result brings.
const RESULT_ROWS: u32 = 1_000;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_jobs)
        .service(get_job)
        .service(list_job_rows)
        .service(get_job_result)
        .service(cancel_job);
}

/// Which jobs a list is to hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListJobsQuery {
    /// Only those that fill this list.
    pub watchlist_id: Option<Uuid>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// List jobs
///
/// Bulk imports and moves to another embedder, the newest first.
#[utoipa::path(
    tag = "imports",
    security(("bearer" = ["watchlist:read"])),
    params(ListJobsQuery),
    responses((status = 200, description = "One page", body = Page<JobView>))
)]
#[get("/jobs")]
pub async fn list_jobs(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Query(query): Query<ListJobsQuery>,
) -> Result<Json<Page<JobView>>, ApiError> {
    let page = page(query.limit, query.cursor)?;
    let list = query.watchlist_id.map(WatchlistId::from);
    let mut records = state.records(&caller.tenant).await?;
    let jobs = records.list_jobs(list, page).await?;
    Ok(Json(Page::of(jobs, JobView::from)))
}

/// Read a job
///
/// How far it is. A job goes with the list that it fills, or once it is over and its retention is.
#[utoipa::path(
    tag = "imports",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = JobView))
)]
#[get("/jobs/{id}")]
pub async fn get_job(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<JobView>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let job = records.find_job(JobId::from(id)).await?;
    Ok(Json(found(job)?.into()))
}

/// Which rows a list is to hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListJobRowsQuery {
    /// Only those that are `pending`, `succeeded`, `failed` or `cancelled`.
    #[param(value_type = Option<String>, example = "failed")]
    pub state: Option<RowState>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// List the rows of a bulk import
///
/// In their order. Kept after the end of the job, without the pictures, for as long as the job is there.
#[utoipa::path(
    tag = "imports",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the job"), ListJobRowsQuery),
    responses((status = 200, description = "One page", body = Page<JobRowView>))
)]
#[get("/jobs/{id}/rows")]
pub async fn list_job_rows(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<ListJobRowsQuery>,
) -> Result<Json<Page<JobRowView>>, ApiError> {
    let page = page(query.limit, query.cursor)?;
    let job = JobId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    found(records.find_job(job).await?)?;
    let rows = records.list_job_rows(job, query.state, page).await?;
    Ok(Json(Page::of(rows, JobRowView::from)))
}

/// Read the whole result of a bulk import
///
/// Every row as a line of JSON, in their order. What was not reached yet is `pending`.
#[utoipa::path(
    tag = "imports",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the job")),
    responses((
        status = 200,
        description = "One row a line",
        content((JobRowView = "application/x-ndjson"))
    ))
)]
#[get("/jobs/{id}/result")]
pub async fn get_job_result(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let job = found(records.find_job(JobId::from(id)).await?)?;
    let store = state.verifier.store().clone();
    let lines = lines(store, caller.tenant.clone(), job.id);
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines))
}

/// Cancel a job
///
/// No further row is enrolled; faces that are enrolled already stay. With the job that fills a list for another embedder the
/// whole move ends, and the list stays in the embedder that it is in. A job that is over stays as it is.
#[utoipa::path(
    tag = "imports",
    security(("bearer" = ["watchlist:write"])),
    params(("id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = JobView))
)]
#[post("/jobs/{id}/cancel")]
pub async fn cancel_job(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<JobView>, ApiError> {
    let id = JobId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    let cancelled = records.cancel_job(id).await?;
    let job = found(records.find_job(id).await?)?;
    if cancelled {
        let event = what_ended(&mut records, &job).await?;
        records.append_audit_event(caller.actor(), &event)?;
    }
    records.commit().await?;
    Ok(Json(job.into()))
}

/// The end of a job that is cancelled; with one that fills a list for another embedder the whole move ends.
async fn what_ended(records: &mut TenantTx, job: &Job) -> Result<AuditEvent, ApiError> {
    let list = job.watchlist_id;
    if job.kind == JobKind::ModelChange && records.cancel_model_change(list).await? {
        let change = found(records.find_model_change(list).await?)?;
        return Ok(ModelChangeEnded::from(&change).into());
    }
    Ok(JobCancelled::from(job).into())
}

fn page(limit: Option<u32>, cursor: Option<String>) -> Result<PageRequest, ApiError> {
    PageQuery { limit, cursor }.to_page()
}

/// The rows as lines, read a thousand at a time. A failure in the middle breaks the answer off, so that nobody takes a
/// part of it for the whole.
fn lines(
    store: Store,
    tenant: TenantId,
    job: JobId,
) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let first = Some(PageRequest {
        after: None,
        limit: RESULT_ROWS,
    });
    stream::try_unfold(first, move |page| {
        let (store, tenant) = (store.clone(), tenant.clone());
        async move {
            let Some(page) = page else { return Ok(None) };
            let mut transaction = store.begin(&tenant).await?;
            let rows = transaction.list_job_rows(job, None, page).await?;
            drop(transaction);
            let next = rows.next.map(|after| PageRequest {
                after: Some(after),
                ..page
            });
            let mut text = Vec::new();
            for row in rows.items {
                serde_json::to_writer(&mut text, &JobRowView::from(row))
                    .map_err(|error| ApiError::caused_by(ErrorCode::Internal, error))?;
                text.push(b'\n');
            }
            Ok(Some((Bytes::from(text), next)))
        }
    })
}
