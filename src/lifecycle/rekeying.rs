//! The rekeying: lists in another form than new ones are rewritten, after a key for templates was configured or changed.
//!
//! Each list has a job that tells how far it is. It is a part of the sweeper's turns, so replicas share it, and a process that dies leaves the rest to the next turn.

use crate::domain::audit::{Actor, WatchlistRekeyed};
use crate::store::{Store, StoreError};

/// Rewrites a tenant's lists, one after the other.
pub(super) async fn rekey(store: &Store, actor: &Actor) -> Result<(), StoreError> {
    loop {
        let mut transaction = store.begin(&actor.tenant).await?;
        let Some(watchlist_id) = transaction.find_list_to_rekey().await? else {
            return Ok(());
        };
        let job = transaction.begin_rekeying(watchlist_id, actor).await?;
        transaction.commit().await?;
        let mut transaction = store.begin(&actor.tenant).await?;
        let faces = transaction.rekey_list(watchlist_id).await?;
        transaction.set_job_counts(job, faces, faces, 0).await?;
        transaction.complete_job(job).await?;
        if faces > 0 {
            let rekeyed = WatchlistRekeyed {
                watchlist_id,
                faces,
            };
            transaction.append_audit_event(actor, &rekeyed.into())?;
        }
        transaction.commit().await?;
        tracing::info!(watchlist.id = %watchlist_id, faces, "a list is kept under the current key");
    }
}
