//! The chains from end to end, as whoever owns the database sees them.
//!
//! This reads beside a running service: one snapshot for each chain and its head, one event at a time, and no lock that
//! anybody would wait for. It trusts no rule of the schema, since whoever can change events can change that too.

use std::str::FromStr as _;

use futures_util::TryStreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::chain::{ChainFault, ChainHead, Columns, Walk};
use crate::store::StoreError;
use crate::store::connection::open;

/// What the walk along one chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// The last event up to which everything is in order; zero where none is.
    pub intact: ChainHead,
    /// Where the chain is broken.
    pub fault: Option<ChainFault>,
}

/// A connection that sees the chains of all tenants.
#[derive(Debug)]
pub struct AuditReader {
    connection: PgConnection,
}

impl AuditReader {
    /// Connects as the user of the address, who has to own the database of a service, or be a superuser.
    ///
    /// # Errors
    /// [`StoreError::UnsafeSession`] for a user from whom events would be hidden: to them every chain would look short,
    /// and no chain at all like one that is in order.
    pub async fn connect(url: &SecretString) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(StoreError::InvalidUrl)?
            .application_name("likeness audit");
        let mut connection = open(&options).await?;
        let sees_all = sqlx::query_scalar!(
            r#"
            select (rolsuper or rolbypassrls or (
                select count(*) = 2 from pg_policies
                where tablename in ('audit_events', 'audit_heads') and cmd = 'SELECT' and qual = 'true'
                    and exists (select from unnest(roles) as reader where pg_has_role(current_user, reader, 'usage'))
            )) as "sees_all!"
            from pg_roles
            where rolname = current_user
            "#
        )
        .fetch_one(&mut connection)
        .await?;
        if sees_all {
            Ok(Self { connection })
        } else {
            Err(StoreError::UnsafeSession(
                "its user does not see the audit events of all tenants; use the one that the service uses",
            ))
        }
    }

    /// The tenants that have an audit log, or a part of one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn tenants(&mut self) -> Result<Vec<String>, StoreError> {
        // From one tenant to the next by the key, instead of past all of their events.
        let tenants = sqlx::query_scalar!(
            r#"
            with recursive known (tenant) as (
                (select min(tenant) from audit_events)
                union all
                select (select min(tenant) from audit_events as later where later.tenant > known.tenant)
                from known where tenant is not null
            )
            select tenant as "tenant!" from known where tenant is not null
            union
            select tenant from audit_heads
            order by 1
            "#
        );
        Ok(tenants.fetch_all(&mut self.connection).await?)
    }

    /// Walks along the chain of one tenant. Where a head was noted elsewhere, it has to be on it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer; a break is a report.
    pub async fn verify(
        &mut self,
        tenant: &str,
        noted: Option<ChainHead>,
    ) -> Result<ChainReport, StoreError> {
        let mut snapshot = self
            .connection
            .begin_with("begin isolation level repeatable read read only")
            .await?;
        let head = sqlx::query!(
            "select sequence, hash from audit_heads where tenant = $1",
            tenant
        )
        .fetch_optional(&mut *snapshot)
        .await?;
        let head = head.map_or_else(ChainHead::default, |row| ChainHead {
            sequence: row.sequence,
            hash: row.hash.try_into().unwrap_or_default(),
        });
        let mut walk = Walk::new(noted);
        let mut fault = None;
        let mut events = sqlx::query!(
            r#"
            select
                sequence,
                coalesce(trunc(extract(epoch from created_at) * 1000000)::text, '') as "created_at!",
                coalesce(action, '') as "action!",
                coalesce(subject, '') as "subject!",
                coalesce(request_id, '') as "request_id!",
                coalesce(resource_id::text, '') as "resource_id!",
                coalesce(detail, '') as "detail!",
                coalesce(previous_hash, '') as "previous_hash!",
                coalesce(hash, '') as "hash!"
            from audit_events
            where tenant = $1
            order by sequence
            "#,
            tenant
        )
        .fetch(&mut *snapshot);
        while let Some(event) = events.try_next().await? {
            let columns = Columns {
                tenant,
                sequence: event.sequence,
                created_at: &event.created_at,
                action: &event.action,
                subject: &event.subject,
                request_id: &event.request_id,
                resource_id: &event.resource_id,
                detail: &event.detail,
                previous_hash: &event.previous_hash,
            };
            if let Err(found) = walk.pass(&columns, &event.hash) {
                fault = Some(found);
                break;
            }
        }
        Ok(ChainReport {
            intact: walk.last(),
            fault: fault.or_else(|| walk.finish(head).err()),
        })
    }
}
