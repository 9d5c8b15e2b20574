//! Requests with an `Idempotency-Key`: who works on one, and what it was answered.

use std::time::Duration;

use uuid::Uuid;

use super::connection::Store;
use super::error::StoreError;
use super::transaction::TenantTx;

/// A request that is to have one effect, however often it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Hash of the route, the ids in its path and the key.
    pub key_hash: [u8; 32],
    /// Hash of what was sent.
    pub fingerprint: [u8; 32],
}

/// The right to have the effect of a keyed request, for as long as it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldKey {
    key_hash: [u8; 32],
    holder: Uuid,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, to the byte.
    pub body: Vec<u8>,
}

/// What came of claiming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyClaim {
    /// The work is the claimant's.
    Held(HeldKey),
    /// The same request is being worked on.
    Running,
    /// The key belongs to another request.
    OtherRequest,
    /// What the request was answered with has been deleted since.
    Forgotten,
    /// The request has had its effect.
    Answered(StoredAnswer),
}

impl TenantTx {
    /// Claims a key for `lease`, to be forgotten after `lifetime`. To be committed before the work begins.
    ///
    /// Waits for a transaction that is writing the answer at this moment.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn claim_key(
        &mut self,
        request: &KeyedRequest,
        lease: Duration,
        lifetime: Duration,
    ) -> Result<KeyClaim, StoreError> {
        let key_hash = request.key_hash.as_slice();
        sqlx::query!(
            "delete from idempotency_keys where key_hash = $1 and expires_at <= now()",
            key_hash
        )
        .execute(self.connection())
        .await?;
        let holder = Uuid::now_v7();
        let claimed = sqlx::query!(
            "insert into idempotency_keys as known (key_hash, fingerprint, state, holder, locked_until, expires_at) \
             values ($1, $2, 'running', $3, now() + make_interval(secs => $4), now() + make_interval(secs => $5)) \
             on conflict (tenant, key_hash) do update \
             set fingerprint = excluded.fingerprint, holder = excluded.holder, \
             locked_until = excluded.locked_until, expires_at = excluded.expires_at \
             where known.state = 'running' and known.locked_until <= now()",
            key_hash,
            request.fingerprint.as_slice(),
            holder,
            lease.as_secs_f64(),
            lifetime.max(lease).as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        if claimed.rows_affected() == 1 {
            let key_hash = request.key_hash;
            return Ok(KeyClaim::Held(HeldKey { key_hash, holder }));
        }
        self.find_key(request).await
    }

    /// What is known of a key that could not be claimed.
    async fn find_key(&mut self, request: &KeyedRequest) -> Result<KeyClaim, StoreError> {
        let row = sqlx::query!(
            "select fingerprint, state, status, location, body from idempotency_keys where key_hash = $1",
            request.key_hash.as_slice()
        )
        .fetch_optional(self.connection())
        .await?;
        // It was removed between the two statements, and can be claimed the next time.
        let Some(row) = row else {
            return Ok(KeyClaim::Running);
        };
        if row.state == "forgotten" {
            return Ok(KeyClaim::Forgotten);
        }
        if row.fingerprint.as_deref() != Some(request.fingerprint.as_slice()) {
            return Ok(KeyClaim::OtherRequest);
        }
        Ok(match (row.status, row.body) {
            (Some(status), Some(body)) => KeyClaim::Answered(StoredAnswer {
                status: status.unsigned_abs(),
                location: row.location,
                body,
            }),
            _ => KeyClaim::Running,
        })
    }

    /// Makes a claim last from now on. False where it has passed on.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn renew_key(&mut self, held: &HeldKey, lease: Duration) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update idempotency_keys \
             set locked_until = now() + make_interval(secs => $3), \
             expires_at = greatest(expires_at, now() + make_interval(secs => $3)) \
             where key_hash = $1 and holder = $2 and state = 'running'",
            held.key_hash.as_slice(),
            held.holder,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets go of a key whose request had no effect, so that it may come again.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it; the claim runs out then.
    pub async fn release_key(&mut self, held: &HeldKey) -> Result<(), StoreError> {
        sqlx::query!(
            "update idempotency_keys set locked_until = least(locked_until, now()) \
             where key_hash = $1 and holder = $2 and state = 'running'",
            held.key_hash.as_slice(),
            held.holder
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps the answer to a request, in the transaction that has its effect, and the ids of all that it tells of. False
    /// where the claim has passed on: then the transaction must not be committed.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn keep_answer(
        &mut self,
        held: &HeldKey,
        answer: &StoredAnswer,
        resources: &[Uuid],
    ) -> Result<bool, StoreError> {
        let kept = sqlx::query!(
            "update idempotency_keys set state = 'answered', status = $3, location = $4, body = $5 \
             where key_hash = $1 and holder = $2 and state = 'running'",
            held.key_hash.as_slice(),
            held.holder,
            // A status has three digits.
            i16::try_from(answer.status).unwrap_or(i16::MAX),
            answer.location,
            answer.body
        )
        .execute(self.connection())
        .await?;
        if kept.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query!(
            "insert into idempotency_resources (key_hash, resource_id) select $1, unnest($2::uuid[]) \
             on conflict do nothing",
            held.key_hash.as_slice(),
            resources
        )
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// Empties every kept answer that tells of one of these, and tells how many. The keys stay until they expire, so
    /// that a late repetition does not make again what was deleted.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn forget_idempotent_answers(
        &mut self,
        resources: &[Uuid],
    ) -> Result<u64, StoreError> {
        // In one order for everybody, so that two that forget the same answers do not wait for each other.
        let done = sqlx::query!(
            "with telling as (\
                 select key_hash from idempotency_keys where state = 'answered' and key_hash in (\
                     select key_hash from idempotency_resources where resource_id = any($1)) \
                 order by key_hash for update) \
             update idempotency_keys \
             set state = 'forgotten', fingerprint = null, status = null, location = null, body = null \
             where key_hash in (select key_hash from telling)",
            resources
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

impl Store {
    /// Forgets the expired keys of all tenants, and tells how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_expired_keys(&self) -> Result<u64, StoreError> {
        let store = self.clone();
        self.run_at_home(async move {
            let mut session = store.session().await?;
            session.begin("begin").await?;
            session.take_time().await?;
            // The table's policies leave nothing else to delete; a condition here would be bound to one tenant.
            let done = sqlx::query!("delete from idempotency_keys")
                .execute(session.bounded())
                .await?;
            session.commit().await?;
            Ok(done.rows_affected())
        })
        .await
    }
}
