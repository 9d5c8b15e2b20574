//! The sweeper: deletes what is due, tenant by tenant and in small batches, in the background.
//!
//! Each replica has one. They share the work by taking turns of tenants from one table, and where two meet all the same,
//! each row is deleted by one of them. A batch is a transaction of its own, so nothing waits long for it, and a process
//! that dies leaves the rest to the next turn.

use time::{Duration, OffsetDateTime};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::reencryption::reencrypt;
use super::rekeying::rekey;
use crate::domain::audit::{Actor, RecordsSwept};
use crate::domain::ids::{JobId, TenantId};
use crate::domain::retention::Retention;
use crate::store::{Store, StoreError, TenantTx};

/// How often tenants are swept: so much later than its instant a record is gone at the latest, twice that where several
/// replicas share the work.
pub const SWEEP_INTERVAL: Duration = Duration::minutes(5);
/// Records that one transaction deletes.
const BATCH: u32 = 500;
/// People whom one transaction takes off their list: each of them changes the gallery.
const BATCH_SUBJECTS: u32 = 100;

/// How long a liveness session is kept when it is over, without its pictures: so long its pictures are known again.
const LIVENESS_SESSIONS_KEPT: Duration = Duration::days(1);

/// Who deletes, as the audit log has it.
const SUBJECT: &str = "system:retention";

/// What was deleted.
pub type Swept = RecordsSwept;

/// Deletes what is due.
#[derive(Clone)]
pub struct Sweeper {
    store: Store,
}

impl Sweeper {
    /// A sweeper of that store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Sweeps for as long as the service runs, by the clock of this machine.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL.unsigned_abs());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.sweep(OffsetDateTime::now_utc()).await {
                Ok(_) | Err(StoreError::Unavailable(_)) => {}
                Err(error) => tracing::warn!(%error, "what is due was not deleted"),
            }
        }
    }

    /// Deletes everything that is due at an instant, of every tenant whose turn it is. What fails for one tenant keeps
    /// no other from being swept.
    ///
    /// # Errors
    /// The first failure.
    pub async fn sweep(&self, now: OffsetDateTime) -> Result<Swept, StoreError> {
        let (mut all, mut failure) = (Swept::default(), None);
        while let Some(tenant) = self.store.claim_sweep(now, SWEEP_INTERVAL).await? {
            match self.sweep_tenant(&tenant, now).await {
                Ok(swept) => all.add(swept),
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(all), Err)
    }

    async fn sweep_tenant(
        &self,
        tenant: &TenantId,
        now: OffsetDateTime,
    ) -> Result<Swept, StoreError> {
        // All that one turn deletes can be told together.
        let actor = Actor {
            tenant: tenant.clone(),
            subject: SUBJECT.to_owned(),
            request_id: Uuid::now_v7().to_string(),
        };
        let mut transaction = self.store.begin(tenant).await?;
        let chosen = transaction.find_retention().await?;
        drop(transaction);
        let retention = chosen.or_default(self.store.default_retention());
        let swept = Swept {
            verifications: self.sweep_verifications(&actor, retention, now).await?,
            jobs: self.sweep_jobs(&actor, retention, now).await?,
            subjects: self.sweep_subjects(&actor, retention, now).await?,
            liveness_sessions: self.sweep_liveness_sessions(&actor, now).await?,
        };
        rekey(&self.store, &actor).await?;
        reencrypt(&self.store, &actor).await?;
        if !swept.is_nothing() {
            let Swept {
                verifications,
                jobs,
                subjects,
                liveness_sessions,
            } = swept;
            tracing::info!(
                verifications,
                jobs,
                subjects,
                liveness_sessions,
                "what was due is deleted"
            );
        }
        Ok(swept)
    }

    async fn sweep_verifications(
        &self,
        actor: &Actor,
        retention: Retention,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let made_before = before(now, retention.verification_days);
        let mut swept = 0;
        loop {
            let mut transaction = self.store.begin(&actor.tenant).await?;
            let deleted = transaction
                .delete_due_verifications(now, made_before, BATCH)
                .await?;
            let batch = Swept {
                verifications: deleted,
                ..Swept::default()
            };
            finish(transaction, actor, batch).await?;
            swept += deleted;
            if deleted < u64::from(BATCH) {
                return Ok(swept);
            }
        }
    }

    /// The pictures of what is over at once; what is left of it a day later.
    async fn sweep_liveness_sessions(
        &self,
        actor: &Actor,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let over_before = now - LIVENESS_SESSIONS_KEPT;
        let mut swept = 0;
        loop {
            let mut transaction = self.store.begin(&actor.tenant).await?;
            let deleted = transaction
                .sweep_liveness_sessions(now, over_before, BATCH)
                .await?;
            let batch = Swept {
                liveness_sessions: deleted,
                ..Swept::default()
            };
            finish(transaction, actor, batch).await?;
            swept += deleted;
            if deleted < u64::from(BATCH) {
                return Ok(swept);
            }
        }
    }

    async fn sweep_jobs(
        &self,
        actor: &Actor,
        retention: Retention,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let ended_before = before(now, retention.job_days);
        let mut swept = 0;
        loop {
            let mut transaction = self.store.begin(&actor.tenant).await?;
            let due = transaction.list_due_jobs(now, ended_before, BATCH).await?;
            drop(transaction);
            for job in &due {
                self.delete_job(actor, *job).await?;
            }
            swept += due.len() as u64;
            if due.len() < BATCH as usize {
                return Ok(swept);
            }
        }
    }

    /// Rows first, some at a time: a job may have a million.
    async fn delete_job(&self, actor: &Actor, job: JobId) -> Result<(), StoreError> {
        loop {
            let mut transaction = self.store.begin(&actor.tenant).await?;
            let more = transaction.delete_rows(job, BATCH).await?;
            if more {
                transaction.commit().await?;
                continue;
            }
            transaction.delete_job(job).await?;
            let batch = Swept {
                jobs: 1,
                ..Swept::default()
            };
            return finish(transaction, actor, batch).await;
        }
    }

    async fn sweep_subjects(
        &self,
        actor: &Actor,
        retention: Retention,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let Some(over_before) = before(now, retention.purge_expired_subjects_after_days) else {
            return Ok(0);
        };
        let mut swept = 0;
        loop {
            let mut transaction = self.store.begin(&actor.tenant).await?;
            let found = transaction.find_list_with_due_subjects(over_before).await?;
            let Some(list) = found else { return Ok(swept) };
            // Locked before anybody is picked: a change of their time comes before it, and counts, or after.
            transaction.lock_watchlist(list).await?;
            let due = transaction
                .list_due_subjects(list, over_before, BATCH_SUBJECTS)
                .await?;
            let mut batch = Swept::default();
            for subject in due {
                let gone = transaction.delete_subject(list, subject).await?;
                batch.subjects += u64::from(gone);
            }
            swept += batch.subjects;
            finish(transaction, actor, batch).await?;
        }
    }
}

/// Makes a batch last, and puts it on record.
async fn finish(mut transaction: TenantTx, actor: &Actor, batch: Swept) -> Result<(), StoreError> {
    if !batch.is_nothing() {
        transaction.append_audit_event(actor, &batch.into())?;
    }
    transaction.commit().await
}

/// The instant so many days before now; none where nothing ends by itself.
fn before(now: OffsetDateTime, days: Option<u16>) -> Option<OffsetDateTime> {
    days.map(|days| now - Duration::days(days.into()))
}
