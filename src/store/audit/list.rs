//! The log by page and filter.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::audit::{AuditAction, AuditRecord};
use crate::store::page::{Page, PageRequest};
use crate::store::{StoreError, TenantTx};

/// Which events a list shows; everything that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only those of this action.
    pub action: Option<AuditAction>,
    /// Only those about this record.
    pub resource_id: Option<Uuid>,
    /// Only what this caller did.
    pub subject: Option<String>,
    /// Only those of this instant or later.
    pub created_after: Option<OffsetDateTime>,
    /// Only those before this instant.
    pub created_before: Option<OffsetDateTime>,
}

impl TenantTx {
    /// Reads a page of the tenant's audit events, newest first. The page's key is the number of an event in the form
    /// of an id.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_audit_events(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        self.plan_anew().await?;
        let before = i64::try_from(page.before().as_u128()).unwrap_or(i64::MAX);
        let rows = sqlx::query_as!(
            AuditRow,
            r#"
            select sequence, created_at, action, subject, request_id, resource_id, detail, previous_hash, hash
            from audit_events
            where tenant = current_setting('likeness.tenant', true)
                and sequence < $1
                and ($2::text is null or action = $2)
                and ($3::uuid is null or resource_id = $3)
                and ($4::text is null or subject = $4)
                and ($5::timestamptz is null or created_at >= $5)
                and ($6::timestamptz is null or created_at < $6)
            order by sequence desc
            limit $7
            "#,
            before,
            filter.action.map(AuditAction::name),
            filter.resource_id,
            filter.subject,
            filter.created_after,
            filter.created_before,
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        Page::cut(rows, page, |row| {
            Uuid::from_u128(row.sequence.unsigned_abs().into())
        })
        .try_map(AuditRecord::try_from)
    }
}

struct AuditRow {
    sequence: i64,
    created_at: OffsetDateTime,
    action: String,
    subject: String,
    request_id: String,
    resource_id: Option<Uuid>,
    detail: String,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl TryFrom<AuditRow> for AuditRecord {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        let detail: Value =
            serde_json::from_str(&row.detail).map_err(|error| StoreError::Corrupt(error.into()))?;
        Ok(Self {
            sequence: row.sequence.unsigned_abs(),
            created_at: row.created_at,
            action: row.action,
            subject: row.subject,
            request_id: row.request_id,
            resource_id: row.resource_id,
            detail,
            previous_hash: row.previous_hash,
            hash: row.hash,
        })
    }
}
