//! Liveness sessions: made, fed with pictures, and used by a verification.
//!
//! A picture is analysed before its session is locked, so nothing waits for a model with the lock or a connection in hand.
//! Of pictures that come at once each is judged by itself, in the order in which they get the lock.

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::{Verifier, VerifyError};
use crate::domain::audit::{
    Actor, AuditEvent, LivenessSessionCreated, LivenessSessionFailed, LivenessSessionPassed,
    LivenessSessionUsed,
};
use crate::domain::hex::hex;
use crate::domain::ids::{LivenessSessionId, TenantId, VerificationId};
use crate::domain::liveness_session::{
    Earlier, OPEN_MS, Observation, Outcome, Seen, Session, SessionState, USABLE_MS, draw, judge,
};
use crate::store::{FrameMarks, KeptLivenessSession, TenantTx, Uncommitted};
use crate::vision::{AnalysisRequest, Embed, Layout, VisionError};

/// What is wanted of a picture of a session.
const FRAME: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    pose: true,
    eyes: true,
    signature: true,
    ..AnalysisRequest::of(Layout::Selfie)
};
/// Two pictures of a session are of one person where two different people look so alike at most this often.
const SAME_PERSON_FMR: f64 = 1e-3;

/// A session that was just made, and the nonce that its pictures have to bring.
#[derive(Debug)]
pub struct NewSession {
    /// The session.
    pub kept: KeptLivenessSession,
    /// Told once.
    pub nonce: String,
}

/// A picture of a session as it was sent.
#[derive(Debug)]
pub struct LivenessFrame {
    /// What the session told at its making.
    pub nonce: String,
    /// The picture's number.
    pub sequence: u32,
    /// The client's clock.
    pub captured_at_ms: u64,
    /// The encoded picture.
    pub image: Vec<u8>,
}

impl Verifier {
    /// Makes a session of so many steps. The caller commits.
    ///
    /// # Errors
    /// [`VerifyError::Store`] when the store fails.
    pub async fn create_liveness_session(
        &self,
        actor: &Actor,
        steps: usize,
    ) -> Result<Uncommitted<NewSession>, VerifyError> {
        let (session, nonce) = {
            let mut rng = rand::rng();
            let steps = draw(steps, |most| rng.random_range(0..most));
            (Session::new(steps), rng.random::<[u8; 32]>())
        };
        let nonce = hex(&nonce);
        // As precise as it is kept.
        let created_at = OffsetDateTime::now_utc().truncate_to_microsecond();
        let kept = KeptLivenessSession {
            id: LivenessSessionId::new(),
            nonce_hash: Sha256::digest(nonce.as_bytes()).to_vec(),
            session,
            created_at,
            expires_at: created_at + Duration::milliseconds(OPEN_MS as i64),
        };
        let mut transaction = self.store.begin(&actor.tenant).await?;
        transaction.insert_liveness_session(&kept).await?;
        let created = LivenessSessionCreated {
            liveness_session_id: kept.id,
            steps: kept.session.steps.len() as u16,
        };
        transaction.append_audit_event(actor, &created.into())?;
        Ok(Uncommitted {
            outcome: NewSession { kept, nonce },
            transaction,
        })
    }

    /// Reads a session as it stands now.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] where the tenant has none of that id.
    pub async fn liveness_session(
        &self,
        tenant: &TenantId,
        id: LivenessSessionId,
    ) -> Result<KeptLivenessSession, VerifyError> {
        let mut transaction = self.store.begin(tenant).await?;
        let kept = transaction.find_liveness_session(id).await?;
        Ok(by_now(kept.ok_or(VerifyError::NotFound)?))
    }

    /// Judges a picture. A session that is over is told as it is, and the picture not looked at.
    ///
    /// # Errors
    /// [`VerifyError`] where the picture cannot be analysed, which leaves the session as it was.
    pub async fn judge_frame(
        &self,
        actor: &Actor,
        id: LivenessSessionId,
        frame: LivenessFrame,
    ) -> Result<(KeptLivenessSession, Outcome), VerifyError> {
        let received_at = OffsetDateTime::now_utc().truncate_to_microsecond();
        let before = self.liveness_session(&actor.tenant, id).await?;
        if before.session.state != SessionState::Open {
            return Ok((before, Outcome::unseen()));
        }
        let bytes_hash: [u8; 32] = Sha256::digest(&frame.image).into();
        let analysis = self.analyse("image", frame.image.clone(), FRAME).await?;
        let mut transaction = self.store.begin(&actor.tenant).await?;
        let kept = transaction.lock_liveness_session(id).await?;
        let mut kept = kept.ok_or(VerifyError::NotFound)?;
        if kept.session.state != SessionState::Open {
            return Ok((by_now(kept), Outcome::unseen()));
        }
        let front = transaction.find_frontal_template(id).await?;
        let frame_side = analysis.width.min(analysis.height) as f32;
        let observation = Observation {
            nonce_matches: is_nonce(&kept, &frame.nonce),
            sequence: frame.sequence,
            captured_at_ms: frame.captured_at_ms,
            received_at_ms: since(kept.created_at, received_at),
            bytes_known: transaction.is_frame_known(&bytes_hash).await?,
            signature: analysis.signature.ok_or_else(no_signature)?,
            seen: Seen::of(&analysis.faces, front.as_ref(), frame_side),
        };
        let earlier = transaction.list_frames(id).await?;
        let same_person = self
            .at_work
            .calibration
            .threshold(SAME_PERSON_FMR)
            .similarity as f32;
        let outcome = judge(&mut kept.session, &observation, &earlier, same_person);
        let marks = FrameMarks {
            number: earlier.len() as u32,
            bytes_hash,
            seen: Earlier {
                face: observation.face_mark(),
                signature: observation.signature,
            },
        };
        transaction.insert_frame(id, marks).await?;
        let largest = analysis.faces.into_iter().next();
        let template = largest.and_then(|face| face.template);
        let template = template.filter(|_| outcome.is_front);
        let best = outcome.is_best.then_some(frame.image.as_slice());
        end(&mut transaction, actor, &mut kept, received_at)?;
        transaction
            .update_liveness_session(&kept, template.as_ref(), best)
            .await?;
        transaction.commit().await?;
        Ok((kept, outcome))
    }

    /// The best picture of a session that was passed and not used yet.
    pub(super) async fn passed_frame(
        &self,
        tenant: &TenantId,
        id: LivenessSessionId,
    ) -> Result<Vec<u8>, VerifyError> {
        let mut transaction = self.store.begin(tenant).await?;
        let kept = transaction.find_liveness_session(id).await?;
        refuse_unless_passed(kept)?;
        let frame = transaction.find_best_frame(id).await?;
        frame.ok_or(VerifyError::SessionNotPassed)
    }
}

/// Uses a session up, in the transaction of the verification that rests on it: of two that want it, one gets it.
pub(super) async fn use_up(
    transaction: &mut TenantTx,
    actor: &Actor,
    id: LivenessSessionId,
    verification_id: VerificationId,
) -> Result<(), VerifyError> {
    let kept = transaction.lock_liveness_session(id).await?;
    let mut kept = refuse_unless_passed(kept)?;
    kept.session.state = SessionState::Used;
    transaction
        .update_liveness_session(&kept, None, None)
        .await?;
    let used = LivenessSessionUsed {
        liveness_session_id: id,
        verification_id,
    };
    Ok(transaction.append_audit_event(actor, &used.into())?)
}

fn refuse_unless_passed(
    kept: Option<KeptLivenessSession>,
) -> Result<KeptLivenessSession, VerifyError> {
    let kept = by_now(kept.ok_or(VerifyError::NoSuchSession)?);
    match kept.session.state {
        SessionState::Passed => Ok(kept),
        SessionState::Used => Err(VerifyError::SessionUsed),
        SessionState::Open | SessionState::Failed | SessionState::Expired => {
            Err(VerifyError::SessionNotPassed)
        }
    }
}

/// A session whose time is over is over, whatever is kept of it.
fn by_now(mut kept: KeptLivenessSession) -> KeptLivenessSession {
    if kept.expires_at <= OffsetDateTime::now_utc() {
        kept.session.expire();
    }
    kept
}

/// Compared by their hashes, so that the time it takes tells nothing of the nonce.
fn is_nonce(kept: &KeptLivenessSession, nonce: &str) -> bool {
    Sha256::digest(nonce.as_bytes()).as_slice() == kept.nonce_hash
}

fn since(start: OffsetDateTime, now: OffsetDateTime) -> u64 {
    u64::try_from((now - start).whole_milliseconds()).unwrap_or(0)
}

/// Puts on record how a session ended, where it did; one that was passed waits a while for its verification.
fn end(
    transaction: &mut TenantTx,
    actor: &Actor,
    kept: &mut KeptLivenessSession,
    now: OffsetDateTime,
) -> Result<(), VerifyError> {
    let (liveness_session_id, frames) = (kept.id, kept.session.frames);
    let event: AuditEvent = match kept.session.state {
        SessionState::Passed => {
            kept.expires_at = now + Duration::milliseconds(USABLE_MS as i64);
            LivenessSessionPassed {
                liveness_session_id,
                frames,
            }
            .into()
        }
        SessionState::Failed | SessionState::Expired => LivenessSessionFailed {
            liveness_session_id,
            frames,
            reasons: kept.session.reasons.clone(),
        }
        .into(),
        SessionState::Open | SessionState::Used => return Ok(()),
    };
    Ok(transaction.append_audit_event(actor, &event)?)
}

fn no_signature() -> VerifyError {
    VerifyError::Vision {
        part: "image",
        source: VisionError::Inference("a picture came back without its signature".to_owned()),
    }
}
