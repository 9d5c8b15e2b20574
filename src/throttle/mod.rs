//! Budgets of callers: how many requests, bytes and searches a token's holder may have, and how many at a time.
//!
//! A caller is a tenant and a subject, so a new token for the same subject brings no new budget. Accounts live in the
//! memory of one process: with several replicas each grants its own budget, and a restart fills all of them. What has
//! to hold across replicas, the count of one person's failed checks, is kept in the database instead.

mod accounts;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::accounts::Accounts;
use crate::domain::budget::{Allowance, Bucket, Budget, Exhausted, Standing};
use crate::domain::ids::TenantId;

/// Most callers that are kept account of at once, some 200 bytes each.
const MAX_ACCOUNTS: usize = 50_000;
/// When to come back where too many requests are under way: it is not known how long they take.
const CONCURRENCY_WAIT: Duration = Duration::from_secs(1);
/// No body is larger than this, whatever its sender declares.
const MAX_RESERVED_BYTES: u64 = 1 << 44;

/// Whose account it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The token's tenant.
    pub tenant: TenantId,
    /// The token's `sub`.
    pub subject: String,
}

/// Keeps account of every caller. Cheap to clone; all clones share the accounts.
#[derive(Clone)]
pub struct Throttle {
    allowance: Allowance,
    accounts: Arc<Mutex<Accounts>>,
}

/// One budget of a caller, for the headers that tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Which one.
    pub budget: Budget,
    /// What it holds when it is full.
    pub quota: u64,
    /// What is left.
    pub standing: Standing,
}

/// A request that was let in. It counts as under way until this is dropped, and pays then for the bytes it brought,
/// also where its caller has hung up.
pub struct Admission {
    throttle: Throttle,
    caller: Caller,
    reserved: u64,
    received: Received,
}

/// Counts the bytes that a request brings.
#[derive(Debug, Clone, Default)]
pub struct Received(Arc<AtomicU64>);

impl Throttle {
    /// Nobody has used anything yet.
    #[must_use]
    pub fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            accounts: Arc::new(Mutex::new(Accounts::new(MAX_ACCOUNTS))),
        }
    }

    /// Lets a request in whose body is declared to have so many bytes, or tells which budget is used up.
    ///
    /// # Errors
    /// [`Exhausted`]; nothing is drawn then.
    pub fn admit(
        &self,
        caller: Caller,
        declared_bytes: u64,
        now: Instant,
    ) -> Result<Admission, Exhausted> {
        let reserved = declared_bytes.min(MAX_RESERVED_BYTES);
        let Allowance {
            requests_per_minute,
            bytes_per_minute,
            concurrency,
            ..
        } = self.allowance;
        let mut accounts = self.lock();
        let account = accounts.of(&caller, &self.allowance, now);
        if concurrency.is_some_and(|most| account.under_way >= most.get()) {
            return Err(Exhausted {
                budget: Budget::Concurrency,
                retry_after: CONCURRENCY_WAIT,
            });
        }
        ask(Budget::Requests, account.requests, requests_per_minute, now)?;
        ask(Budget::Bytes, account.bytes, bytes_per_minute, now)?;
        draw(&mut account.requests, requests_per_minute, now, 1);
        draw(&mut account.bytes, bytes_per_minute, now, reserved);
        account.under_way += 1;
        drop(accounts);
        Ok(Admission {
            throttle: self.clone(),
            caller,
            reserved,
            received: Received::default(),
        })
    }

    /// Draws one of the requests that tell how alike two faces are.
    ///
    /// # Errors
    /// [`Exhausted`] where none is left.
    pub fn search(&self, caller: &Caller, now: Instant) -> Result<(), Exhausted> {
        let per_minute = self.allowance.searches_per_minute;
        let mut accounts = self.lock();
        let account = accounts.of(caller, &self.allowance, now);
        ask(Budget::Searches, account.searches, per_minute, now)?;
        draw(&mut account.searches, per_minute, now, 1);
        Ok(())
    }

    /// What is left of every budget that there is.
    #[must_use]
    pub fn balances(&self, caller: &Caller, now: Instant) -> Vec<Balance> {
        let allowance = self.allowance;
        let mut accounts = self.lock();
        let account = accounts.of(caller, &allowance, now);
        let minute = |budget, bucket: Bucket, per_minute: Option<NonZeroU64>| {
            per_minute.map(|per_minute| Balance {
                budget,
                quota: per_minute.get(),
                standing: bucket.standing(per_minute, now),
            })
        };
        let concurrency = allowance.concurrency.map(|most| Balance {
            budget: Budget::Concurrency,
            quota: most.get().into(),
            standing: Standing {
                remaining: most.get().saturating_sub(account.under_way).into(),
                reset: Duration::ZERO,
            },
        });
        let balances = [
            minute(
                Budget::Requests,
                account.requests,
                allowance.requests_per_minute,
            ),
            minute(Budget::Bytes, account.bytes, allowance.bytes_per_minute),
            minute(
                Budget::Searches,
                account.searches,
                allowance.searches_per_minute,
            ),
            concurrency,
        ];
        balances.into_iter().flatten().collect()
    }

    fn settle(&self, admission: &Admission, now: Instant) {
        let per_minute = self.allowance.bytes_per_minute;
        let mut accounts = self.lock();
        let account = accounts.of(&admission.caller, &self.allowance, now);
        account.under_way = account.under_way.saturating_sub(1);
        let (reserved, received) = (admission.reserved, admission.received.bytes());
        if received > reserved {
            draw(&mut account.bytes, per_minute, now, received - reserved);
        } else if let Some(per_minute) = per_minute {
            account.bytes.refund(per_minute, now, reserved - received);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Where the bytes of the body are counted as they are read.
    #[must_use]
    pub fn received(&self) -> Received {
        self.received.clone()
    }
}

impl Received {
    /// Counts some more.
    pub fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.throttle.settle(self, Instant::now());
    }
}

fn ask(
    budget: Budget,
    bucket: Bucket,
    per_minute: Option<NonZeroU64>,
    now: Instant,
) -> Result<(), Exhausted> {
    let Some(standing) = per_minute.map(|per_minute| bucket.standing(per_minute, now)) else {
        return Ok(());
    };
    match standing.remaining {
        0 => Err(Exhausted {
            budget,
            retry_after: standing.reset,
        }),
        _ => Ok(()),
    }
}

fn draw(bucket: &mut Bucket, per_minute: Option<NonZeroU64>, now: Instant, amount: u64) {
    if let Some(per_minute) = per_minute {
        bucket.draw(per_minute, now, amount);
    }
}

#[cfg(test)]
mod tests;
