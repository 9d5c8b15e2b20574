//! From what was received to rows in the database: a thread unpacks, the task that waits for it stores.

use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{ImportError, ImportLimits, Source, archive, ndjson};
use crate::domain::audit::{Actor, ImportCreated};
use crate::domain::ids::{JobId, TenantId, WatchlistId};
use crate::domain::job::Job;
use crate::store::{Claim, Holder, NewJobRow, Store, StoreError, Uncommitted};

/// How long rows of a job may take to follow each other before the job is taken for abandoned.
const LEASE: Duration = Duration::from_secs(120);
/// Rows and bytes of pictures that are stored in one transaction.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Rows that are removed in one transaction.
const REMOVED_ROWS: u32 = 2_000;

/// Stores all rows, then makes the job visible, which lasts once the caller commits. Without that the lease runs out, and
/// whoever claims the job then removes it.
pub(super) async fn store_rows(
    store: &Store,
    actor: &Actor,
    watchlist: WatchlistId,
    source: Source,
    limits: &Arc<ImportLimits>,
) -> Result<Uncommitted<Job>, ImportError> {
    let (holder, tenant) = (Holder::new(), &actor.tenant);
    let mut transaction = store.begin(tenant).await?;
    let job = transaction
        .insert_job(watchlist, actor, holder, LEASE)
        .await?;
    transaction.commit().await?;
    let claim = Claim {
        tenant: tenant.clone(),
        job,
        holder,
        strikes: 0,
    };
    let stored = fill(store, actor, &claim, source, limits).await;
    if stored.is_err() {
        // Should this fail too, the lease runs out, and whoever claims the job then removes it.
        if let Err(error) = discard(store, tenant, job).await {
            tracing::warn!(job.id = %job, %error, "an import that was refused could not be removed at once");
        }
    }
    stored
}

/// Removes a job of any size.
pub(super) async fn discard(
    store: &Store,
    tenant: &TenantId,
    job: JobId,
) -> Result<(), StoreError> {
    loop {
        let mut transaction = store.begin(tenant).await?;
        let more = transaction.delete_rows(job, REMOVED_ROWS).await?;
        if !more {
            transaction.delete_job(job).await?;
        }
        transaction.commit().await?;
        if !more {
            return Ok(());
        }
    }
}

async fn fill(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    source: Source,
    limits: &Arc<ImportLimits>,
) -> Result<Uncommitted<Job>, ImportError> {
    let (batches, mut arriving) = mpsc::channel(1);
    let limits = Arc::clone(limits);
    let unpacking = tokio::task::spawn_blocking(move || unpack(source, &limits, batches));
    let (mut total, mut failed) = (0, 0);
    while let Some(batch) = arriving.recv().await {
        total += batch.len() as u64;
        failed += batch.iter().filter(|row| row.content.is_err()).count() as u64;
        let mut transaction = store.begin(&claim.tenant).await?;
        transaction.insert_job_rows(claim.job, batch).await?;
        transaction.commit().await?;
        if !store.renew_lease(claim, LEASE).await? {
            return Err(ImportError::NotFound);
        }
    }
    unpacking.await.map_err(|_| ImportError::Unpacking)??;
    if total == 0 {
        return Err(ImportError::Empty);
    }
    let mut transaction = store.begin(&claim.tenant).await?;
    let job = transaction.open_job(claim.job, total, failed).await?;
    let job = job.ok_or(ImportError::NotFound)?;
    transaction.append_audit_event(actor, &ImportCreated::from(&job).into())?;
    Ok(Uncommitted {
        outcome: job,
        transaction,
    })
}

/// Runs on a thread of its own, one batch ahead of the database.
fn unpack(
    source: Source,
    limits: &ImportLimits,
    batches: mpsc::Sender<Vec<NewJobRow>>,
) -> Result<(), ImportError> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    // Nobody receives any more: storing failed, and that failure is what is told.
    let stopped = || ImportError::Unpacking;
    let mut emit = |row: NewJobRow| {
        bytes += row
            .content
            .as_ref()
            .map_or(0, |content| content.image.len());
        batch.push(row);
        if batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            return Ok(());
        }
        bytes = 0;
        batches
            .blocking_send(std::mem::take(&mut batch))
            .map_err(|_| stopped())
    };
    match source {
        Source::Archive(archive, manifest) => {
            archive::read_rows(archive, manifest, limits, &mut emit)?;
        }
        Source::Ndjson(stream) => ndjson::read_rows(BufReader::new(stream), limits, &mut emit)?,
    }
    if batch.is_empty() {
        return Ok(());
    }
    batches.blocking_send(batch).map_err(|_| stopped())
}
