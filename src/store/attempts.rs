//! Checks of one person that were not approved, counted so that somebody can be kept from trying until one is.
//!
//! The database's clock is the only one that counts: replicas may disagree on the time.

use std::time::Duration;

use super::connection::Store;
use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::budget::AttemptLimit;

/// SHA-256 of whatever names a person.
pub type ReferenceHash = [u8; 32];

impl TenantTx {
    /// How long a person's next check has to wait, where as many as the limit allows have failed already.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_lockout(
        &mut self,
        reference: &ReferenceHash,
        limit: AttemptLimit,
    ) -> Result<Option<Duration>, StoreError> {
        // The failure that has to be out of the window before another check may fail.
        let wait = sqlx::query_scalar!(
            r#"
            select extract(epoch from
                failed_at[cardinality(failed_at) - $2 + 1] + make_interval(secs => $3) - clock_timestamp()
            )::float8 as "wait"
            from failed_attempts
            where reference = $1
            "#,
            reference.as_slice(),
            failures(limit),
            limit.window.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        let wait = wait.flatten().filter(|seconds| *seconds > 0.0);
        Ok(wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }

    /// Notes that a person's check was not approved. False where as many as the limit allows have failed already:
    /// nothing is noted then. Another transaction that is noting one for the same person is waited for.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn insert_failed_attempt(
        &mut self,
        reference: &ReferenceHash,
        limit: AttemptLimit,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            r#"
            insert into failed_attempts as known (reference, failed_at, expires_at)
            values ($1, array[clock_timestamp()], clock_timestamp() + make_interval(secs => $3))
            on conflict (tenant, reference) do update
            set failed_at = known.failed_at[cardinality(known.failed_at) - $2 + 2 :] || clock_timestamp(),
                expires_at = excluded.expires_at
            where coalesce(
                known.failed_at[cardinality(known.failed_at) - $2 + 1] + make_interval(secs => $3)
                    <= clock_timestamp(),
                true
            )
            "#,
            reference.as_slice(),
            failures(limit),
            limit.window.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Store {
    /// Forgets the failures of all tenants that no longer count, and tells of how many people there were any.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_expired_attempts(&self) -> Result<u64, StoreError> {
        let store = self.clone();
        self.run_at_home(async move {
            // The table's policies leave nothing else to delete; a condition here would be bound to one tenant.
            let done = sqlx::query!("delete from failed_attempts")
                .execute(store.session().await?.bounded())
                .await?;
            Ok(done.rows_affected())
        })
        .await
    }
}

fn failures(limit: AttemptLimit) -> i32 {
    i32::try_from(limit.failures.get()).unwrap_or(i32::MAX)
}
