//! From scores to a verdict: [`decide`] is the only place where an identity is accepted or turned down.
//!
//! It is a pure function: the same evidence, policy and calibration always give the same answer.

use serde::{Deserialize, Serialize};

use super::calibration::{Calibration, FmrEstimate, Threshold};
use super::document::{DocumentCheck, Sides, judge};
use super::face::{Eyes, Face, Pose, Quality};
use super::ids::LivenessSessionId;
use super::mrz::Expected;
use super::policy::Policy;
use super::quality::failures;
pub use super::reason::{Check, Reason, ReasonCode, Severity};
use super::watchlist::{Band, SearchOutcome, WatchlistKind};

/// The verdict on an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Every check that was made passed.
    Approved,
    /// A human has to look.
    Review,
    /// At least one check rules the identity out.
    Declined,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Approved, Self::Review, Self::Declined];

    /// The verdict as it is stored, shown and counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Review => "review",
            Self::Declined => "declined",
        }
    }
}

/// What one check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It holds.
    Pass,
    /// It neither holds nor fails clearly.
    Review,
    /// It does not hold.
    Fail,
    /// It was not made; the reason stands beside it.
    NotEvaluated,
}

impl CheckResult {
    /// Where a similarity lies between two thresholds; one that is not a number fails.
    #[must_use]
    pub fn of(similarity: f64, approve: &Threshold, review: &Threshold) -> Self {
        if similarity >= approve.similarity {
            Self::Pass
        } else if similarity >= review.similarity {
            Self::Review
        } else {
            Self::Fail
        }
    }
}

/// What a watchlist search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchlistResult {
    /// Nobody on the searched lists reached its threshold.
    Clear,
    /// Somebody did.
    Hit,
    /// Nobody did, but somebody came near enough for a human to look.
    Review,
    /// No list was named.
    NotEvaluated,
}

/// The 1:1 comparison of selfie and document.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FaceMatch {
    /// What it came to.
    pub result: CheckResult,
    /// Cosine similarity of the two faces.
    pub similarity: f32,
    /// How often two different people look at least this alike.
    pub fmr: FmrEstimate,
    /// At or above it the check passes.
    pub approve: Threshold,
    /// At or above it a human decides; below it the check fails.
    pub review: Threshold,
}

/// Liveness of the selfie: passive, or by a challenge that was passed before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Liveness {
    /// What it came to.
    pub result: CheckResult,
    /// Probability that the face is live, by the model's own account.
    pub score: f32,
    /// The score that it was held to.
    pub threshold: f64,
    /// The session whose challenge the person passed, where the selfie comes from one. Records of earlier versions lack it.
    #[serde(default)]
    pub session: Option<LivenessSessionId>,
}

/// The measures of one face that quality rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FaceQuality {
    /// Measures of the picture of the face.
    pub measures: Quality,
    /// Where the head points, if it was measured.
    pub pose: Option<Pose>,
    /// Whether the eyes are open, if it was looked for.
    #[serde(default)]
    pub eyes: Option<Eyes>,
}

impl FaceQuality {
    /// What was measured of a face.
    #[must_use]
    pub fn of(face: &Face) -> Self {
        Self {
            measures: face.quality,
            pose: face.pose,
            eyes: face.eyes,
        }
    }
}

/// Whether the pictures are good enough to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QualityCheck {
    /// What it came to.
    pub result: CheckResult,
    /// The selfie's face.
    pub selfie: FaceQuality,
    /// The document's portrait.
    pub document: FaceQuality,
}

/// The search of every named watchlist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchlistCheck {
    /// What it came to.
    pub result: WatchlistResult,
    /// The lists, each with its threshold and hits.
    pub searched: Vec<SearchOutcome>,
}

/// Everything that a decision rests on.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Cosine similarity of selfie and portrait.
    pub similarity: f32,
    /// The one face of the selfie.
    pub selfie: &'a Face,
    /// Probability that the selfie's face is live.
    pub liveness: f32,
    /// The session whose challenge was passed, where the selfie is a picture of it.
    pub challenge: Option<LivenessSessionId>,
    /// The portrait on the document.
    pub portrait: &'a Face,
    /// What was read on the document.
    pub sides: Sides,
    /// What the caller expects it to say.
    pub expected: &'a Expected,
    /// One outcome for each watchlist that was named.
    pub searches: Vec<SearchOutcome>,
}

/// A decision and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The verdict.
    pub decision: Decision,
    /// Why, gravest first.
    pub reasons: Vec<Reason>,
    /// Selfie against document.
    pub face_match: FaceMatch,
    /// Is the face live?
    pub liveness: Liveness,
    /// Are the pictures good enough?
    pub quality: QualityCheck,
    /// Does the document hold together? Records of earlier versions lack it.
    #[serde(default)]
    pub document: Option<DocumentCheck>,
    /// Is the person on a list?
    pub watchlist: WatchlistCheck,
}

/// Weighs the evidence against the policy.
///
/// The gravest reason decides: any `decline` declines, any `review` asks for a human, otherwise the identity is
/// approved. A doubtful liveness score, poor quality and whatever is wrong with the document's zone never decline by
/// themselves: they say that the machine should not answer alone.
#[must_use]
pub fn decide(evidence: Evidence<'_>, policy: &Policy, calibration: &Calibration) -> Assessment {
    let mut reasons = Vec::new();
    let face_match = match_faces(evidence.similarity, policy, calibration, &mut reasons);
    let liveness = judge_liveness(evidence.liveness, evidence.challenge, policy, &mut reasons);
    let quality = judge_quality(evidence.selfie, evidence.portrait, &mut reasons);
    let document = judge(evidence.sides, evidence.expected, &mut reasons);
    let watchlist = judge_searches(evidence.searches, &mut reasons);
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    let decision = match reasons.first().map(|reason| reason.severity) {
        Some(Severity::Decline) => Decision::Declined,
        Some(Severity::Review) => Decision::Review,
        Some(Severity::Info) | None => Decision::Approved,
    };
    Assessment {
        decision,
        reasons,
        face_match,
        liveness,
        quality,
        document: Some(document),
        watchlist,
    }
}

fn match_faces(
    similarity: f32,
    policy: &Policy,
    calibration: &Calibration,
    reasons: &mut Vec<Reason>,
) -> FaceMatch {
    let score = f64::from(similarity);
    let approve = calibration.threshold(policy.approve_fmr);
    let review = calibration.threshold(policy.review_fmr);
    let mut reason = |code, severity| {
        reasons.push(Reason {
            code,
            check: Check::FaceMatch,
            severity,
        })
    };
    // Written so that a similarity that is not a number fails.
    let result = if score >= approve.similarity {
        CheckResult::Pass
    } else if score >= review.similarity {
        reason(ReasonCode::FaceMatchUncertain, Severity::Review);
        CheckResult::Review
    } else {
        reason(ReasonCode::FaceMismatch, Severity::Decline);
        CheckResult::Fail
    };
    FaceMatch {
        result,
        similarity,
        fmr: calibration.fmr(score),
        approve,
        review,
    }
}

/// A challenge that was passed outweighs the doubts of the score, which is told all the same.
fn judge_liveness(
    score: f32,
    session: Option<LivenessSessionId>,
    policy: &Policy,
    reasons: &mut Vec<Reason>,
) -> Liveness {
    let threshold = policy.liveness_threshold;
    // Written so that a score that is not a number is doubtful.
    let plausible = f64::from(score) >= threshold;
    if !plausible {
        reasons.push(Reason {
            code: ReasonCode::LivenessDoubtful,
            check: Check::Liveness,
            severity: match session {
                Some(_) => Severity::Info,
                None => Severity::Review,
            },
        });
    }
    Liveness {
        result: if plausible || session.is_some() {
            CheckResult::Pass
        } else {
            CheckResult::Fail
        },
        score,
        threshold,
        session,
    }
}

fn judge_quality(selfie: &Face, portrait: &Face, reasons: &mut Vec<Reason>) -> QualityCheck {
    let (selfie, portrait) = (FaceQuality::of(selfie), FaceQuality::of(portrait));
    let failures = failures(&selfie, &portrait);
    let codes = [ReasonCode::SelfieQualityLow, ReasonCode::DocumentQualityLow];
    for (failed, code) in failures.iter().zip(codes) {
        if !failed.is_empty() {
            reasons.push(Reason {
                code,
                check: Check::Quality,
                severity: Severity::Review,
            });
        }
    }
    let result = if failures.iter().all(Vec::is_empty) {
        CheckResult::Pass
    } else {
        CheckResult::Review
    };
    QualityCheck {
        result,
        selfie,
        document: portrait,
    }
}

fn judge_searches(searched: Vec<SearchOutcome>, reasons: &mut Vec<Reason>) -> WatchlistCheck {
    use ReasonCode as C;
    use Severity::{Decline, Info, Review};
    for (kind, band, code, severity) in [
        (
            WatchlistKind::Block,
            Band::Hit,
            C::WatchlistBlockHit,
            Decline,
        ),
        (
            WatchlistKind::Block,
            Band::Review,
            C::WatchlistBlockPossible,
            Review,
        ),
        (
            WatchlistKind::Alert,
            Band::Hit,
            C::WatchlistAlertHit,
            Review,
        ),
        (
            WatchlistKind::Alert,
            Band::Review,
            C::WatchlistAlertPossible,
            Info,
        ),
        (WatchlistKind::Allow, Band::Hit, C::WatchlistAllowHit, Info),
    ] {
        if searched
            .iter()
            .any(|list| list.kind == kind && list.has(band))
        {
            reasons.push(Reason {
                code,
                check: Check::Watchlist,
                severity,
            });
        }
    }
    let result = if searched.is_empty() {
        WatchlistResult::NotEvaluated
    } else if searched.iter().any(|list| list.has(Band::Hit)) {
        WatchlistResult::Hit
    } else if searched.iter().any(|list| list.has(Band::Review)) {
        WatchlistResult::Review
    } else {
        WatchlistResult::Clear
    };
    WatchlistCheck { result, searched }
}
