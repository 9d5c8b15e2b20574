//! The people on a watchlist.

mod faces;
mod forms;
mod made;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post, put};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use self::forms::{CreateSubject, ExternalId, ListSubjectsQuery, PatchSubject, PutSubject};
use super::answers::{enrolled, found, gone};
use super::extract::{Form, JsonForm, Keyed, Page, Path, Query};
use super::idempotency::{IdempotencyHeader, once};
use super::throttle::SearchBudget;
use super::views::{EnrolmentView, SubjectView};
use crate::auth::{Authorized, WatchlistRead, WatchlistWrite};
use crate::domain::audit::{SubjectChanged, SubjectDeleted};
use crate::domain::ids::{SubjectId, WatchlistId};
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::SubjectChange;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_subject)
        .service(put_subject)
        .service(list_subjects)
        .service(get_subject)
        .service(patch_subject)
        .service(delete_subject)
        .service(faces::create_face)
        .service(faces::list_faces)
        .service(faces::delete_face);
}

/// Put a person on a watchlist
///
/// With the faces of any number of pictures: all of them are enrolled, or nothing is. A face that is too poor is
/// refused with `quality_too_low`. Each face is first searched in the list; whom it is found to be stands in
/// `duplicate_of`, and the list's `on_duplicate` says what becomes of it: `report` enrols all the same, `reject` answers
/// 409 `duplicate_subject`, `add_to_subject` adds the faces to the person who is there and changes nothing else about
/// them.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(("id" = Uuid, Path, description = "Id of the list"), IdempotencyHeader),
    request_body(content((CreateSubject = "multipart/form-data"), (CreateSubject = "application/json"))),
    responses(
        (status = 201, description = "The person", body = EnrolmentView),
        (status = 200, description = "The person who was there and has the faces now", body = EnrolmentView),
    )
)]
#[post("/watchlists/{id}/subjects")]
pub async fn create_subject(
    caller: Authorized<WatchlistWrite>,
    _budget: SearchBudget,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Keyed(form, key): Keyed<CreateSubject>,
) -> Result<HttpResponse, ApiError> {
    let (subject, images) = form.split(&state.limits)?;
    let work = async {
        let enrolment = state
            .verifier
            .enrol_subject(caller.actor(), id.into(), subject, images);
        enrolment.await?.try_map(made::subject)
    };
    once(&state, &caller.tenant, key, work).await
}

/// Put a person on a watchlist, or replace them
///
/// By the caller's own key. `display_name`, `metadata` and `valid_until` become what is sent, and nothing where nothing
/// is. Pictures take the place of all of the person's faces; without any, their faces stay. All of it happens at once: no
/// search in between misses the person. Duplicates are treated as for a new person, but nobody is their own; where
/// `on_duplicate` is `add_to_subject`, a face of somebody else on the list is a 409.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("external_id" = String, Path, description = "The caller's own key, 1 to 128 characters"),
    ),
    request_body(content((PutSubject = "multipart/form-data"), (PutSubject = "application/json"))),
    responses(
        (status = 201, description = "The person, who is new", body = EnrolmentView),
        (status = 200, description = "The person, who was there", body = EnrolmentView),
    )
)]
#[put("/watchlists/{id}/subjects/by-external-id/{external_id}")]
pub async fn put_subject(
    caller: Authorized<WatchlistWrite>,
    _budget: SearchBudget,
    state: Data<AppState>,
    Path((id, external_id)): Path<(Uuid, String)>,
    Form(form): Form<PutSubject>,
) -> Result<HttpResponse, ApiError> {
    let external_id = ExternalId::checked(external_id)?;
    let (subject, images) = form.split(external_id, &state.limits)?;
    let enrolment = state
        .verifier
        .replace_subject(caller.actor(), id.into(), subject, images)
        .await?;
    Ok(HttpResponse::build(enrolled(enrolment.is_new)).json(EnrolmentView::from(enrolment)))
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
    let (filter, page) = query.split()?;
    let list = WatchlistId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    found(records.find_watchlist_policy(list).await?)?;
    let subjects = records.list_subjects(list, &filter, page).await?;
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

/// Change what is known of a person
///
/// A field that is absent stays as it is, and `null` clears it. Their faces stay.
#[utoipa::path(
    tag = "subjects",
    security(("bearer" = ["watchlist:write"])),
    params(
        ("id" = Uuid, Path, description = "Id of the list"),
        ("subject_id" = Uuid, Path, description = "Id of the person"),
    ),
    request_body(content((PatchSubject = "application/json"))),
    responses((status = 200, description = "The person", body = SubjectView))
)]
#[patch("/watchlists/{id}/subjects/{subject_id}")]
pub async fn patch_subject(
    caller: Authorized<WatchlistWrite>,
    state: Data<AppState>,
    Path((id, subject_id)): Path<(Uuid, Uuid)>,
    JsonForm(form): JsonForm<PatchSubject>,
) -> Result<Json<SubjectView>, ApiError> {
    let (list, subject) = (WatchlistId::from(id), SubjectId::from(subject_id));
    let change = SubjectChange::from(form);
    if let Some(consent) = &change.consent {
        state.verifier.require_consent(consent.as_ref())?;
    }
    let fields = change.fields();
    let mut records = state.records(&caller.tenant).await?;
    records.update_subject(list, subject, change).await?;
    let subject = found(records.find_subject(list, subject).await?)?;
    let changed = SubjectChanged {
        watchlist_id: list,
        subject_id: subject.id,
        fields,
    };
    records.append_audit_event(caller.actor(), &changed.into())?;
    records.commit().await?;
    Ok(Json(subject.into()))
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
    let (list, subject) = (WatchlistId::from(id), SubjectId::from(subject_id));
    let mut records = state.records(&caller.tenant).await?;
    let answer = gone(records.delete_subject(list, subject).await?)?;
    let deleted = SubjectDeleted {
        watchlist_id: list,
        subject_id: subject,
    };
    records.append_audit_event(caller.actor(), &deleted.into())?;
    records.commit().await?;
    Ok(answer)
}
