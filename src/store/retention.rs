//! How long records are kept: what a tenant has chosen, whose turn it is to be swept, and what is due.
//!
//! The instants are arguments: nothing here reads the database's clock to decide what is due.

use std::num::NonZeroU16;

use time::{Duration, OffsetDateTime};

use super::connection::Store;
use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::ids::{JobId, SubjectId, TenantId, WatchlistId};
use crate::domain::retention::Retention;

impl TenantTx {
    /// Days that records are kept where their tenant has not chosen.
    pub(super) fn default_days(&self) -> Option<i32> {
        let days = self.store().default_retention();
        days.map(NonZeroU16::get).map(i32::from)
    }

    /// What the tenant has chosen.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_retention(&mut self) -> Result<Retention, StoreError> {
        let row = sqlx::query!(
            "select verification_days, job_days, purge_expired_subjects_after_days from retention"
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map_or_else(Retention::default, |row| Retention {
            verification_days: as_days(row.verification_days),
            job_days: as_days(row.job_days),
            purge_expired_subjects_after_days: as_days(row.purge_expired_subjects_after_days),
        }))
    }

    /// Chooses anew, all of it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn put_retention(&mut self, retention: Retention) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into retention (verification_days, job_days, purge_expired_subjects_after_days) \
             values ($1, $2, $3) on conflict (tenant) do update set verification_days = $1, job_days = $2, \
             purge_expired_subjects_after_days = $3, changed_at = now()",
            retention.verification_days.map(i32::from),
            retention.job_days.map(i32::from),
            retention.purge_expired_subjects_after_days.map(i32::from)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Deletes some of the verifications whose own instant has come, and some of those that were made before an instant:
    /// as many as the limit, or more, unless there are fewer.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_due_verifications(
        &mut self,
        now: OffsetDateTime,
        made_before: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let ids = sqlx::query_scalar!(
            "delete from verifications where id in (\
             (select id from verifications where delete_after <= $1 order by delete_after limit $3) \
             union (select id from verifications where created_at <= $2 order by created_at limit $3)) returning id",
            now,
            made_before,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        self.forget_idempotent_answers(&ids).await?;
        Ok(ids.len() as u64)
    }

    /// Some of the jobs whose own instant has come, or that ended before an instant.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_due_jobs(
        &mut self,
        now: OffsetDateTime,
        ended_before: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<JobId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "select id from jobs where finished_at is not null and (delete_after <= $1 or finished_at <= $2) \
             order by id limit $3",
            now,
            ended_before,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids.into_iter().map(Into::into).collect())
    }

    /// Some list with people whose time was over before an instant.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_list_with_due_subjects(
        &mut self,
        over_before: OffsetDateTime,
    ) -> Result<Option<WatchlistId>, StoreError> {
        // List by list, as the index goes.
        let id = sqlx::query_scalar!(
            "select id from watchlists where exists (\
             select from subjects where watchlist_id = watchlists.id and valid_until <= $1) limit 1",
            over_before
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(id.map(Into::into))
    }

    /// Some of a list's people whose time was over before an instant.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_due_subjects(
        &mut self,
        watchlist: WatchlistId,
        over_before: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<SubjectId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "select id from subjects where watchlist_id = $1 and valid_until <= $2 limit $3",
            watchlist.as_uuid(),
            over_before,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids.into_iter().map(Into::into).collect())
    }
}

impl Store {
    /// Takes the turn of a tenant who was not swept for a while, the one who has waited longest. Nobody else gets them
    /// before the while is over again.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn claim_sweep(
        &self,
        now: OffsetDateTime,
        every: Duration,
    ) -> Result<Option<TenantId>, StoreError> {
        let store = self.clone();
        self.run_at_home(async move {
            // By itself and short: whoever puts a tenant's record in waits for it.
            let tenant = sqlx::query_scalar!(
                "update retention_turns set swept_at = $1 where tenant = (\
                 select tenant from retention_turns where swept_at <= $2 \
                 order by swept_at limit 1 for update skip locked) \
                 returning tenant",
                now,
                now - every
            )
            .fetch_optional(store.session().await?.bounded())
            .await?;
            let parse = |tenant: String| {
                TenantId::parse(&tenant).map_err(|error| StoreError::Corrupt(error.into()))
            };
            tenant.map(parse).transpose()
        })
        .await
    }
}

/// Days as the database holds them, within the bounds of its checks.
fn as_days(days: Option<i32>) -> Option<u16> {
    days.and_then(|days| u16::try_from(days).ok())
}
