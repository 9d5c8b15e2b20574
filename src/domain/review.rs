//! What people decide about verifications. The machine's decision stays beside it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::decision::Decision;

/// Longest note of a reviewer, in characters.
pub const MAX_NOTE_CHARS: u64 = 2_000;

/// A human's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    /// The identity is accepted.
    Approved,
    /// It is not.
    Declined,
}

impl ReviewDecision {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Approved, Self::Declined];

    /// The verdict as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// A human's decision about a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its place among those of the verification, from 1; each further one corrects the one before.
    pub number: u16,
    /// Who decided: the `sub` of their token.
    pub reviewer: String,
    /// What they decided.
    pub decision: ReviewDecision,
    /// Why, in their words.
    pub note: Option<String>,
    /// When.
    pub created_at: OffsetDateTime,
}

/// What holds in the end: the latest review, or else the machine's decision. None where the machine asked for a human
/// and none has decided.
#[must_use]
pub fn final_decision(machine: Decision, reviews: &[Review]) -> Option<ReviewDecision> {
    if let Some(latest) = reviews.iter().max_by_key(|review| review.number) {
        return Some(latest.decision);
    }
    match machine {
        Decision::Approved => Some(ReviewDecision::Approved),
        Decision::Declined => Some(ReviewDecision::Declined),
        Decision::Review => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(number: u16, decision: ReviewDecision) -> Review {
        Review {
            number,
            reviewer: "r".to_owned(),
            decision,
            note: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_latest_review_outweighs_the_machine_and_nobody_decides_for_a_missing_one() {
        use ReviewDecision::{Approved, Declined};
        assert_eq!(final_decision(Decision::Approved, &[]), Some(Approved));
        assert_eq!(final_decision(Decision::Declined, &[]), Some(Declined));
        assert_eq!(final_decision(Decision::Review, &[]), None);
        let reviews = [review(2, Declined), review(1, Approved)];
        for machine in [Decision::Approved, Decision::Review, Decision::Declined] {
            assert_eq!(final_decision(machine, &reviews), Some(Declined));
        }
    }

    #[test]
    fn a_verdict_is_written_as_it_is_named() {
        for decision in ReviewDecision::ALL {
            assert_eq!(serde_json::to_value(decision).unwrap(), decision.name());
        }
    }
}
