//! What an event of the audit log looks like.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::audit::AuditRecord;
use crate::domain::hex::hex;

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventView {
    /// Its number in the tenant's chain, from 1 without gaps.
    #[schema(minimum = 1, example = 4711)]
    pub sequence: u64,
    /// When it was appended.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// What was done: the resource and a past participle.
    #[schema(example = "verification.created")]
    pub action: String,
    /// Who did it: the `sub` of their token.
    pub subject: String,
    /// The `X-Request-Id` of the request.
    pub request_id: String,
    /// The record that it was done to; of a face, its person; null where nothing is kept.
    pub resource_id: Option<Uuid>,
    /// What there is to tell, by action: ids, lists with their revision and size, thresholds, rates, outcomes.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// The hash of the event before, in hexadecimal; zeros for the first.
    pub previous_hash: String,
    /// The hash of this event, which stands for all of it and for all events before.
    pub hash: String,
}

impl From<AuditRecord> for AuditEventView {
    fn from(event: AuditRecord) -> Self {
        Self {
            sequence: event.sequence,
            created_at: event.created_at,
            action: event.action,
            subject: event.subject,
            request_id: event.request_id,
            resource_id: event.resource_id,
            detail: event.detail,
            previous_hash: hex(&event.previous_hash),
            hash: hex(&event.hash),
        }
    }
}
