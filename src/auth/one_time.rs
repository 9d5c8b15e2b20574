//! Tokens that are good for one request: every replica asks the same table whether there was one already.

use time::OffsetDateTime;

use super::refusal::{Refusal, TokenError};
use super::rules::OneTime;
use crate::domain::ids::TenantId;
use crate::store::Store;

/// Uses a token up. It is spent by the first request that brings it, whatever becomes of that request.
pub(super) async fn spend(
    store: &Store,
    tenant: &TenantId,
    token: OneTime,
) -> Result<(), TokenError> {
    let expires_at = i64::try_from(token.expires_at)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(Refusal::Claims)?;
    let mut transaction = store.begin(tenant).await?;
    let first = transaction.insert_used_token(&token.id, expires_at).await?;
    if !first {
        return Err(Refusal::Replayed.into());
    }
    // Where it is not known whether this lasts, nobody is let in.
    Ok(transaction.commit().await?)
}
