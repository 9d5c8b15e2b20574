//! What people decided about verifications.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::review::{Review, ReviewDecision};

/// A human's decision about a verification.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewView {
    /// Its place among those of the verification, from 1. A correction names it.
    #[schema(example = 1)]
    pub number: u16,
    /// Who decided: the `sub` of their token.
    #[schema(example = "clerk-7")]
    pub reviewer: String,
    /// `approved` or `declined`.
    #[schema(value_type = String, example = "approved")]
    pub decision: ReviewDecision,
    /// Why, in their words.
    pub note: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        Self {
            number: review.number,
            reviewer: review.reviewer,
            decision: review.decision,
            note: review.note,
            created_at: review.created_at,
        }
    }
}
