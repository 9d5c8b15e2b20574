//! The people on a watchlist and their faces.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::{found, gone};
use super::extract::rules::{self, MAX_EXTERNAL_ID_CHARS, MAX_NAME_CHARS};
use super::extract::{Form, Image, MAX_LIMIT, Page, PageQuery, Path, Query};
use super::views::{EnrolledFaceView, SubjectView};
use crate::auth::{Authorized, WatchlistRead, WatchlistWrite};
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::domain::verification::Metadata;
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::NewSubject;

/// Most pictures that one subject is made with.
const MAX_IMAGES: u64 = 10;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_subject)
        .service(list_subjects)
        .service(get_subject)
        .service(delete_subject)
        .service(create_face)
        .service(list_faces)
        .service(delete_face);
}

/// A person to look for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubject {
    /// The caller's own key, 1 to 128 characters, unique within the list.
    #[validate(length(min = 1, max = MAX_EXTERNAL_ID_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 128, example = "case-4711")]
    pub external_id: Option<String>,
    /// Name to show with a hit, 1 to 200 characters.
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "J. Doe")]
    pub display_name: Option<String>,
    /// The caller's own data: a JSON object of at most 16 KiB.
    #[serde(default)]
    #[validate(custom(function = rules::metadata))]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    /// From this instant on (RFC 3339) the person is no longer found.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub valid_until: Option<OffsetDateTime>,
    /// Pictures with exactly one face each, at most 10; repeat the part for several.
    #[serde(default)]
    #[validate(length(max = MAX_IMAGES))]
    #[schema(max_items = 10)]
    pub image: Vec<Image>,
}

/// Put a person on a watchlist
///
/// With the faces of any number of pictures: all of them are enrolled, or nothing is.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(("id" = Uuid, Path, description = "Id of the list")),
    request_body(content((CreateSubject = "multipart/form-data"), (CreateSubject = "application/json"))),
    responses((status = 201, description = "The person", body = SubjectView))
)]
#[post("/watchlists/{id}/subjects")]
pub async fn create_subject(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Form(form): Form<CreateSubject>,
) -> Result<HttpResponse, ApiError> {
    let images = form
        .image
        .into_iter()
        .map(|image| image.within(&state.limits, "image"));
    let images = images.collect::<Result<_, ApiError>>()?;
    let subject = NewSubject {
        external_id: form.external_id,
        display_name: form.display_name,
        metadata: form.metadata,
        valid_until: form.valid_until,
    };
    let subject = state
        .verifier
        .enrol_subject(&caller.tenant, id.into(), subject, images)
        .await?;
    Ok(HttpResponse::Created().json(SubjectView::from(subject)))
}

/// Which people a list is to hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSubjectsQuery {
    /// Only the one with this key.
    #[validate(custom(function = rules::printable))]
    pub external_id: Option<String>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// List the people on a watchlist
///
/// The newest first.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:read"])),
    params(("id" = Uuid, Path, description = "Id of the list"), ListSubjectsQuery),
    responses((status = 200, description = "One page", body = Page<SubjectView>))
)]
#[get("/watchlists/{id}/subjects")]
pub async fn list_subjects(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<ListSubjectsQuery>,
) -> Result<Json<Page<SubjectView>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    }
    .to_page()?;
    let list = WatchlistId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    let known = records.find_watchlist(list).await?;
    found(known)?;
    let subjects = records
        .list_subjects(list, query.external_id.as_deref(), page)
        .await?;
    Ok(Json(Page::of(subjects, SubjectView::from)))
}

/// Read a person
///
/// With their enrolled faces.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:read"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
    ),
    responses((status = 200, description = "The person", body = SubjectView))
)]
#[get("/watchlists/{id}/subjects/{subject_id}")]
pub async fn get_subject(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path((id, subject_id)): Path<(Uuid, Uuid)>,
) -> Result<Json<SubjectView>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let subject = records
        .find_subject(id.into(), SubjectId::from(subject_id))
        .await?;
    Ok(Json(found(subject)?.into()))
}

/// Take a person off a watchlist
///
/// With all of their faces, for good.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
    ),
    responses((status = 204, description = "They are gone"))
)]
#[delete("/watchlists/{id}/subjects/{subject_id}")]
pub async fn delete_subject(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path((id, subject_id)): Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let deleted = records
        .delete_subject(id.into(), SubjectId::from(subject_id))
        .await?;
    records.commit().await?;
    gone(deleted)
}

/// A picture of a person's face.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateFace {
    /// The picture; it must show exactly one face.
    pub image: Image,
}

/// Enrol another face of a person
///
/// Each face is compared by itself; the nearest one counts.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
    ),
    request_body(content((CreateFace = "multipart/form-data"), (CreateFace = "application/json"))),
    responses((status = 201, description = "The face", body = EnrolledFaceView))
)]
#[post("/watchlists/{id}/subjects/{subject_id}/faces")]
pub async fn create_face(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path((id, subject_id)): Path<(Uuid, Uuid)>,
    Form(form): Form<CreateFace>,
) -> Result<HttpResponse, ApiError> {
    let image = form.image.within(&state.limits, "image")?;
    let face = state
        .verifier
        .enrol_face(&caller.tenant, id.into(), subject_id.into(), image)
        .await?;
    Ok(HttpResponse::Created().json(EnrolledFaceView::from(face)))
}

/// List a person's faces
///
/// The oldest first, all of them.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:read"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
    ),
    responses((status = 200, description = "The faces", body = Page<EnrolledFaceView>))
)]
#[get("/watchlists/{id}/subjects/{subject_id}/faces")]
pub async fn list_faces(
    caller: Authorized<WatchlistRead>,
    state: Data<AppState>,
    Path((id, subject_id)): Path<(Uuid, Uuid)>,
) -> Result<Json<Page<EnrolledFaceView>>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let subject = records
        .find_subject(id.into(), SubjectId::from(subject_id))
        .await?;
    let faces = found(subject)?.faces;
    Ok(Json(Page::whole(faces, EnrolledFaceView::from)))
}

/// Remove a face of a person
///
/// Its template is gone for good; the person stays.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
        ("face_id" = Uuid, Path, description = "Id of the face"),
    ),
    responses((status = 204, description = "It is gone"))
)]
#[delete("/watchlists/{id}/subjects/{subject_id}/faces/{face_id}")]
pub async fn delete_face(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path((id, subject_id, face_id)): Path<(Uuid, Uuid, Uuid)>,
) -> Result<HttpResponse, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let deleted = records
        .delete_face(id.into(), subject_id.into(), FaceId::from(face_id))
        .await?;
    records.commit().await?;
    gone(deleted)
}
