//! A person's faces.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use uuid::Uuid;

use super::forms::CreateFace;
use super::made;
use crate::api::answers::{found, gone};
use crate::api::extract::{Keyed, Page, Path};
use crate::api::idempotency::{IdempotencyHeader, once};
use crate::api::throttle::SearchBudget;
use crate::api::views::{EnrolledFaceView, FaceEnrolmentView};
use crate::auth::{Authorized, WatchlistRead, WatchlistWrite};
use crate::domain::audit::FaceDeleted;
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::error::ApiError;
use crate::state::AppState;

/// Enrol another face of a person
///
/// Each face is compared by itself; the nearest one counts. A face that is too poor is refused with `quality_too_low`.
/// Where it is found to be somebody else's on the list, the list's `on_duplicate` says what becomes of it: `report`
/// enrols it and names them in `duplicate_of`, anything else answers 409 `duplicate_subject`. Where the service requires
/// consent, the person's has to be known by now.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
        IdempotencyHeader,
    ),
    request_body(content((CreateFace = "multipart/form-data"), (CreateFace = "application/json"))),
    responses((status = 201, description = "The face", body = FaceEnrolmentView))
)]
#[post("/watchlists/{id}/subjects/{subject_id}/faces")]
pub async fn create_face(
    caller: Authorized<WatchlistWrite>,
    _budget: SearchBudget,
    state: Data<AppState>,
    Path((id, subject_id)): Path<(Uuid, Uuid)>,
    Keyed(form, key): Keyed<CreateFace>,
) -> Result<HttpResponse, ApiError> {
    let image = form.image.within(&state.limits, "image")?;
    let work = async {
        let enrolment =
            state
                .verifier
                .enrol_face(caller.actor(), id.into(), subject_id.into(), image);
        enrolment
            .await?
            .try_map(|enrolment| made::face([id, subject_id], enrolment))
    };
    once(&state, &caller.tenant, key, work).await
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
    let (list, subject, face) = (
        WatchlistId::from(id),
        SubjectId::from(subject_id),
        FaceId::from(face_id),
    );
    let mut records = state.records(&caller.tenant).await?;
    let answer = gone(records.delete_face(list, subject, face).await?)?;
    let deleted = FaceDeleted {
        watchlist_id: list,
        subject_id: subject,
        face_id: face,
    };
    records.append_audit_event(caller.actor(), &deleted.into())?;
    records.commit().await?;
    Ok(answer)
}
