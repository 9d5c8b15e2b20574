//! The whole identity check: selfie against document, liveness, watchlists, decision.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::attempts::count;
use super::liveness_sessions::use_up;
use super::plan::PlannedSearch;
use super::probe::Probe;
use super::{SELFIE, Verifier, VerifyError, only_face, portrait, template};
use crate::domain::audit::{Actor, VerificationCreated};
use crate::domain::consent::Consent;
use crate::domain::decision::{Evidence, decide};
use crate::domain::face::{Face, Template};
use crate::domain::ids::{LivenessSessionId, TenantId, VerificationId, WatchlistId};
use crate::domain::metadata::Metadata;
use crate::domain::mrz::Expected;
use crate::domain::policy::Policy;
use crate::domain::verification::{KeptVerification, TimingsMs, Verification};
use crate::domain::watchlist::SearchOutcome;
use crate::store::Uncommitted;
use crate::vision::{Analysis, Encoded, StageTimings};

/// Subjects that an answer names for each watchlist.
pub(crate) const HITS_PER_LIST: u32 = 10;

/// Where the live face comes from.
#[derive(Debug)]
pub enum Selfie {
    /// An encoded picture.
    Picture(Vec<u8>),
    /// The best picture of a challenge that was passed.
    Session(LivenessSessionId),
}

impl Selfie {
    fn session(&self) -> Option<LivenessSessionId> {
        match self {
            Self::Picture(_) => None,
            Self::Session(id) => Some(*id),
        }
    }
}

/// What a caller hands in for one identity check.
#[derive(Debug)]
pub struct Submission {
    /// The person's live face.
    pub selfie: Selfie,
    /// The encoded picture of the document.
    pub document: Vec<u8>,
    /// The encoded picture of its other side.
    pub document_back: Option<Vec<u8>>,
    /// What the document is expected to say.
    pub expected: Expected,
    /// The lists to search.
    pub watchlist_ids: Vec<WatchlistId>,
    /// The rates to decide by.
    pub policy: Policy,
    /// The caller's own key.
    pub external_id: Option<String>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// On what the person agreed to.
    pub consent: Option<Consent>,
    /// Days that the answer is kept at most.
    pub retention_days: Option<u16>,
}

/// A selfie that was worked on, and what the lists say of it.
struct LookedUp {
    face: Face,
    template: Template,
    timings: StageTimings,
    searches: Vec<SearchOutcome>,
    search: Duration,
}

impl Verifier {
    /// Checks an identity, decides, and keeps the answer. The caller commits.
    ///
    /// # Errors
    /// [`VerifyError`] where there is no answer; nothing is kept then.
    pub async fn create(
        &self,
        actor: &Actor,
        submission: Submission,
    ) -> Result<Uncommitted<KeptVerification>, VerifyError> {
        self.require_consent(submission.consent.as_ref())?;
        let started = Instant::now();
        let tenant = &actor.tenant;
        let policy = submission.policy;
        let person = self.reference(submission.external_id.as_deref());
        self.refuse_locked_out(tenant, person).await?;
        let lists = self
            .plan_search(tenant, &submission.watchlist_ids, policy.target_fpir)
            .await?;
        let session = submission.selfie.session();
        let selfie = self.selfie(tenant, submission.selfie).await?;
        let (document, selfie) = tokio::try_join!(
            self.work_on(submission.document, submission.document_back),
            self.look_up(tenant, selfie, lists),
        )?;
        let mut stages = document.timings;
        stages.push(selfie.timings);
        let portrait = portrait("document", document.front.faces)?;
        let reference = template("document", &portrait)?;

        let evidence = Evidence {
            similarity: selfie
                .template
                .similarity(&reference)
                .ok_or(VerifyError::ModelsDiffer)?,
            liveness: selfie.face.liveness.unwrap_or(0.0),
            challenge: session,
            selfie: &selfie.face,
            portrait: &portrait,
            sides: document.sides,
            expected: &submission.expected,
            searches: selfie.searches,
        };
        let deciding = || decide(evidence, &policy, &self.at_work.calibration);
        let verification = Verification {
            id: VerificationId::new(),
            assessment: tracing::trace_span!("decision").in_scope(deciding),
            portrait_box: portrait.bounding_box,
            models: self.models.clone(),
            timings_ms: timings(&stages, selfie.search, started.elapsed()),
            external_id: submission.external_id,
            metadata: submission.metadata,
            consent: submission.consent,
            created_at: OffsetDateTime::now_utc(),
        };
        let mut transaction = self.store.begin(tenant).await?;
        count(&mut transaction, person, verification.assessment.decision).await?;
        if let Some(session) = session {
            use_up(&mut transaction, actor, session, verification.id).await?;
        }
        let delete_after = transaction
            .insert_verification(&verification, submission.retention_days)
            .await?;
        let created = VerificationCreated::from(&verification);
        transaction.append_audit_event(actor, &created.into())?;
        let outcome = KeptVerification {
            verification,
            reviews: Vec::new(),
            delete_after,
        };
        Ok(Uncommitted {
            outcome,
            transaction,
        })
    }

    /// Looks at the selfie and searches the lists for its face. The document, which takes longer, is not waited for.
    async fn look_up(
        &self,
        tenant: &TenantId,
        selfie: Vec<u8>,
        lists: Vec<PlannedSearch>,
    ) -> Result<LookedUp, VerifyError> {
        let selfie = Encoded::from(selfie);
        let analysis = self.analyse("selfie", selfie.clone(), SELFIE).await?;
        let Analysis { faces, timings, .. } = analysis;
        let face = only_face("selfie", faces)?;
        let template = template("selfie", &face)?;
        let searching = Instant::now();
        let mut probe = Probe::new("selfie", selfie).having(template.clone());
        let searches = self
            .search_lists(tenant, lists, &mut probe, HITS_PER_LIST)
            .await?;
        Ok(LookedUp {
            face,
            template,
            timings,
            searches,
            search: searching.elapsed(),
        })
    }

    async fn selfie(&self, tenant: &TenantId, selfie: Selfie) -> Result<Vec<u8>, VerifyError> {
        match selfie {
            Selfie::Picture(picture) => Ok(picture),
            Selfie::Session(id) => self.passed_frame(tenant, id).await,
        }
    }
}

fn timings(stages: &[StageTimings], search: Duration, total: Duration) -> TimingsMs {
    let sum = |stage: fn(&StageTimings) -> Duration| milliseconds(stages.iter().map(stage).sum());
    TimingsMs {
        decode: sum(|t| t.decode),
        detect: sum(|t| t.detect + t.landmarks),
        embed: sum(|t| t.embed),
        liveness: sum(|t| t.liveness + t.pose + t.eyes),
        zone: sum(|t| t.zone),
        search: milliseconds(search),
        total: milliseconds(total),
    }
}

/// Milliseconds to the nearest tenth.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e4).round() / 10.0
}
