//! The accounts of callers, never more than so many.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::time::Instant;

use super::Caller;
use crate::domain::budget::{Allowance, Bucket};

/// What one caller has left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub requests: Bucket,
    pub bytes: Bucket,
    pub searches: Bucket,
    /// Requests that are not answered yet.
    pub under_way: u32,
    last_use: u64,
}

/// Accounts by caller. Where there are too many, those go first that are as good as new, then those that were longest
/// unused: whoever needs more subjects than there is room for has a fresh budget with each of them anyway.
pub(super) struct Accounts {
    accounts: HashMap<Caller, Account>,
    capacity: usize,
    /// Counts uses, to tell which was the last.
    clock: u64,
}

impl Account {
    fn new(allowance: &Allowance, now: Instant) -> Self {
        let full = |per_minute: Option<NonZeroU64>| {
            Bucket::full(per_minute.unwrap_or(NonZeroU64::MIN), now)
        };
        Self {
            requests: full(allowance.requests_per_minute),
            bytes: full(allowance.bytes_per_minute),
            searches: full(allowance.searches_per_minute),
            under_way: 0,
            last_use: 0,
        }
    }

    fn is_as_new(&self, allowance: &Allowance, now: Instant) -> bool {
        let full = |bucket: Bucket, per_minute: Option<NonZeroU64>| {
            per_minute.is_none_or(|per_minute| bucket.is_full(per_minute, now))
        };
        self.under_way == 0
            && full(self.requests, allowance.requests_per_minute)
            && full(self.bytes, allowance.bytes_per_minute)
            && full(self.searches, allowance.searches_per_minute)
    }
}

impl Accounts {
    pub fn new(capacity: usize) -> Self {
        Self {
            accounts: HashMap::new(),
            capacity,
            clock: 0,
        }
    }

    /// A caller's account, a new one where there is none.
    pub fn of(&mut self, caller: &Caller, allowance: &Allowance, now: Instant) -> &mut Account {
        if !self.accounts.contains_key(caller) && self.accounts.len() >= self.capacity {
            self.make_room(allowance, now);
        }
        self.clock += 1;
        let account = self
            .accounts
            .entry(caller.clone())
            .or_insert_with(|| Account::new(allowance, now));
        account.last_use = self.clock;
        account
    }

    /// An eighth is freed at least, so that this is rare.
    pub fn make_room(&mut self, allowance: &Allowance, now: Instant) {
        self.accounts
            .retain(|_, account| !account.is_as_new(allowance, now));
        let keep = self.capacity - self.capacity.div_ceil(8);
        if self.accounts.len() <= keep {
            return;
        }
        let mut uses: Vec<u64> = self.accounts.values().map(|one| one.last_use).collect();
        let excess = uses.len() - keep;
        let (_, &mut last_to_go, _) = uses.select_nth_unstable(excess - 1);
        self.accounts
            .retain(|_, account| account.last_use > last_to_go);
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }
}
