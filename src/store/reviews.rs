//! What people decided about verifications.

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::ids::VerificationId;
use crate::domain::review::{Review, ReviewDecision};

/// The key that refuses a review which does not follow the latest.
pub const REVIEWS_KEY: &str = "verification_reviews_pkey";

/// A human's decision to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// Who decides.
    pub reviewer: String,
    /// What they decide.
    pub decision: ReviewDecision,
    /// Why.
    pub note: Option<String>,
    /// The number of the review that it corrects; none where there is none yet.
    pub corrects: Option<u16>,
}

impl TenantTx {
    /// Keeps a review, behind those that are there. Gives its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it does not follow the latest review, [`StoreError::MissingReference`] when there
    /// is no such verification.
    pub async fn insert_review(
        &mut self,
        verification: VerificationId,
        new: &NewReview,
    ) -> Result<u16, StoreError> {
        let corrected = new.corrects.map_or(0, i32::from);
        let number = sqlx::query_scalar!(
            "insert into verification_reviews (verification_id, number, reviewer, decision, note) \
             select $1, $2::int + 1, $3, $4, $5 where $2::int = 0 \
             or exists (select from verification_reviews where verification_id = $1 and number = $2::int) \
             returning number",
            verification.as_uuid(),
            corrected,
            new.reviewer,
            new.decision.name(),
            new.note
        )
        .fetch_optional(self.connection())
        .await?;
        let number = number.and_then(|number| u16::try_from(number).ok());
        number.ok_or_else(|| StoreError::Conflict {
            constraint: REVIEWS_KEY.to_owned(),
        })
    }

    /// The reviews of several verifications, the latest last.
    pub(super) async fn reviews_of(
        &mut self,
        verifications: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Review>>, StoreError> {
        let rows = sqlx::query_as!(
            ReviewRow,
            "select verification_id, number, reviewer, decision, note, created_at from verification_reviews \
             where verification_id = any($1) order by verification_id, number",
            verifications
        )
        .fetch_all(self.connection())
        .await?;
        let mut reviews: HashMap<Uuid, Vec<Review>> = HashMap::new();
        for row in rows {
            let of = row.verification_id;
            reviews.entry(of).or_default().push(row.try_into()?);
        }
        Ok(reviews)
    }
}

struct ReviewRow {
    verification_id: Uuid,
    number: i32,
    reviewer: String,
    decision: String,
    note: Option<String>,
    created_at: OffsetDateTime,
}

impl TryFrom<ReviewRow> for Review {
    type Error = StoreError;

    fn try_from(row: ReviewRow) -> Result<Self, StoreError> {
        let unknown = || StoreError::Corrupt("a review that cannot be read".into());
        let mut decisions = ReviewDecision::ALL.into_iter();
        let decision = decisions.find(|decision| decision.name() == row.decision);
        Ok(Self {
            number: u16::try_from(row.number).map_err(|_| unknown())?,
            reviewer: row.reviewer,
            decision: decision.ok_or_else(unknown)?,
            note: row.note,
            created_at: row.created_at,
        })
    }
}
