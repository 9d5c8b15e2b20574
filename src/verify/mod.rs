//! The use cases: vision, store and domain put together. They know neither HTTP nor SQL.
//!
//! No transaction and no pooled connection is held while a model runs.

mod attempts;
mod bulk;
mod candidates;
mod document;
mod duplicates;
mod enrolment;
mod faces;
mod liveness_sessions;
mod model_changes;
mod plan;
mod probe;
mod recall;
mod search;
mod shadow;
mod verification;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

pub use bulk::{BulkEnrolment, BulkRow, EnrolledRow, RowRefusal};
pub(crate) use candidates::ENROLMENT;
pub use candidates::{Candidate, PoorPicture};
pub use document::DocumentReading;
pub use enrolment::{Enrolment, FaceEnrolment};
pub use faces::{Comparison, TargetComparison};
pub use liveness_sessions::{LivenessFrame, NewSession};
pub use model_changes::Step;
pub(crate) use model_changes::take_step_in;
pub(crate) use plan::{PlannedSearch, is_overtaken};
pub use recall::RecallMonitor;
pub(crate) use verification::HITS_PER_LIST;
pub use verification::{Selfie, Submission};

use crate::domain::audit::{Actor, AuditEvent};
use crate::domain::budget::AttemptLimit;
use crate::domain::calibration::Calibration;
use crate::domain::consent::{Consent, ConsentRule};
use crate::domain::duplicate::Duplicate;
use crate::domain::face::{Face, Template};
use crate::domain::ids::WatchlistId;
use crate::domain::policy::Policy;
use crate::domain::verification::ModelIds;
use crate::metrics::Metrics;
use crate::models::{OtherEmbedders, UsableEmbedder};
use crate::store::{ModelChangeRefusal, Store, StoreError};
use crate::vision::{
    Analysis, AnalysisRequest, Embed, Encoded, Engine, Layout, VisionError, blank_picture,
};

/// What is wanted of a selfie: one face, its template, and whether it is live.
pub(crate) const SELFIE: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    liveness: true,
    pose: true,
    eyes: true,
    ..AnalysisRequest::of(Layout::Selfie)
};
/// What is wanted of a document: its portrait's template, and how good the portrait is.
pub(crate) const DOCUMENT: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    pose: true,
    eyes: true,
    only_largest: true,
    ..AnalysisRequest::of(Layout::Document)
};
/// What is wanted of a picture to enrol or to search with: one face and its template.
const PROBE: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    ..AnalysisRequest::of(Layout::Selfie)
};

/// Why a use case did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A picture could not be worked on.
    #[error("cannot analyse `{part}`")]
    Vision {
        /// The request's part.
        part: &'static str,
        /// What went wrong.
        source: VisionError,
    },
    /// There is no face where one is wanted.
    #[error("no face in `{part}`")]
    NoFace {
        /// The request's part.
        part: &'static str,
    },
    /// There are several faces where one is wanted.
    #[error("{count} faces in `{part}`")]
    MultipleFaces {
        /// The request's part.
        part: &'static str,
        /// How many.
        count: usize,
    },
    /// Faces are too poor to be enrolled.
    #[error("the quality of {} pictures is too low", .0.len())]
    QualityTooLow(Vec<PoorPicture>),
    /// A face belongs to somebody who is on the list already, and the list refuses that.
    #[error("the face is of {} subjects already", .0.len())]
    DuplicateSubject(Vec<Duplicate>),
    /// Nobody says that the person agreed, and the service requires it.
    #[error("no consent is named")]
    ConsentRequired,
    /// A named watchlist does not exist for this tenant.
    #[error("no watchlist {0}")]
    NoSuchWatchlist(WatchlistId),
    /// A watchlist is in an embedder that is not there, so that nothing can be compared with it.
    #[error("watchlist {0} is in an embedder that is not there")]
    AnotherEmbedder(WatchlistId),
    /// No templates can be made with an embedder.
    #[error("{0}")]
    UnusableModel(String),
    /// A list cannot be moved to an embedder now.
    #[error("the list cannot be moved: {0:?}")]
    ModelChange(ModelChangeRefusal),
    /// So many faces of a list have no template of the embedder that it is to be in.
    #[error("{0} faces have no template of the other embedder")]
    TemplatesMissing(u64),
    /// No change of a list is open that could take this step.
    #[error("no change of the list is open")]
    NoModelChange,
    /// Too many checks of one person were not approved of late.
    #[error("too many checks of one person were not approved")]
    TooManyAttempts {
        /// When the next one may be made.
        retry_after: Duration,
    },
    /// A named liveness session does not exist for this tenant.
    #[error("no such liveness session")]
    NoSuchSession,
    /// The challenge of a named liveness session was not passed, or its time is over.
    #[error("the liveness session was not passed")]
    SessionNotPassed,
    /// Another verification rests on a named liveness session.
    #[error("the liveness session was used")]
    SessionUsed,
    /// The record does not exist for this tenant.
    #[error("no such record")]
    NotFound,
    /// Two templates of different models met.
    #[error("templates of two models cannot be compared")]
    ModelsDiffer,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that the use cases need: cheap handles.
#[derive(Clone)]
pub struct Verifier {
    engine: Engine,
    store: Store,
    /// The embedder that the workers have.
    at_work: UsableEmbedder,
    others: OtherEmbedders,
    /// One place, for the shadow search that is on its way.
    shadows: Arc<Semaphore>,
    models: ModelIds,
    policy: Policy,
    deadline: Duration,
    attempts: Option<AttemptLimit>,
    consent: ConsentRule,
    metrics: Metrics,
}

impl Verifier {
    /// Puts the use cases together. `policy` holds where a caller names no rates; `deadline` bounds the time that
    /// a request's pictures may wait and be worked on.
    #[must_use]
    pub fn new(
        engine: Engine,
        store: Store,
        calibration: Calibration,
        models: ModelIds,
        policy: Policy,
        deadline: Duration,
    ) -> Self {
        let at_work = UsableEmbedder {
            id: models.embedder.as_str().into(),
            embedder: None,
            calibration: Arc::new(calibration),
        };
        Self {
            engine,
            store,
            at_work,
            others: OtherEmbedders::default(),
            shadows: Arc::new(Semaphore::new(1)),
            models,
            policy,
            deadline,
            attempts: None,
            consent: ConsentRule::default(),
            metrics: Metrics::default(),
        }
    }

    /// The same use cases, telling these metrics where their time goes.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// The same use cases, for lists that are in other embedders too.
    #[must_use]
    pub fn with_others(self, others: OtherEmbedders) -> Self {
        Self { others, ..self }
    }

    /// The same use cases with another rule for consent.
    #[must_use]
    pub fn with_consent(self, consent: ConsentRule) -> Self {
        Self { consent, ..self }
    }

    /// Refuses to work on a person without their consent, where the service requires it.
    ///
    /// # Errors
    /// [`VerifyError::ConsentRequired`].
    pub fn require_consent(&self, consent: Option<&Consent>) -> Result<(), VerifyError> {
        if self.consent.admits(consent) {
            Ok(())
        } else {
            Err(VerifyError::ConsentRequired)
        }
    }

    /// The policy that holds where a caller names no rates.
    #[must_use]
    pub fn default_policy(&self) -> Policy {
        self.policy
    }

    /// The store, for records that need no picture.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The worker threads, for readiness and metrics.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Has a worker look at a picture of nobody, to show that pictures are answered.
    ///
    /// # Errors
    /// What the workers say, or that one of them is lost.
    pub async fn ping(&self) -> Result<(), VisionError> {
        if !self.engine.is_healthy() {
            return Err(VisionError::WorkerLost);
        }
        let deadline = Instant::now() + self.deadline;
        self.engine
            .analyse(blank_picture()?, PROBE, deadline)
            .await
            .map(|_| ())
    }

    /// Puts an answer that changes nothing on record. To be called before it is given.
    async fn record(&self, actor: &Actor, event: &AuditEvent) -> Result<(), VerifyError> {
        Ok(self.store.append_audit_event(actor, event).await?)
    }

    async fn analyse(
        &self,
        part: &'static str,
        image: impl Into<Encoded>,
        request: AnalysisRequest,
    ) -> Result<Analysis, VerifyError> {
        let deadline = Instant::now() + self.deadline;
        let analysis = self.engine.analyse(image, request, deadline).await;
        self.timed(part, analysis)
    }

    /// What came of a picture, its stages noted.
    fn timed(
        &self,
        part: &'static str,
        analysis: Result<Analysis, VisionError>,
    ) -> Result<Analysis, VerifyError> {
        let analysis = analysis.map_err(|source| VerifyError::Vision { part, source })?;
        self.metrics.observe_analysis(&analysis.timings);
        Ok(analysis)
    }
}

/// The one face of a selfie, a probe or an enrolment; never silently the largest of several.
fn only_face(part: &'static str, mut faces: Vec<Face>) -> Result<Face, VerifyError> {
    match faces.len() {
        0 => Err(VerifyError::NoFace { part }),
        1 => Ok(faces.swap_remove(0)),
        count => Err(VerifyError::MultipleFaces { part, count }),
    }
}

/// The portrait of a document: the largest face, since ghost images are smaller.
fn portrait(part: &'static str, faces: Vec<Face>) -> Result<Face, VerifyError> {
    faces.into_iter().next().ok_or(VerifyError::NoFace { part })
}

/// The template that was asked for with the face.
fn template(part: &'static str, face: &Face) -> Result<Template, VerifyError> {
    face.template.clone().ok_or_else(|| VerifyError::Vision {
        part,
        source: VisionError::Inference("a face came back without its template".to_owned()),
    })
}
