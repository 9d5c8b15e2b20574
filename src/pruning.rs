//! Removes what has expired, for as long as the service runs: the traces of one-time tokens, idempotency keys, and
//! failed checks that no longer count.

use std::future::Future;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::store::{Store, StoreError};

/// How often.
const INTERVAL: Duration = Duration::from_secs(600);

/// Prunes until it is dropped.
pub async fn prune(store: Store) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        report("one-time tokens", store.delete_expired_tokens()).await;
        report("idempotency keys", store.delete_expired_keys()).await;
        report("failed checks", store.delete_expired_attempts()).await;
    }
}

async fn report(what: &'static str, pruning: impl Future<Output = Result<u64, StoreError>>) {
    match pruning.await {
        Ok(0) | Err(StoreError::Unavailable(_)) => {}
        Ok(count) => tracing::debug!(what, count, "what had expired was removed"),
        Err(error) => tracing::warn!(what, %error, "what has expired was not removed"),
    }
}
