//! The runner: claims jobs that nobody works on, and works them off until it is told to stop.
//!
//! A job belongs to whoever holds its lease. The lease is renewed while the work goes on; a process that dies lets it run
//! out, and another one, or the same after its restart, goes on where it stopped. What keeps two that both believe to
//! hold it from enrolling a face twice is not the lease but the row: see `work`.
//!
//! A replica that has lost a worker leaves jobs to others: it is not ready for requests either.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::intake::discard;
use super::work::{self, Pause};
use crate::domain::ids::{JobId, TenantId};
use crate::store::{Claim, Duty, Holder, StoreError};
use crate::verify::{Verifier, VerifyError};

/// How long a job waits for somebody else when its holder dies.
const LEASE: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(2);
/// How often jobs of other processes are looked for; one's own wake the runner at once.
const POLL: Duration = Duration::from_secs(1);
/// How long a job rests after a fault.
const REST_AFTER_FAULT: Duration = Duration::from_secs(2);
/// A job whose holders died this often in a row, without one row finished, is given up: something in it kills.
const MAX_STRIKES: u32 = 8;
/// Rows that are cleared in one transaction.
const CLEARED_ROWS: u32 = 2_000;

/// Works jobs off.
pub struct Runner {
    verifier: Verifier,
    holder: Holder,
    wake: Arc<Notify>,
}

/// What became of a claimed job.
enum Turn {
    /// There is nothing left to do about it.
    Over,
    /// There is more to do, at once or after a rest.
    More(Duration),
}

impl Runner {
    pub(super) fn new(verifier: Verifier, wake: Arc<Notify>) -> Self {
        Self {
            verifier,
            holder: Holder::new(),
            wake,
        }
    }

    /// Works until `stop` says true or its sender is gone, and lets go of what it holds.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() && stop.has_changed().is_ok() {
            // Not to be abandoned halfway: a job that is leased and not worked on waits for its lease to run out.
            if let Some(claim) = self.claim().await {
                self.take_turn(&claim, &stop).await;
                continue;
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = self.wake.notified() => {}
                () = sleep(POLL) => {}
            }
        }
    }

    async fn claim(&self) -> Option<Claim> {
        if !self.verifier.engine().is_healthy() {
            return None;
        }
        match self.verifier.store().claim_job(self.holder, LEASE).await {
            Ok(claim) => claim,
            Err(error) => {
                tracing::warn!(%error, "cannot look for jobs");
                None
            }
        }
    }

    /// Works on a job while the lease holds, and lets go of it.
    async fn take_turn(&self, claim: &Claim, stop: &watch::Receiver<bool>) {
        let store = self.verifier.store();
        let turn = tokio::select! {
            turn = self.advance(claim, stop) => turn,
            () = self.keep(claim) => {
                tracing::warn!(job.id = %claim.job, "the lease of a job passed on");
                return;
            }
        };
        let rest = match turn {
            Ok(Turn::Over) => return,
            Ok(Turn::More(rest)) => rest,
            Err(error) => {
                tracing::warn!(job.id = %claim.job, %error, "a job rests after a fault");
                REST_AFTER_FAULT
            }
        };
        if let Err(error) = store.release_job(claim, rest).await {
            tracing::warn!(job.id = %claim.job, %error, "cannot let go of a job; its lease runs out");
        }
    }

    /// Renews the lease; ends when it is lost. Does not end for a database that is away: the work finds that out too.
    async fn keep(&self, claim: &Claim) {
        loop {
            sleep(RENEWAL).await;
            let renewed = self.verifier.store().renew_lease(claim, LEASE).await;
            if matches!(renewed, Ok(false)) {
                return;
            }
        }
    }

    async fn advance(
        &self,
        claim: &Claim,
        stop: &watch::Receiver<bool>,
    ) -> Result<Turn, VerifyError> {
        let (tenant, job) = (&claim.tenant, claim.job);
        let mut transaction = self.verifier.store().begin(tenant).await?;
        if claim.strikes >= MAX_STRIKES {
            tracing::error!(job.id = %job, "a job is given up: processes died over it");
            transaction.fail_job(job).await?;
        }
        let duty = transaction.begin_job(job).await?;
        transaction.commit().await?;
        match duty {
            None => Ok(Turn::Over),
            Some(Duty::Discard) => {
                discard(self.verifier.store(), tenant, job).await?;
                Ok(Turn::Over)
            }
            Some(Duty::Clear) => Ok(self.clear(tenant, job).await?),
            Some(Duty::ChangeModel(watchlist, _)) => {
                // A stub: nothing makes templates of another model yet.
                tracing::error!(job.id = %job, watchlist.id = %watchlist, "a job is given up: nobody changes models yet");
                self.fail(tenant, job).await?;
                Ok(Turn::More(Duration::ZERO))
            }
            Some(Duty::Work(watchlist, actor)) => {
                let work = work::Work::new(&self.verifier, &actor, watchlist, job);
                match work.run(stop).await {
                    Ok(Pause::Finished) => Ok(Turn::Over),
                    Ok(Pause::Yielded) => Ok(Turn::More(Duration::ZERO)),
                    Ok(Pause::Stumbled) => Ok(Turn::More(REST_AFTER_FAULT)),
                    Err(error @ VerifyError::AnotherEmbedder(_)) => {
                        tracing::error!(job.id = %job, %error, "a job is given up");
                        self.fail(tenant, job).await?;
                        Ok(Turn::More(Duration::ZERO))
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Ends a job that cannot go on; the next turn clears it.
    async fn fail(&self, tenant: &TenantId, job: JobId) -> Result<(), StoreError> {
        let mut transaction = self.verifier.store().begin(tenant).await?;
        transaction.fail_job(job).await?;
        transaction.commit().await
    }

    /// Takes the pictures out of the rows that a job left behind.
    async fn clear(&self, tenant: &TenantId, job: JobId) -> Result<Turn, StoreError> {
        loop {
            let mut transaction = self.verifier.store().begin(tenant).await?;
            let more = transaction.clear_rows(job, CLEARED_ROWS).await?;
            if !more {
                transaction.delete_lease(job).await?;
            }
            transaction.commit().await?;
            if !more {
                return Ok(Turn::Over);
            }
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}
