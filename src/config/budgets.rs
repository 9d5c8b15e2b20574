//! The settings of budgets. Zero stands for no bound.

use std::num::{NonZeroU32, NonZeroU64};

use super::reader::Reader;
use crate::domain::budget::{Allowance, AttemptLimit};

/// A number that no budget needs to exceed.
const MOST: u64 = 1 << 44;

pub(super) fn allowance(reader: &mut Reader<'_>) -> Allowance {
    let mut minute = |name| NonZeroU64::new(reader.bounded(name, 0..=MOST));
    Allowance {
        requests_per_minute: minute("LIKENESS_RATE_PER_MINUTE"),
        bytes_per_minute: minute("LIKENESS_BYTES_PER_MINUTE"),
        searches_per_minute: minute("LIKENESS_SEARCHES_PER_MINUTE"),
        concurrency: NonZeroU32::new(reader.bounded("LIKENESS_CONCURRENCY", 0..=1_000_000)),
    }
}

pub(super) fn attempts(reader: &mut Reader<'_>) -> Option<AttemptLimit> {
    let failures = NonZeroU32::new(reader.bounded("LIKENESS_MAX_ATTEMPTS", 0..=1000));
    let window = reader.seconds("LIKENESS_ATTEMPT_WINDOW_SECONDS", 1..=7 * 24 * 3600);
    failures.map(|failures| AttemptLimit { failures, window })
}
