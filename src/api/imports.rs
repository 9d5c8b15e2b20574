//! Bulk imports into a watchlist.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::answers::found;
use super::extract::{ConsentForm, Image, Path, Upload};
use super::idempotency::{IdempotencyHeader, Made, once};
use super::views::JobView;
use crate::auth::{Authorized, WatchlistWrite};
use crate::domain::ids::WatchlistId;
use crate::domain::job::Job;
use crate::error::ApiError;
use crate::state::AppState;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create_import);
}

/// Pictures of many people.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes a body that is streamed and never held"
)]
pub struct CreateImport {
    /// A ZIP of JPEG, PNG or WebP files.
    #[schema(value_type = String, format = Binary)]
    pub archive: Vec<u8>,
    /// Which file shows whom: CSV with the columns `file`, `external_id`, `display_name`, `valid_until`, `metadata`
    /// and `consent` (both JSON), or an object with these members a line. In its place the archive may hold `manifest.csv` or
    /// `manifest.ndjson`. Without any, `folder/file.jpg` shows the person `folder`, and `file.jpg` the person `file`.
    #[schema(value_type = Option<String>)]
    pub manifest: Option<String>,
}

/// A line of an import in `application/x-ndjson`.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it describes a body that is streamed and never held"
)]
pub struct ImportLine {
    /// The caller's own key, 1 to 128 characters. A line without one holds one picture, of somebody new or, where the list
    /// adds faces to whom they are found to be, of that person.
    #[schema(min_length = 1, max_length = 128, example = "case-4711")]
    pub external_id: Option<String>,
    /// Name to show with a hit, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "J. Doe")]
    pub display_name: Option<String>,
    /// The caller's own data: a JSON object of at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    /// From this instant on (RFC 3339) the person is no longer found.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<String>,
    /// On what the person agreed to. Some services require it: the row is refused with `consent_required` otherwise.
    pub consent: Option<ConsentForm>,
    /// A picture in base64, or a list of up to 10.
    #[schema(value_type = String)]
    pub image: Image,
}

/// Put many people on a watchlist
///
/// Answers once everything is stored; the faces are enrolled afterwards, and a restart does not lose them. Each picture is
/// a row of the job, and is enrolled or refused by itself. Rows with one `external_id` are faces of one person, as is a
/// row whose `external_id` is on the list already; what describes a person is taken from the row that makes them. A face
/// that is somebody else's on the list is named in the row's `duplicate_of`, and the list's `on_duplicate` says what becomes
/// of it, as in a single enrolment.
#[utoipa::path(
    tag = "imports",
    security(("bearer" = ["watchlist:write"])),
    params(("id" = Uuid, Path, description = "Id of the list"), IdempotencyHeader),
    request_body(content((CreateImport = "multipart/form-data"), (ImportLine = "application/x-ndjson"))),
    responses((
        status = 202,
        description = "The job",
        body = JobView,
        headers(("Location" = String, description = "Where the job is"))
    ))
)]
#[post("/watchlists/{id}/imports")]
pub async fn create_import(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    upload: Upload,
) -> Result<HttpResponse, ApiError> {
    let list = WatchlistId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    found(records.find_watchlist_policy(list).await?)?;
    drop(records);
    let _admitted = state.imports.admit()?;
    let (source, key) = upload.receive(&state.imports).await?;
    let work = async {
        let job = state.imports.accept(caller.actor(), list, source);
        job.await?.try_map(made)
    };
    let answer = once(&state, &caller.tenant, key, work).await?;
    state.imports.wake();
    Ok(answer)
}

fn made(job: Job) -> Result<Made, ApiError> {
    let location = format!("/v1/jobs/{}", job.id);
    let tells_of = vec![job.watchlist_id.as_uuid(), job.id.as_uuid()];
    let made = Made::new(StatusCode::ACCEPTED, &JobView::from(job), tells_of)?;
    Ok(made.at(location))
}
