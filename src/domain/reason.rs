//! Why an identity was not simply approved: which check found what, and what that does.

use serde::{Deserialize, Serialize};

/// The checks that a reason can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Selfie against document.
    FaceMatch,
    /// Is the face live?
    Liveness,
    /// Are the pictures good enough?
    Quality,
    /// Does the document hold together?
    Document,
    /// Is the person on a list?
    Watchlist,
}

/// What a reason does to the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing; it is worth knowing.
    Info,
    /// It asks for a human.
    Review,
    /// It declines.
    Decline,
}

/// Stable codes of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The similarity is below the review threshold: two different people.
    FaceMismatch,
    /// The similarity lies between the review and the approve threshold.
    FaceMatchUncertain,
    /// The liveness score is below its threshold.
    LivenessDoubtful,
    /// The selfie is too small or turned away too far.
    SelfieQualityLow,
    /// The portrait on the document is too small.
    DocumentQualityLow,
    /// The machine-readable zone does not hold together: a check digit is wrong, or something stands where it cannot.
    DocumentMrzInconsistent,
    /// The document has expired.
    DocumentExpired,
    /// A date on the document is not in the calendar.
    DocumentDateImpossible,
    /// The issuing state or the nationality is none that is known.
    DocumentStateUnknown,
    /// The machine-readable zones of the two sides give a field differently.
    DocumentSidesDiffer,
    /// The document is of Utopia, as specimens are.
    DocumentSpecimen,
    /// The document says something else than what the caller expects.
    ExpectedMismatch,
    /// A subject of a `block` list was found.
    WatchlistBlockHit,
    /// A subject of an `alert` list was found.
    WatchlistAlertHit,
    /// A subject of an `allow` list was found.
    WatchlistAllowHit,
    /// Somebody on a `block` list is alike, but not enough for a hit.
    WatchlistBlockPossible,
    /// Somebody on an `alert` list is alike, but not enough for a hit.
    WatchlistAlertPossible,
}

/// One reason for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What was found.
    pub code: ReasonCode,
    /// Which check found it.
    pub check: Check,
    /// What it does to the decision.
    pub severity: Severity,
}
