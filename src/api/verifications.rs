//! Identity checks.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::answers::{found, gone};
use super::extract::rules::{self, MAX_EXTERNAL_ID_CHARS};
use super::extract::{Form, Image, Page, PageQuery, Path, Query};
use super::throttle::SearchBudget;
use super::views::VerificationView;
use crate::auth::{Authorized, Verify};
use crate::domain::decision::Decision;
use crate::domain::ids::{VerificationId, WatchlistId};
use crate::domain::metadata::Metadata;
use crate::domain::policy::{
    MAX_TARGET_FMR, MAX_TARGET_FPIR, MIN_TARGET_FMR, MIN_TARGET_FPIR, Policy,
};
use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;
use crate::store::VerificationFilter;
use crate::verify::Submission;

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
    /// Two different people pass the face match at most this often. Default 1e-4.
    #[validate(range(min = MIN_TARGET_FMR, max = MAX_TARGET_FMR))]
    #[schema(minimum = 1e-9, maximum = 0.05, example = 1e-4)]
    pub approve_fmr: Option<f64>,
    /// Two different people reach a human's review at most this often. Default 1e-3; at least `approve_fmr`.
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
    /// The live picture; it must show exactly one face.
    pub selfie: Image,
    /// The picture of the identity document; its largest face is the portrait.
    pub document: Image,
    /// The other side of the document. It is taken, but not looked at yet.
    pub document_back: Option<Image>,
    /// What the caller expects the document to say, by field. It is taken, but not compared yet.
    #[serde(default)]
    #[validate(custom(function = rules::metadata))]
    #[schema(value_type = Object)]
    pub expected: Metadata,
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
    #[schema(value_type = Object)]
    pub metadata: Metadata,
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

/// Check an identity
///
/// Compares the face of a live selfie with the portrait of an identity document, judges liveness, searches the
/// named watchlists, and decides. Send `multipart/form-data` with files (to upload some on this page, choose it beside
/// "Request body"), or JSON with base64 under the same names.
/// The pictures are not kept, nor is any template. Where too many checks of one `external_id` were not approved of
/// late, the next ones get 429 `too_many_attempts`.
#[utoipa::path(
    tag = "verifications",
    security(("bearer" = ["verify"])),
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
    Form(form): Form<CreateVerification>,
) -> Result<HttpResponse, ApiError> {
    form.document_back
        .map(|back| back.within(&state.limits, "document_back"))
        .transpose()?;
    let submission = Submission {
        policy: form.policy.over(state.verifier.default_policy())?,
        selfie: form.selfie.within(&state.limits, "selfie")?,
        document: form.document.within(&state.limits, "document")?,
        watchlist_ids: form
            .watchlist_ids
            .into_iter()
            .map(WatchlistId::from)
            .collect(),
        external_id: form.external_id,
        metadata: form.metadata,
    };
    let verification = state.verifier.create(&caller.tenant, submission).await?;
    let assessment = &verification.assessment;
    state
        .metrics
        .observe_decision(assessment.decision, &assessment.watchlist.searched);
    Ok(HttpResponse::Created().json(VerificationView::from(verification)))
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
    };
    let mut records = state.records(&caller.tenant).await?;
    let verifications = records.list_verifications(&filter, page).await?;
    Ok(Json(Page::of(verifications, VerificationView::from)))
}

/// Read a verification
///
/// The answer as it was given.
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
/// Removes the answer for good.
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
    let mut records = state.records(&caller.tenant).await?;
    let deleted = records
        .delete_verification(VerificationId::from(id))
        .await?;
    records.commit().await?;
    gone(deleted)
}
