//! Tokens that were good for one request and have been used.

use time::OffsetDateTime;

use super::connection::Store;
use super::error::StoreError;
use super::transaction::TenantTx;

impl TenantTx {
    /// Notes that a token is used, until it expires. False where it was used before; another transaction that is
    /// noting the same one at this moment is waited for.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn insert_used_token(
        &mut self,
        hash: &[u8; 32],
        expires_at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "insert into used_tokens (token_hash, expires_at) values ($1, $2) on conflict do nothing",
            hash.as_slice(),
            expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Store {
    /// Forgets the used tokens of all tenants that expired long enough ago, and tells how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_expired_tokens(&self) -> Result<u64, StoreError> {
        let store = self.clone();
        self.run_at_home(async move {
            // The table's policies leave nothing else to delete; a condition here would be bound to one tenant.
            let done = sqlx::query!("delete from used_tokens")
                .execute(store.session().await?.bounded())
                .await?;
            Ok(done.rows_affected())
        })
        .await
    }
}
