//! Challenges before a camera.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::extract::whole::whole;
use super::extract::{Form, Image, KeyedOrEmpty, Path, rules};
use super::idempotency::{IdempotencyHeader, Made, once};
use super::views::{FrameJudgedView, LivenessSessionView, NewLivenessSessionView};
use crate::auth::{Authorized, Verify};
use crate::domain::ids::LivenessSessionId;
use crate::domain::liveness_session::{DEFAULT_STEPS, MAX_STEPS, MIN_STEPS};
use crate::error::ApiError;
use crate::state::AppState;
use crate::verify::{LivenessFrame, NewSession};

/// Longest nonce that is looked at.
const MAX_NONCE_CHARS: u64 = 128;
/// The largest number of a picture, and the latest time of a clock: 2^53, which every client can count to.
const MAX_SEQUENCE: u32 = 1_000_000;
const MAX_CLOCK_MS: u64 = 1 << 53;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_liveness_session)
        .service(get_liveness_session)
        .service(create_liveness_frame);
}

/// How long the challenge is.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLivenessSession {
    /// Steps that the person is asked for, 2 to 5; 3 unless given.
    #[validate(range(min = MIN_STEPS, max = MAX_STEPS))]
    #[schema(minimum = 2, maximum = 5, example = 3)]
    pub steps: Option<usize>,
}

/// Begin a challenge
///
/// Draws what a person is asked to do before the camera. Have them look straight at it first, then follow the steps one by
/// one, back to the front after each, and send pictures of it all: 5 to 15 in a second, one at a time. It is open for three
/// minutes. Once `passed` it can be used by one verification within ten minutes. A body is not needed.
#[utoipa::path(
    tag = "liveness_sessions",
    security(("bearer" = ["verify"])),
    params(IdempotencyHeader),
    request_body(content(
        (CreateLivenessSession = "application/json"),
        (CreateLivenessSession = "multipart/form-data"),
    )),
    responses((
        status = 201,
        description = "The session and its nonce",
        body = NewLivenessSessionView,
        headers(("Location" = String, description = "Where the session is"))
    ))
)]
#[post("/liveness_sessions")]
pub async fn create_liveness_session(
    caller: Authorized<Verify>,
    state: Data<AppState>,
    KeyedOrEmpty(form, key): KeyedOrEmpty<CreateLivenessSession>,
) -> Result<HttpResponse, ApiError> {
    let steps = form.steps.unwrap_or(DEFAULT_STEPS);
    let work = async {
        let verifier = &state.verifier;
        let new = verifier
            .create_liveness_session(caller.actor(), steps)
            .await?;
        new.try_map(made)
    };
    once(&state, &caller.tenant, key, work).await
}

fn made(new: NewSession) -> Result<Made, ApiError> {
    let id = new.kept.id;
    let view = NewLivenessSessionView::from(new);
    let made = Made::new(StatusCode::CREATED, &view, vec![id.as_uuid()])?;
    Ok(made.at(format!("/v1/liveness_sessions/{id}")))
}

/// Read a challenge
///
/// How far the person has come. It does not tell the nonce.
#[utoipa::path(
    tag = "liveness_sessions",
    security(("bearer" = ["verify"])),
    params(("id" = Uuid, Path, description = "Id of the session")),
    responses((status = 200, description = "The session", body = LivenessSessionView))
)]
#[get("/liveness_sessions/{id}")]
pub async fn get_liveness_session(
    caller: Authorized<Verify>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<LivenessSessionView>, ApiError> {
    let id = LivenessSessionId::from(id);
    let kept = state.verifier.liveness_session(&caller.tenant, id).await?;
    Ok(Json(kept.into()))
}

/// A picture of a challenge.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLivenessFrame {
    /// What the session told when it was made.
    #[validate(length(min = 1, max = MAX_NONCE_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 128, example = "5f1d7e84c0a3b962")]
    pub nonce: String,
    /// The number of the picture; each is higher than the one before.
    #[validate(range(max = MAX_SEQUENCE))]
    #[schema(minimum = 0, maximum = 1_000_000, example = 0)]
    pub sequence: u32,
    /// When it was taken, by a clock of the client that only goes on, in milliseconds.
    #[validate(range(max = MAX_CLOCK_MS))]
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 9007199254740992_i64, example = 1200)]
    pub captured_at_ms: u64,
    /// The picture as the camera sees it, not mirrored, each its own.
    pub image: Image,
}

/// Show a picture
///
/// Judges the next picture of a challenge, and tells what the person should do next. A picture that no person in front of a
/// camera would send ends the session: its `state` is `failed` then, for `reasons`. A picture that cannot be read is refused
/// and leaves the session as it was. Send one after the other. What is sent to a session that is over is not looked at.
#[utoipa::path(
    tag = "liveness_sessions",
    security(("bearer" = ["verify"])),
    params(("id" = Uuid, Path, description = "Id of the session")),
    request_body(content(
        (CreateLivenessFrame = "multipart/form-data"),
        (CreateLivenessFrame = "application/json"),
    )),
    responses((status = 200, description = "The session with what the picture came to", body = FrameJudgedView))
)]
#[post("/liveness_sessions/{id}/frames")]
pub async fn create_liveness_frame(
    caller: Authorized<Verify>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Form(form): Form<CreateLivenessFrame>,
) -> Result<Json<FrameJudgedView>, ApiError> {
    let frame = LivenessFrame {
        nonce: form.nonce,
        sequence: form.sequence,
        captured_at_ms: form.captured_at_ms,
        image: form.image.within(&state.limits, "image")?,
    };
    let id = LivenessSessionId::from(id);
    let judged = state
        .verifier
        .judge_frame(caller.actor(), id, frame)
        .await?;
    Ok(Json(judged.into()))
}
