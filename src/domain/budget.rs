//! How much one caller may ask for: budgets that refill steadily, and what happens when one is used up.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::{Duration, Instant};

/// What a caller can run out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    /// Requests.
    Requests,
    /// Bytes of request bodies.
    Bytes,
    /// Requests at the same time.
    Concurrency,
    /// Requests that tell how alike two faces are.
    Searches,
    /// Checks of one person that are not approved.
    Attempts,
}

impl Budget {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Requests,
        Self::Bytes,
        Self::Concurrency,
        Self::Searches,
        Self::Attempts,
    ];

    /// The stable name, as headers and metrics spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Bytes => "bytes",
            Self::Concurrency => "concurrency",
            Self::Searches => "searches",
            Self::Attempts => "attempts",
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// Which one.
    pub budget: Budget,
    /// When there will be something in it again.
    pub retry_after: Duration,
}

/// What every caller may have; nothing stands for no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Requests in a minute.
    pub requests_per_minute: Option<NonZeroU64>,
    /// Bytes of bodies in a minute.
    pub bytes_per_minute: Option<NonZeroU64>,
    /// Requests in a minute that tell how alike two faces are.
    pub searches_per_minute: Option<NonZeroU64>,
    /// Requests at the same time.
    pub concurrency: Option<NonZeroU32>,
}

/// How often one person's check may fail to be approved within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimit {
    /// So often.
    pub failures: NonZeroU32,
    /// Within this time.
    pub window: Duration,
}

/// What is left in a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whole units left.
    pub remaining: u64,
    /// Until it is full; where nothing is left, until something is.
    pub reset: Duration,
}

/// One caller's part of a budget for a minute: it refills steadily and never holds more than a minute's worth.
///
/// Whoever has a whole unit left may draw any amount, since the size of a body may not be known before it is read. What
/// is overdrawn is made up before the next draw.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    level: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn full(per_minute: NonZeroU64, now: Instant) -> Self {
        Self {
            level: size(per_minute),
            filled_at: now,
        }
    }

    /// What is left.
    #[must_use]
    pub fn standing(&self, per_minute: NonZeroU64, now: Instant) -> Standing {
        let level = self.level_at(per_minute, now);
        let missing = if level < 1.0 {
            1.0 - level
        } else {
            size(per_minute) - level
        };
        Standing {
            // A negative level is none left.
            remaining: level as u64,
            reset: Duration::try_from_secs_f64(missing * 60.0 / size(per_minute))
                .unwrap_or(Duration::MAX),
        }
    }

    /// Takes an amount out. Whether there was a whole unit is asked before, with [`Bucket::standing`].
    pub fn draw(&mut self, per_minute: NonZeroU64, now: Instant, amount: u64) {
        self.level = self.level_at(per_minute, now) - amount as f64;
        self.filled_at = now;
    }

    /// Puts back what was drawn too much.
    pub fn refund(&mut self, per_minute: NonZeroU64, now: Instant, amount: u64) {
        let level = self.level_at(per_minute, now) + amount as f64;
        self.level = level.min(size(per_minute));
        self.filled_at = now;
    }

    /// Whether it is as it was at first.
    #[must_use]
    pub fn is_full(&self, per_minute: NonZeroU64, now: Instant) -> bool {
        self.level_at(per_minute, now) >= size(per_minute)
    }

    fn level_at(&self, per_minute: NonZeroU64, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.filled_at).as_secs_f64();
        (self.level + since * size(per_minute) / 60.0).min(size(per_minute))
    }
}

/// A bucket holds a minute's worth.
fn size(per_minute: NonZeroU64) -> f64 {
    per_minute.get() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIXTY: NonZeroU64 = NonZeroU64::new(60).unwrap();

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_bucket_gives_a_minutes_worth_at_once_and_then_what_flows_in() {
        let start = Instant::now();
        let mut bucket = Bucket::full(SIXTY, start);
        for left in (0..60).rev() {
            assert_eq!(bucket.standing(SIXTY, start).remaining, left + 1);
            bucket.draw(SIXTY, start, 1);
        }
        let empty = bucket.standing(SIXTY, start);
        assert_eq!((empty.remaining, empty.reset), (0, seconds(1)));
        assert_eq!(bucket.standing(SIXTY, start + seconds(1)).remaining, 1);
        let later = bucket.standing(SIXTY, start + seconds(20));
        assert_eq!((later.remaining, later.reset), (20, seconds(40)));
    }

    #[test]
    fn it_saves_no_more_than_a_minutes_worth() {
        let start = Instant::now();
        let mut bucket = Bucket::full(SIXTY, start);
        bucket.draw(SIXTY, start, 1);
        assert!(!bucket.is_full(SIXTY, start));
        let later = start + seconds(3600);
        assert!(bucket.is_full(SIXTY, later));
        assert_eq!(bucket.standing(SIXTY, later).remaining, 60);
        bucket.refund(SIXTY, later, 1000);
        assert_eq!(bucket.standing(SIXTY, later).remaining, 60);
    }

    #[test]
    fn what_is_overdrawn_is_made_up_first_and_a_refund_ends_the_wait() {
        let start = Instant::now();
        let mut bucket = Bucket::full(SIXTY, start);
        bucket.draw(SIXTY, start, 180);
        let overdrawn = bucket.standing(SIXTY, start);
        assert_eq!((overdrawn.remaining, overdrawn.reset), (0, seconds(121)));
        bucket.refund(SIXTY, start, 150);
        assert_eq!(bucket.standing(SIXTY, start).remaining, 30);
    }

    #[test]
    fn a_clock_that_stands_still_or_an_absurd_amount_does_no_harm() {
        let start = Instant::now() + seconds(10);
        let mut bucket = Bucket::full(SIXTY, start);
        bucket.draw(SIXTY, start - seconds(5), u64::MAX);
        assert_eq!(bucket.standing(SIXTY, start).remaining, 0);
        bucket.refund(SIXTY, start, u64::MAX);
        assert!(bucket.standing(SIXTY, start).remaining <= 60);
    }
}
