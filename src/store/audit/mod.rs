//! The audit log: appended to in the transaction of what it tells, read in pages, verified from end to end.

mod answers;
mod chain;
mod list;
mod verify;

use time::OffsetDateTime;
use uuid::Uuid;

pub(super) use answers::WaitingAnswers;
pub use chain::{ChainFault, ChainHead, InvalidHead};
pub use list::AuditFilter;
pub use verify::{AuditReader, ChainReport};

use self::chain::{ChainHead as Head, Columns};
use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::audit::{Actor, AuditEvent};

/// An event that waits for the end of its transaction.
#[derive(Debug)]
pub(super) struct PendingEvent {
    action: &'static str,
    subject: String,
    request_id: String,
    resource_id: Option<Uuid>,
    detail: String,
}

impl PendingEvent {
    fn of(actor: &Actor, event: &AuditEvent) -> Result<Self, StoreError> {
        let detail = event.detail();
        let detail = detail.map_err(|error| StoreError::Corrupt(error.into()))?;
        Ok(Self {
            action: event.action().name(),
            subject: actor.subject.clone(),
            request_id: actor.request_id.clone(),
            resource_id: event.resource_id(),
            detail: detail.to_string(),
        })
    }
}

impl TenantTx {
    /// Has an event appended to the tenant's chain when this transaction commits: it is in the log if, and only if,
    /// what it tells has happened.
    ///
    /// The chain is locked by whoever appends until they have committed. Therefore this only notes the event, and
    /// [`TenantTx::commit`] appends it as the last thing that it does: nobody who has the lock waits for anybody, and
    /// whoever waits for it has nothing else left to do.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that cannot be written down.
    pub fn append_audit_event(
        &mut self,
        actor: &Actor,
        event: &AuditEvent,
    ) -> Result<(), StoreError> {
        let event = PendingEvent::of(actor, event)?;
        self.pending_events().push(event);
        Ok(())
    }

    /// Appends what waits for it.
    pub(super) async fn append_pending_events(&mut self) -> Result<(), StoreError> {
        let events = std::mem::take(self.pending_events());
        if events.is_empty() {
            return Ok(());
        }
        let (before, now) = self.lock_audit_head().await?;
        let rows = Rows::chained(self.tenant().as_str(), before, now, events);
        let head = rows.head;
        let done = sqlx::query!(
            r#"
            with appended as (
                insert into audit_events (
                    sequence, created_at, action, subject, request_id, resource_id, detail, previous_hash, hash
                )
                select sequence, $1::timestamptz, action, subject, request_id, resource_id, detail, previous_hash, hash
                from unnest(
                    $2::bigint[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::bytea[], $9::bytea[]
                ) as row (sequence, action, subject, request_id, resource_id, detail, previous_hash, hash)
            )
            update audit_heads set sequence = $10, hash = $11
            where tenant = current_setting('likeness.tenant', true) and sequence = $12
            "#,
            now,
            &rows.sequence,
            &rows.action as &[&str],
            &rows.subject,
            &rows.request_id,
            &rows.resource_id as &[Option<Uuid>],
            &rows.detail,
            &rows.previous_hash,
            &rows.hash,
            head.sequence,
            head.hash.as_slice(),
            before.sequence
        )
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Corrupt(
                "the head of the audit log moved".into(),
            ))
        }
    }

    /// Makes this transaction the only one that appends to the tenant's chain, and tells where it ends and the time.
    async fn lock_audit_head(&mut self) -> Result<(Head, OffsetDateTime), StoreError> {
        if let Some(found) = self.try_lock_audit_head().await? {
            return Ok(found);
        }
        // The tenant's first event; of two that make the head at once, one waits for the other here.
        let none = Head::default();
        sqlx::query!(
            "insert into audit_heads (sequence, hash) values ($1, $2) on conflict do nothing",
            none.sequence,
            none.hash.as_slice()
        )
        .execute(self.connection())
        .await?;
        let found = self.try_lock_audit_head().await?;
        found.ok_or_else(|| StoreError::Corrupt("the audit log has no head".into()))
    }

    async fn try_lock_audit_head(&mut self) -> Result<Option<(Head, OffsetDateTime)>, StoreError> {
        let row = sqlx::query!(
            r#"
            select sequence, hash, clock_timestamp() as "now!" from audit_heads
            where tenant = current_setting('likeness.tenant', true) for update
            "#
        )
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| {
            let hash = <[u8; 32]>::try_from(row.hash);
            let head = Head {
                sequence: row.sequence,
                hash: hash.map_err(|_| StoreError::Corrupt("a hash of another length".into()))?,
            };
            Ok((head, row.now))
        })
        .transpose()
    }
}

/// Events turned into arrays, which one statement appends.
#[derive(Default)]
struct Rows {
    sequence: Vec<i64>,
    action: Vec<&'static str>,
    subject: Vec<String>,
    request_id: Vec<String>,
    resource_id: Vec<Option<Uuid>>,
    detail: Vec<String>,
    previous_hash: Vec<Vec<u8>>,
    hash: Vec<Vec<u8>>,
    head: Head,
}

impl Rows {
    /// Numbers and hashes events, the first of which follows `before`.
    fn chained(tenant: &str, before: Head, now: OffsetDateTime, events: Vec<PendingEvent>) -> Self {
        let mut rows = Self {
            head: before,
            ..Self::default()
        };
        let created_at = (now.unix_timestamp_nanos() / 1_000).to_string();
        for event in events {
            let sequence = rows.head.sequence + 1;
            let resource_id = event.resource_id.map(|id| id.to_string());
            let columns = Columns {
                tenant,
                sequence,
                created_at: &created_at,
                action: event.action,
                subject: &event.subject,
                request_id: &event.request_id,
                resource_id: resource_id.as_deref().unwrap_or_default(),
                detail: &event.detail,
                previous_hash: &rows.head.hash,
            };
            let hash = columns.hash();
            rows.previous_hash.push(rows.head.hash.to_vec());
            rows.hash.push(hash.to_vec());
            rows.head = Head { sequence, hash };
            rows.sequence.push(sequence);
            rows.action.push(event.action);
            rows.subject.push(event.subject);
            rows.request_id.push(event.request_id);
            rows.resource_id.push(event.resource_id);
            rows.detail.push(event.detail);
        }
        rows
    }
}
