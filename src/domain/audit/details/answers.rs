//! What is told of answers: checks, searches and comparisons.

use serde::Serialize;
use uuid::Uuid;

use super::{Detail, about};
use crate::domain::calibration::Threshold;
use crate::domain::decision::{CheckResult, Decision, ReasonCode, WatchlistResult};
use crate::domain::ids::{SubjectId, VerificationId, WatchlistId};
use crate::domain::verification::{ModelIds, Verification};
use crate::domain::watchlist::{Band, SearchMethod, SearchOutcome};

/// Somebody whom a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundSubject {
    /// The person.
    pub subject_id: SubjectId,
    /// How alike.
    pub band: Band,
}

/// How one list was searched, and whom that brought up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListSearch {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The model that made the templates.
    pub embedder: Option<String>,
    /// The revision of its gallery that was searched; 0 where it had never held a face.
    pub gallery_revision: u64,
    /// Faces in it.
    pub size: u64,
    /// How they were compared.
    pub method: SearchMethod,
    /// Of these, how many were compared exactly.
    pub candidates: u64,
    /// Share of searches of strangers that may raise an alarm.
    pub target_fpir: f64,
    /// The threshold of a hit.
    pub threshold: Threshold,
    /// The threshold of the review band.
    pub review: Option<Threshold>,
    /// Who reached one of them, best first.
    pub hits: Vec<FoundSubject>,
}

impl From<&SearchOutcome> for ListSearch {
    fn from(outcome: &SearchOutcome) -> Self {
        let hits = outcome.hits.iter().map(|hit| FoundSubject {
            subject_id: hit.subject_id,
            band: hit.band,
        });
        Self {
            watchlist_id: outcome.watchlist_id,
            embedder: outcome.embedder.clone(),
            gallery_revision: outcome.gallery_revision,
            size: outcome.size,
            method: outcome.method,
            candidates: outcome.candidates,
            target_fpir: outcome.target_fpir,
            threshold: outcome.threshold,
            review: outcome.review,
            hits: hits.collect(),
        }
    }
}

/// The detail of `verification.created`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerificationCreated {
    /// The answer.
    pub verification_id: VerificationId,
    /// The verdict.
    pub decision: Decision,
    /// Why, gravest first.
    pub reasons: Vec<ReasonCode>,
    /// Selfie against document.
    pub face_match: MatchOutcome,
    /// Is the face live?
    pub liveness: LivenessOutcome,
    /// Are the pictures good enough?
    pub quality: CheckResult,
    /// Is the person on a list?
    pub watchlist: WatchlistResult,
    /// The lists that were searched.
    pub searched: Vec<ListSearch>,
    /// What measured all of it.
    pub models: ModelIds,
}

/// A comparison of two faces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchOutcome {
    /// What it came to.
    pub result: CheckResult,
    /// At or above it the check passes.
    pub approve: Threshold,
    /// At or above it a human decides.
    pub review: Threshold,
}

/// A check of liveness.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LivenessOutcome {
    /// What it came to.
    pub result: CheckResult,
    /// The score that it was held to.
    pub threshold: f64,
}

impl From<&Verification> for VerificationCreated {
    fn from(verification: &Verification) -> Self {
        let assessment = &verification.assessment;
        let searched = &assessment.watchlist.searched;
        Self {
            verification_id: verification.id,
            decision: assessment.decision,
            reasons: assessment
                .reasons
                .iter()
                .map(|reason| reason.code)
                .collect(),
            face_match: MatchOutcome {
                result: assessment.face_match.result,
                approve: assessment.face_match.approve,
                review: assessment.face_match.review,
            },
            liveness: LivenessOutcome {
                result: assessment.liveness.result,
                threshold: assessment.liveness.threshold,
            },
            quality: assessment.quality.result,
            watchlist: assessment.watchlist.result,
            searched: searched.iter().map(ListSearch::from).collect(),
            models: verification.models.clone(),
        }
    }
}

/// The detail of `verification.deleted`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerificationDeleted {
    /// The answer.
    pub verification_id: VerificationId,
}

/// The detail of `watchlist.searched`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchlistSearched {
    /// The search.
    #[serde(flatten)]
    pub search: ListSearch,
    /// Hits that were asked for at most.
    pub limit: u32,
}

/// The detail of `faces.compared`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FacesCompared {
    /// What the comparison with each face of each target came to.
    pub targets: Vec<Vec<CheckResult>>,
    /// At or above it a comparison passes.
    pub approve: Threshold,
    /// At or above it one is worth a look.
    pub review: Threshold,
    /// The model that made the templates.
    pub embedder: String,
}

about! {
    VerificationCreated => verification_id;
    VerificationDeleted => verification_id;
    WatchlistSearched => search.watchlist_id;
}

impl Detail for FacesCompared {
    /// Nothing is kept that could be named.
    fn resource_id(&self) -> Option<Uuid> {
        None
    }
}
