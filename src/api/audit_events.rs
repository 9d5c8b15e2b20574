//! The audit log, to be read. It is written by whatever is done.

use actix_web::get;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use validator::Validate;

use super::extract::{MAX_LIMIT, Page, PageQuery, Query, rules};
use super::views::AuditEventView;
use crate::auth::{AuditRead, Authorized};
use crate::domain::audit::AuditAction;
use crate::error::ApiError;
use crate::state::AppState;
use crate::store::{AuditFilter, PageRequest};

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_audit_events);
}

/// Which events a list is to hold; everything that is given must hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAuditEventsQuery {
    /// Only those of this action, such as `watchlist.searched`.
    #[param(value_type = Option<String>, example = "watchlist.searched")]
    pub action: Option<AuditAction>,
    /// Only those about the record of this id.
    pub resource_id: Option<Uuid>,
    /// Only what was done with tokens of this `sub`.
    #[validate(custom(function = rules::printable))]
    pub subject: Option<String>,
    /// Only those appended at this instant (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created_after: Option<OffsetDateTime>,
    /// Only those appended before this instant (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created_before: Option<OffsetDateTime>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl ListAuditEventsQuery {
    /// The filter and the page, as the store understands them.
    fn split(self) -> Result<(AuditFilter, PageRequest), ApiError> {
        let page = PageQuery {
            limit: self.limit,
            cursor: self.cursor,
        };
        let filter = AuditFilter {
            action: self.action,
            resource_id: self.resource_id,
            subject: self.subject,
            created_after: self.created_after,
            created_before: self.created_before,
        };
        Ok((filter, page.to_page()?))
    }
}

/// Read the audit log
///
/// The newest first, of the token's tenant only. Whatever changes a record leaves an event in the same transaction, and
/// a search or a comparison is only answered once its event is kept. Events are never changed; `likeness audit verify`
/// shows whether somebody did all the same.
#[utoipa::path(
    tag = "audit",
    security(("bearer" = ["audit:read"])),
    params(ListAuditEventsQuery),
    responses((status = 200, description = "One page", body = Page<AuditEventView>))
)]
#[get("/audit_events")]
pub async fn list_audit_events(
    caller: Authorized<AuditRead>,
    state: Data<AppState>,
    Query(query): Query<ListAuditEventsQuery>,
) -> Result<Json<Page<AuditEventView>>, ApiError> {
    let (filter, page) = query.split()?;
    let mut records = state.records(&caller.tenant).await?;
    let events = records.list_audit_events(&filter, page).await?;
    Ok(Json(Page::of(events, AuditEventView::from)))
}
