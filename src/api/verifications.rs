//! Identity checks.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::{found, gone};
use super::documents::ExpectedForm;
use super::extract::rules::{self, MAX_EXTERNAL_ID_CHARS};
use super::extract::{ConsentForm, Image, Keyed, Page, PageQuery, Path, Query, picture_or_none};
use super::idempotency::{IdempotencyHeader, Made, once};
use super::throttle::SearchBudget;
use super::views::VerificationView;
use crate::auth::{Authorized, Verify};
use crate::domain::audit::VerificationDeleted;
use crate::domain::decision::Decision;
use crate::domain::ids::{VerificationId, WatchlistId};
use crate::domain::metadata::Metadata;
use crate::domain::policy::{
    MAX_TARGET_FMR, MAX_TARGET_FPIR, MIN_TARGET_FMR, MIN_TARGET_FPIR, Policy,
};
use crate::domain::retention::MAX_RETENTION_DAYS;
use crate::domain::verification::KeptVerification;
use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;
use crate::store::VerificationFilter;
use crate::verify::{Selfie, Submission};

/// Most watchlists that one check searches.
const MAX_WATCHLISTS: u64 = 10;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_verification)
        .service(list_verifications)
        .service(get_verification)
        .service(delete_verification);
}

/// Error rates to decide by, each in place of the service's default.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyForm {
    /// Two different people pass the face match at most this often. Default 1e-4, or a stricter `review_fmr`.
    #[validate(range(min = MIN_TARGET_FMR, max = MAX_TARGET_FMR))]
    #[schema(minimum = 1e-9, maximum = 0.05, example = 1e-4)]
    pub approve_fmr: Option<f64>,
    /// Two different people reach a human's review at most this often; at least `approve_fmr`. Default 1e-3, or a
    /// laxer `approve_fmr`.
    #[validate(range(min = MIN_TARGET_FMR, max = MAX_TARGET_FMR))]
    #[schema(minimum = 1e-9, maximum = 0.05, example = 1e-3)]
    pub review_fmr: Option<f64>,
    /// Share of searches of people who are not on a list that may raise a false alarm. Default: each list's own.
    #[validate(range(min = MIN_TARGET_FPIR, max = MAX_TARGET_FPIR))]
    #[schema(minimum = 1e-6, maximum = 1.0, example = 0.01)]
    pub target_fpir: Option<f64>,
}

impl PolicyForm {
    /// The default policy with these rates.
    pub(super) fn over(&self, default: Policy) -> Result<Policy, ApiError> {
        let policy = default.with_rates(self.approve_fmr, self.review_fmr, self.target_fpir);
        policy.map_err(|fault| {
            let message = fault.to_string();
            ApiError::of_field(
                ErrorCode::ValidationFailed,
                "policy.review_fmr",
                "range",
                message,
            )
        })
    }
}

/// A selfie, a document, and what to hold them to.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateVerification {
    /// The live picture; it must show exactly one face. Either this or `liveness_session_id` is needed.
    #[serde(default, deserialize_with = "picture_or_none")]
    pub selfie: Option<Image>,
    /// A liveness session that the person passed and nobody used yet, in place of the selfie: its best picture is taken.
    /// An empty part names none.
    #[serde(default, deserialize_with = "id_or_none")]
    #[schema(example = "")]
    pub liveness_session_id: Option<Uuid>,
    /// The picture of the identity document; its largest face is the portrait.
    pub document: Image,
    /// The other side of the document, where cards have their machine-readable zone.
    #[serde(default, deserialize_with = "picture_or_none")]
    pub document_back: Option<Image>,
    /// What the caller expects the document to say; it is compared with the machine-readable zone.
    #[serde(default)]
    #[validate(nested)]
    pub expected: ExpectedForm,
    /// The lists to search for the person of the selfie, at most 10. An empty part names none.
    #[serde(default, deserialize_with = "ids_or_none")]
    #[validate(length(max = MAX_WATCHLISTS))]
    #[schema(max_items = 10, example = json!([]))]
    pub watchlist_ids: Vec<Uuid>,
    /// Error rates in place of the defaults.
    #[serde(default)]
    #[validate(nested)]
    pub policy: PolicyForm,
    /// The caller's own key, 1 to 128 characters.
    #[validate(length(min = 1, max = MAX_EXTERNAL_ID_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 128, example = "applicant-0815")]
    pub external_id: Option<String>,
    /// The caller's own data: a JSON object of at most 16 KiB.
    #[serde(default)]
    #[validate(custom(function = rules::metadata))]
    #[schema(value_type = Option<Object>)]
    pub metadata: Metadata,
    /// On what the person agreed to. Some services require it: `consent_required` otherwise.
    #[validate(nested)]
    pub consent: Option<ConsentForm>,
    /// Days that the answer is kept at most. The tenant's retention holds where it is shorter.
    #[validate(range(min = 1, max = MAX_RETENTION_DAYS))]
    #[schema(minimum = 1, maximum = 36500, example = 30)]
    pub retention_days: Option<u16>,
}

impl CreateVerification {
    /// What is to be checked, no picture too large.
    fn submission(self, state: &AppState) -> Result<Submission, ApiError> {
        let document_back = self
            .document_back
            .map(|back| back.within(&state.limits, "document_back"))
            .transpose()?;
        let lists = self.watchlist_ids.into_iter();
        Ok(Submission {
            policy: self.policy.over(state.verifier.default_policy())?,
            selfie: selfie(self.selfie, self.liveness_session_id, state)?,
            document: self.document.within(&state.limits, "document")?,
            document_back,
            expected: self.expected.into(),
            watchlist_ids: lists.map(WatchlistId::from).collect(),
            external_id: self.external_id,
            metadata: self.metadata,
            consent: self.consent.map(Into::into),
            retention_days: self.retention_days,
        })
    }
}

/// The one source of the live face.
fn selfie(
    picture: Option<Image>,
    session: Option<Uuid>,
    state: &AppState,
) -> Result<Selfie, ApiError> {
    match (picture, session) {
        (Some(picture), None) => Ok(Selfie::Picture(picture.within(&state.limits, "selfie")?)),
        (None, Some(id)) => Ok(Selfie::Session(id.into())),
        (None, None) => Err(ApiError::of_field(
            ErrorCode::MissingPart,
            "selfie",
            "required",
            "is required, or liveness_session_id in its place",
        )),
        (Some(_), Some(_)) => Err(ApiError::of_field(
            ErrorCode::ValidationFailed,
            "liveness_session_id",
            "excludes_selfie",
            "stands in place of the selfie, not beside it",
        )),
    }
}

/// A list of ids. One empty text is an empty list: that is how pages send a field that nobody filled in.
fn ids_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Uuid>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts == [""] {
        return Ok(Vec::new());
    }
    let parse = |text: &String| {
        text.parse()
            .map_err(|_| D::Error::custom("expected the id of a watchlist"))
    };
    texts.iter().map(parse).collect()
}

/// An id, or the empty text that pages send where nobody filled it in.
fn id_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| D::Error::custom("expected the id of a liveness session"))
}

/// Check an identity
///
/// Compares the face of a live selfie with the portrait of an identity document, judges liveness, reads the document's
/// machine-readable zone, searches the named watchlists, and decides. Send `multipart/form-data` with files (to upload some on this page, choose it beside
/// "Request body"), or JSON with base64 under the same names.
/// In place of the selfie a passed liveness session may be named, which is used up by that.
/// The pictures are not kept, nor is any template. Where too many checks of one `external_id` were not approved of
/// late, the next ones get 429 `too_many_attempts`.
#[utoipa::path(
    tag = "verifications",
    security(("bearer" = ["verify"])),
    params(IdempotencyHeader),
    request_body(content(
        (CreateVerification = "multipart/form-data"),
        (CreateVerification = "application/json"),
    )),
    responses((status = 201, description = "The answer, whatever the decision", body = VerificationView))
)]
#[post("/verifications")]
pub async fn create_verification(
    caller: Authorized<Verify>,
    _budget: SearchBudget,
    state: Data<AppState>,
    Keyed(form, key): Keyed<CreateVerification>,
) -> Result<HttpResponse, ApiError> {
    let submission = form.submission(&state)?;
    let work = async {
        let checked = state.verifier.create(caller.actor(), submission).await?;
        state
            .metrics
            .observe_decision(&checked.outcome.verification.assessment);
        checked.try_map(made)
    };
    once(&state, &caller.tenant, key, work).await
}

/// The answer tells of the people who were found, too.
pub(super) fn made(kept: KeptVerification) -> Result<Made, ApiError> {
    let verification = &kept.verification;
    let mut tells_of = vec![verification.id.as_uuid()];
    let searched = verification.assessment.watchlist.searched.iter();
    for hit in searched.flat_map(|search| &search.hits) {
        tells_of.extend([hit.watchlist_id.as_uuid(), hit.subject_id.as_uuid()]);
    }
    let view = VerificationView::from(kept);
    Made::new(StatusCode::CREATED, &view, tells_of)
}

/// Which verifications a list is to hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVerificationsQuery {
    /// Only those with this key.
    #[validate(custom(function = rules::printable))]
    pub external_id: Option<String>,
    /// Only those with this decision: `approved`, `review` or `declined`.
    #[param(value_type = Option<String>)]
    pub decision: Option<Decision>,
    /// `true`: only those that a human has decided about; `false`: only those that none has.
    pub reviewed: Option<bool>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = super::extract::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// List verifications
///
/// The newest first, of the token's tenant only.
#[utoipa::path(
    tag = "verifications",
    security(("bearer" = ["verify"])),
    params(ListVerificationsQuery),
    responses((status = 200, description = "One page", body = Page<VerificationView>))
)]
#[get("/verifications")]
pub async fn list_verifications(
    caller: Authorized<Verify>,
    state: Data<AppState>,
    Query(query): Query<ListVerificationsQuery>,
) -> Result<Json<Page<VerificationView>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    }
    .to_page()?;
    let filter = VerificationFilter {
        external_id: query.external_id,
        decision: query.decision,
        reviewed: query.reviewed,
    };
    let mut records = state.records(&caller.tenant).await?;
    let verifications = records.list_verifications(&filter, page).await?;
    Ok(Json(Page::of(verifications, VerificationView::from)))
}

/// Read a verification
///
/// The answer as it was given, and what people decided about it since.
#[utoipa::path(
    tag = "verifications",
    security(("bearer" = ["verify"])),
    params(("id" = Uuid, Path, description = "Id of the verification")),
    responses((status = 200, description = "The answer", body = VerificationView))
)]
#[get("/verifications/{id}")]
pub async fn get_verification(
    caller: Authorized<Verify>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<VerificationView>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let verification = records.find_verification(VerificationId::from(id)).await?;
    Ok(Json(found(verification)?.into()))
}

/// Erase a verification
///
/// Removes the answer for good, with its reviews.
#[utoipa::path(
    tag = "verifications",
    security(("bearer" = ["verify"])),
    params(("id" = Uuid, Path, description = "Id of the verification")),
    responses((status = 204, description = "It is gone"))
)]
#[delete("/verifications/{id}")]
pub async fn delete_verification(
    caller: Authorized<Verify>,
    state: Data<AppState>,
    Path(id): Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let verification_id = VerificationId::from(id);
    let mut records = state.records(&caller.tenant).await?;
    let answer = gone(records.delete_verification(verification_id).await?)?;
    let deleted = VerificationDeleted { verification_id };
    records.append_audit_event(caller.actor(), &deleted.into())?;
    records.commit().await?;
    Ok(answer)
}
