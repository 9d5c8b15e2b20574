//! How long a tenant's records are kept.

use actix_web::web::{Data, Json};
use actix_web::{get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

use super::extract::JsonForm;
use crate::auth::{Admin, Authorized};
use crate::domain::audit::RetentionChanged;
use crate::domain::retention::{MAX_RETENTION_DAYS, Retention};
use crate::error::ApiError;
use crate::state::AppState;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_retention).service(put_retention);
}

/// How long records are to be kept. Audit events cannot be given an end: a chain of hashes without its beginning proves
/// nothing, and they hold no keys, names or templates.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRetention {
    /// Days that verifications are kept; the service's default where it is absent or null.
    #[validate(range(min = 1, max = MAX_RETENTION_DAYS))]
    #[schema(minimum = 1, maximum = 36500, example = 90)]
    pub verification_days: Option<u16>,
    /// Days that bulk imports are kept with their rows once they are over; the service's default where it is absent or
    /// null.
    #[validate(range(min = 1, max = MAX_RETENTION_DAYS))]
    #[schema(minimum = 1, maximum = 36500, example = 30)]
    pub job_days: Option<u16>,
    /// Days after their `valid_until` that people are taken off their lists for good; kept, unseen by searches, where it
    /// is absent or null.
    #[validate(range(max = MAX_RETENTION_DAYS))]
    #[schema(minimum = 0, maximum = 36500, example = 30)]
    pub purge_expired_subjects_after_days: Option<u16>,
}

/// How long records are kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionView {
    /// Days that verifications are kept, as the tenant has chosen.
    pub verification_days: Option<u16>,
    /// Days that bulk imports are kept once they are over, as the tenant has chosen.
    pub job_days: Option<u16>,
    /// Days after their `valid_until` that people are taken off their lists, as the tenant has chosen.
    pub purge_expired_subjects_after_days: Option<u16>,
    /// What holds where the tenant has not chosen, for verifications and imports; null where they are kept until
    /// somebody deletes them.
    pub default_days: Option<u16>,
}

impl RetentionView {
    fn of(retention: Retention, state: &AppState) -> Self {
        let default = state.verifier.store().default_retention();
        Self {
            verification_days: retention.verification_days,
            job_days: retention.job_days,
            purge_expired_subjects_after_days: retention.purge_expired_subjects_after_days,
            default_days: default.map(Into::into),
        }
    }
}

/// Read how long records are kept
///
/// As the tenant has chosen, and what holds where it has not.
#[utoipa::path(
    tag = "lifecycle",
    security(("bearer" = ["admin"])),
    responses((status = 200, description = "The retention", body = RetentionView))
)]
#[get("/retention")]
pub async fn get_retention(
    caller: Authorized<Admin>,
    state: Data<AppState>,
) -> Result<Json<RetentionView>, ApiError> {
    let mut records = state.records(&caller.tenant).await?;
    let retention = records.find_retention().await?;
    Ok(Json(RetentionView::of(retention, &state)))
}

/// Choose how long records are kept
///
/// All of it anew. What shortens a time holds for the records that are there already; what lengthens one, for those that
/// come. Deleted is what is due, within minutes.
#[utoipa::path(
    tag = "lifecycle",
    security(("bearer" = ["admin"])),
    request_body(content((PutRetention = "application/json"))),
    responses((status = 200, description = "The retention", body = RetentionView))
)]
#[put("/retention")]
pub async fn put_retention(
    caller: Authorized<Admin>,
    state: Data<AppState>,
    JsonForm(form): JsonForm<PutRetention>,
) -> Result<Json<RetentionView>, ApiError> {
    let after = Retention {
        verification_days: form.verification_days,
        job_days: form.job_days,
        purge_expired_subjects_after_days: form.purge_expired_subjects_after_days,
    };
    let mut records = state.records(&caller.tenant).await?;
    let before = records.find_retention().await?;
    records.put_retention(after).await?;
    let changed = RetentionChanged { before, after };
    records.append_audit_event(caller.actor(), &changed.into())?;
    records.commit().await?;
    Ok(Json(RetentionView::of(after, &state)))
}
