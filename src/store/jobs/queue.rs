//! Who works on which job: the one table that is read without a tenant.

use std::time::Duration;

use uuid::Uuid;

use super::super::connection::Store;
use super::super::error::StoreError;
use super::super::transaction::TenantTx;
use crate::domain::ids::{JobId, TenantId};

/// One that may hold a lease: a runner, or whoever receives a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(Uuid);

impl Holder {
    /// A holder like no other.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a new holder is an event, not a default"
    )]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

/// A job that is leased to one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose job it is.
    pub tenant: TenantId,
    /// The job.
    pub job: JobId,
    /// Who holds it.
    pub holder: Holder,
    /// Times in a row that a holder died over it without having finished a row, this time not counted.
    pub strikes: u32,
}

impl Store {
    /// Leases the job whose turn it is and that nobody works on. A lease that ran out passes on, and counts as a
    /// strike.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn claim_job(
        &self,
        holder: Holder,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        let store = self.clone();
        self.run_at_home(async move {
            let row = sqlx::query!(
                "update job_queue set strikes = strikes + (holder is not null)::int, holder = $1, turn = now(), \
                 leased_until = now() + make_interval(secs => $2) \
                 where (tenant, job_id) = (\
                 select tenant, job_id from job_queue where leased_until <= now() \
                 order by turn limit 1 for update skip locked) \
                 returning tenant, job_id, strikes",
                holder.0,
                lease.as_secs_f64()
            )
            .fetch_optional(store.session().await?.bounded())
            .await?;
            row.map(|row| {
                Ok(Claim {
                    tenant: TenantId::parse(&row.tenant)
                        .map_err(|error| StoreError::Corrupt(error.into()))?,
                    job: row.job_id.into(),
                    holder,
                    strikes: row.strikes.unsigned_abs(),
                })
            })
            .transpose()
        })
        .await
    }

    /// Makes a lease last from now on. False when it has passed to somebody else or the job is gone.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn renew_lease(&self, claim: &Claim, lease: Duration) -> Result<bool, StoreError> {
        let (store, claim) = (self.clone(), claim.clone());
        self.run_at_home(async move {
            let done = sqlx::query!(
                "update job_queue set leased_until = now() + make_interval(secs => $4) \
                 where tenant = $1 and job_id = $2 and holder = $3",
                claim.tenant.as_str(),
                claim.job.as_uuid(),
                claim.holder.0,
                lease.as_secs_f64()
            )
            .execute(store.session().await?.bounded())
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Lets go of a job, so that anybody may claim it when it is its turn, in `pause` at the earliest.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it; the lease runs out then.
    pub async fn release_job(&self, claim: &Claim, pause: Duration) -> Result<(), StoreError> {
        let (store, claim) = (self.clone(), claim.clone());
        self.run_at_home(async move {
            sqlx::query!(
                "update job_queue set holder = null, leased_until = now() + make_interval(secs => $4) \
                 where tenant = $1 and job_id = $2 and holder = $3",
                claim.tenant.as_str(),
                claim.job.as_uuid(),
                claim.holder.0,
                pause.as_secs_f64()
            )
            .execute(store.session().await?.bounded())
            .await?;
            Ok(())
        })
        .await
    }
}

impl TenantTx {
    /// Puts a new job into the queue, leased from the start.
    pub(super) async fn insert_lease(
        &mut self,
        job: JobId,
        holder: Holder,
        lease: Duration,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into job_queue (job_id, holder, leased_until) values ($1, $2, now() + make_interval(secs => $3))",
            job.as_uuid(),
            holder.0,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Puts a new job into the queue, for anybody to claim.
    pub(super) async fn insert_free_lease(&mut self, job: JobId) -> Result<(), StoreError> {
        sqlx::query!("insert into job_queue (job_id) values ($1)", job.as_uuid())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Lets anybody claim a job. The table is not under row-level security, so the tenant is named.
    pub(super) async fn free_lease(&mut self, job: JobId) -> Result<(), StoreError> {
        sqlx::query!(
            "update job_queue set holder = null, leased_until = '-infinity' \
             where tenant = current_setting('likeness.tenant', true) and job_id = $1",
            job.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets the strikes of a job, since rows of it get finished.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn clear_strikes(&mut self, job: JobId) -> Result<(), StoreError> {
        sqlx::query!(
            "update job_queue set strikes = 0 \
             where tenant = current_setting('likeness.tenant', true) and job_id = $1 and strikes > 0",
            job.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a job out of the queue, since there is nothing left to do about it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_lease(&mut self, job: JobId) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from job_queue where tenant = current_setting('likeness.tenant', true) and job_id = $1",
            job.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
