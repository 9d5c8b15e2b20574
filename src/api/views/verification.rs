//! The answer of an identity check.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::consent::ConsentView;
use super::document::DocumentCheckView;
use super::quality::QualityView;
use super::review::ReviewView;
use super::shortfall::ShortfallView;
use super::watchlist::{HitView, SearchedView};
use super::{round3, told_fmr};
use crate::domain::calibration::Threshold;
use crate::domain::decision::{
    Assessment, Check, CheckResult, Decision, FaceMatch, Liveness, QualityCheck, Reason,
    ReasonCode, Severity, WatchlistCheck, WatchlistResult,
};
use crate::domain::ids::LivenessSessionId;
use crate::domain::metadata::Metadata;
use crate::domain::review::{ReviewDecision, final_decision};
use crate::domain::shortfall::shortfalls;
use crate::domain::verification::{KeptVerification, ModelIds, TimingsMs};

/// A similarity and the error rate that it stands for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThresholdView {
    /// Cosine similarity.
    #[schema(example = 0.42)]
    pub similarity: f64,
    /// Two different people reach it at most this often.
    #[schema(example = 1e-4)]
    pub target_fmr: f64,
    /// True where that lies beyond the calibration data.
    pub extrapolated: bool,
}

impl From<Threshold> for ThresholdView {
    fn from(threshold: Threshold) -> Self {
        Self {
            similarity: round3(threshold.similarity),
            target_fmr: round3(threshold.target_fmr),
            extrapolated: threshold.extrapolated,
        }
    }
}

/// What a comparison was held to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThresholdsView {
    /// At or above it the comparison passes.
    pub approve: ThresholdView,
    /// At or above it a human decides.
    pub review: ThresholdView,
}

impl ThresholdsView {
    pub(super) fn new(approve: Threshold, review: Threshold) -> Self {
        Self {
            approve: approve.into(),
            review: review.into(),
        }
    }
}

/// Selfie against document.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaceMatchView {
    /// `pass`, `review` or `fail`.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// Cosine similarity of the two faces, -1 to 1.
    #[schema(example = 0.612)]
    pub similarity: f64,
    /// How often two different people look at least this alike; 1e-9 stands for that and less.
    #[schema(example = 1e-6)]
    pub fmr_estimate: f64,
    /// True where that lies beyond the calibration data.
    pub extrapolated: bool,
    /// What the similarity was held to.
    pub thresholds: ThresholdsView,
}

impl From<FaceMatch> for FaceMatchView {
    fn from(check: FaceMatch) -> Self {
        Self {
            result: check.result,
            similarity: round3(check.similarity.into()),
            fmr_estimate: told_fmr(check.fmr),
            extrapolated: check.fmr.extrapolated,
            thresholds: ThresholdsView::new(check.approve, check.review),
        }
    }
}

/// Whether the selfie shows a live face, judged by one model on one picture.
///
/// What it was tested on with this service: one live face, which it takes for live, and two attacks of one public
/// collection, whose kinds are not told there and which it takes for attacks (below 0.01). That is far too little for an
/// error rate. It was not tested, under ISO/IEC 30107-3 or otherwise, on prints, cut-out or bent prints, replays on
/// screens, masks of paper, silicone or resin, make-up, morphed or generated faces, or injected pictures and video, as
/// kinds. `likeness eval --pad DIR` measures it by kind on pictures of your own.
#[derive(Debug, Serialize, ToSchema)]
pub struct LivenessView {
    /// `pass` or `fail`; a failure asks for a human and does not decline by itself. A challenge passes whatever the score.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// The model's probability of a live face, 0 to 1.
    #[schema(example = 0.97)]
    pub score: f64,
    /// `challenge`: the person did what a liveness session asked for; or `passive_single_frame`: one picture, no challenge.
    #[schema(example = "passive_single_frame")]
    pub method: &'static str,
    /// The session of the challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_session_id: Option<Uuid>,
    /// Scores below it fail.
    #[schema(example = 0.5)]
    pub threshold: f64,
}

impl From<Liveness> for LivenessView {
    fn from(check: Liveness) -> Self {
        Self {
            result: check.result,
            score: round3(check.score.into()),
            method: match check.session {
                Some(_) => "challenge",
                None => "passive_single_frame",
            },
            liveness_session_id: check.session.map(LivenessSessionId::as_uuid),
            threshold: check.threshold,
        }
    }
}

/// Whether the pictures are good enough to be compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct QualityCheckView {
    /// `pass` or `review`.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// Why it asks for a review: each component that is out of its range.
    pub shortfalls: Vec<ShortfallView>,
    /// The face of the selfie.
    pub selfie: QualityView,
    /// The portrait on the document.
    pub document: QualityView,
}

impl From<QualityCheck> for QualityCheckView {
    fn from(check: QualityCheck) -> Self {
        let shortfalls = shortfalls(&check.selfie, &check.document);
        Self {
            result: check.result,
            shortfalls: shortfalls.into_iter().map(Into::into).collect(),
            selfie: check.selfie.into(),
            document: check.document.into(),
        }
    }
}

/// Whether the person is on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct WatchlistCheckView {
    /// `clear`, `hit` or `not_evaluated`.
    #[schema(value_type = String, example = "clear")]
    pub result: WatchlistResult,
    /// Why it was not made, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The lists that were searched.
    pub searched: Vec<SearchedView>,
    /// Everybody at or above a list's threshold, most alike first.
    pub hits: Vec<HitView>,
}

impl From<WatchlistCheck> for WatchlistCheckView {
    fn from(check: WatchlistCheck) -> Self {
        let not_evaluated = check.result == WatchlistResult::NotEvaluated;
        let mut hits: Vec<_> = check
            .searched
            .iter()
            .flat_map(|list| list.hits.iter().cloned())
            .collect();
        hits.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        Self {
            result: check.result,
            reason: not_evaluated.then_some("no watchlist was named"),
            searched: check.searched.iter().map(Into::into).collect(),
            hits: hits.into_iter().map(Into::into).collect(),
        }
    }
}

/// Every check of an identity.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChecksView {
    /// Selfie against document.
    pub face_match: FaceMatchView,
    /// Is the face live?
    pub liveness: LivenessView,
    /// Are the pictures good enough?
    pub quality: QualityCheckView,
    /// Does the document hold together?
    pub document: DocumentCheckView,
    /// Is the person on a list?
    pub watchlist: WatchlistCheckView,
}

/// One reason for a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonView {
    /// Stable code, such as `face_mismatch`.
    #[schema(value_type = String, example = "face_mismatch")]
    pub code: ReasonCode,
    /// The check that found it.
    #[schema(value_type = String, example = "face_match")]
    pub check: Check,
    /// `decline`, `review` or `info`.
    #[schema(value_type = String, example = "decline")]
    pub severity: Severity,
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        Self {
            code: reason.code,
            check: reason.check,
            severity: reason.severity,
        }
    }
}

/// The models that an answer rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelsView {
    /// Found the faces.
    pub detector: String,
    /// Made the templates.
    pub embedder: String,
    /// Judged the liveness.
    pub liveness: String,
    /// Read the document's zone; null where none is read.
    pub zone_reader: Option<String>,
}

impl From<ModelIds> for ModelsView {
    fn from(models: ModelIds) -> Self {
        Self {
            detector: models.detector,
            embedder: models.embedder,
            liveness: models.liveness,
            zone_reader: models.zone_reader,
        }
    }
}

/// Where the time went, in milliseconds; the stages of both pictures are added up.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimingsView {
    /// Decoding the pictures.
    pub decode: f64,
    /// Finding faces and landmarks.
    pub detect: f64,
    /// Making templates.
    pub embed: f64,
    /// Liveness and pose of the selfie.
    pub liveness: f64,
    /// Finding and reading the machine-readable zone, side by side with the rest.
    pub zone: f64,
    /// Searching watchlists.
    pub search: f64,
    /// From the parsed request to the decision.
    pub total: f64,
}

impl From<TimingsMs> for TimingsView {
    fn from(t: TimingsMs) -> Self {
        let TimingsMs {
            decode,
            detect,
            embed,
            liveness,
            zone,
            search,
            total,
        } = t;
        Self {
            decode,
            detect,
            embed,
            liveness,
            zone,
            search,
            total,
        }
    }
}

/// A finished identity check.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerificationView {
    /// Its id.
    pub id: Uuid,
    /// Always `complete`: the answer is given at once.
    #[schema(example = "complete")]
    pub status: &'static str,
    /// `approved`, `review` or `declined`: the machine's decision, which no review changes.
    #[schema(value_type = String, example = "approved")]
    pub decision: Decision,
    /// What holds in the end, `approved` or `declined`: the latest review, or else the decision. Null where the decision
    /// is `review` and nobody has reviewed it.
    #[schema(value_type = Option<String>, example = "approved")]
    pub final_decision: Option<ReviewDecision>,
    /// What people decided, the latest last; each further one corrects the one before.
    pub reviews: Vec<ReviewView>,
    /// Why, gravest first; empty where every check that was made passed.
    pub reasons: Vec<ReasonView>,
    /// Every check.
    pub checks: ChecksView,
    /// The models that it rests on.
    pub models: ModelsView,
    /// Where the time went.
    pub timings_ms: TimingsView,
    /// The caller's own key.
    pub external_id: Option<String>,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    /// On what the person agreed to, where the caller said so.
    pub consent: Option<ConsentView>,
    /// When it was decided.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it is deleted; null where it is kept until somebody deletes it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub delete_after: Option<OffsetDateTime>,
}

impl From<KeptVerification> for VerificationView {
    fn from(kept: KeptVerification) -> Self {
        let KeptVerification {
            verification,
            reviews,
            delete_after,
        } = kept;
        let Assessment {
            decision,
            reasons,
            face_match,
            liveness,
            quality,
            document,
            watchlist,
        } = verification.assessment;
        let reasons = reasons.into_iter();
        Self {
            id: verification.id.as_uuid(),
            status: "complete",
            decision,
            final_decision: final_decision(decision, &reviews),
            reviews: reviews.into_iter().map(Into::into).collect(),
            reasons: reasons.map(Into::into).collect(),
            checks: ChecksView {
                face_match: face_match.into(),
                liveness: liveness.into(),
                quality: quality.into(),
                document: DocumentCheckView::new(verification.portrait_box, document),
                watchlist: watchlist.into(),
            },
            models: verification.models.into(),
            timings_ms: verification.timings_ms.into(),
            external_id: verification.external_id,
            metadata: verification.metadata,
            consent: verification.consent.map(Into::into),
            created_at: verification.created_at,
            delete_after,
        }
    }
}
