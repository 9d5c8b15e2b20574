//! What is told of the end of records, and of what people decide about them.

use serde::Serialize;
use uuid::Uuid;

use super::{Detail, about};
use crate::domain::erasure::{ErasedCounts, Erasure};
use crate::domain::ids::{ErasureId, VerificationId, WatchlistId};
use crate::domain::retention::Retention;
use crate::domain::review::ReviewDecision;

/// The detail of `verification.reviewed`. The note is not in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerificationReviewed {
    /// The verification.
    pub verification_id: VerificationId,
    /// The place of the review among those of the verification; all but the first correct the one before.
    pub number: u16,
    /// What was decided.
    pub decision: ReviewDecision,
}

/// The detail of `erasure.created`. Whom it was about is not in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErasureCreated {
    /// The receipt.
    pub erasure_id: ErasureId,
    /// What the receipt says of whom it is about, in hexadecimal.
    pub commitment: String,
    /// What was removed.
    pub erased: ErasedCounts,
}

impl From<&Erasure> for ErasureCreated {
    fn from(erasure: &Erasure) -> Self {
        Self {
            erasure_id: erasure.id,
            commitment: erasure.commitment_text(),
            erased: erasure.counts,
        }
    }
}

/// The detail of `retention.changed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetentionChanged {
    /// What the tenant had chosen.
    pub before: Retention,
    /// What it has chosen now.
    pub after: Retention,
}

/// The detail of `records.swept`: what was deleted together, since its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RecordsSwept {
    /// Verifications.
    pub verifications: u64,
    /// Jobs, with their rows.
    pub jobs: u64,
    /// People on lists.
    pub subjects: u64,
    /// Liveness sessions.
    pub liveness_sessions: u64,
}

/// The detail of `watchlist.rekeyed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatchlistRekeyed {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// Faces whose templates were rewritten.
    pub faces: u64,
}

/// The detail of `images.reencrypted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImagesReencrypted {
    /// Pictures that are under the current secret now.
    pub images: u64,
    /// Pictures that did not open with the secret of before, and stay as they are.
    pub unreadable: u64,
}

impl RecordsSwept {
    /// Whether nothing was due.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another batch deleted.
    pub fn add(&mut self, other: Self) {
        self.verifications += other.verifications;
        self.jobs += other.jobs;
        self.subjects += other.subjects;
        self.liveness_sessions += other.liveness_sessions;
    }
}

about! {
    VerificationReviewed => verification_id;
    ErasureCreated => erasure_id;
    WatchlistRekeyed => watchlist_id;
}

impl Detail for RetentionChanged {
    fn resource_id(&self) -> Option<Uuid> {
        None
    }
}

impl Detail for ImagesReencrypted {
    fn resource_id(&self) -> Option<Uuid> {
        None
    }
}

impl Detail for RecordsSwept {
    fn resource_id(&self) -> Option<Uuid> {
        None
    }
}
