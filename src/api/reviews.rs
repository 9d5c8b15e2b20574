//! What people decide about identity checks.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::found;
use super::extract::{Keyed, Path, rules};
use super::idempotency::{IdempotencyHeader, once};
use super::verifications::made;
use super::views::VerificationView;
use crate::auth::{Authorized, Review};
use crate::domain::audit::VerificationReviewed;
use crate::domain::ids::VerificationId;
use crate::domain::review::{MAX_NOTE_CHARS, ReviewDecision};
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::{NewReview, Uncommitted};

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create_review);
}

/// A human's decision.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateReview {
    /// `approved` or `declined`.
    #[schema(value_type = String, example = "approved")]
    pub decision: ReviewDecision,
    /// Why, 1 to 2,000 characters. Erased with the verification.
    #[validate(length(min = 1, max = MAX_NOTE_CHARS), custom(function = rules::text))]
    #[schema(
        min_length = 1,
        max_length = 2000,
        example = "Compared with the document in person."
    )]
    pub note: Option<String>,
    /// The number of the latest review, where there is one: this one corrects it. Both stay.
    #[validate(range(min = 1, max = MAX_REVIEWS))]
    #[schema(minimum = 1, maximum = 999, example = 1)]
    pub corrects: Option<u16>,
}

/// Most reviews that can be corrected.
const MAX_REVIEWS: u16 = 999;

/// Decide about a verification
///
/// As a human. The machine's decision stays as it was; what holds in the end stands in `final_decision`. A verification
/// is reviewed once: another review is a 409, unless it says which one it corrects.
#[utoipa::path(
    tag = "verifications",
    security(("bearer" = ["review"])),
    params(("id" = Uuid, Path, description = "Id of the verification"), IdempotencyHeader),
    request_body(content((CreateReview = "application/json"), (CreateReview = "multipart/form-data"))),
    responses((status = 201, description = "The verification with its reviews", body = VerificationView))
)]
#[post("/verifications/{id}/review")]
pub async fn create_review(
    caller: Authorized<Review>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
    Keyed(form, key): Keyed<CreateReview>,
) -> Result<HttpResponse, ApiError> {
    let id = VerificationId::from(id);
    let review = NewReview {
        reviewer: caller.subject.clone(),
        decision: form.decision,
        note: form.note,
        corrects: form.corrects,
    };
    let work = async {
        let mut records = state.records(&caller.tenant).await?;
        found(records.find_verification(id).await?)?;
        let reviewed = VerificationReviewed {
            verification_id: id,
            number: records.insert_review(id, &review).await?,
            decision: review.decision,
        };
        records.append_audit_event(caller.actor(), &reviewed.into())?;
        let kept = found(records.find_verification(id).await?)?;
        Ok(Uncommitted {
            outcome: made(kept)?,
            transaction: records,
        })
    };
    once(&state, &caller.tenant, key, work).await
}
