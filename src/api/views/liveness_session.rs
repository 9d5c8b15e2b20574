//! Liveness sessions.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::liveness_session::{Action, FailureReason, Hint, Outcome, Phase, SessionState};
use crate::store::KeptLivenessSession;
use crate::verify::NewSession;

/// One thing that is asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// `turn_left`, `turn_right`, `look_up`, `come_closer` or `close_eyes`; left and right are the person's own.
    #[schema(value_type = String, example = "turn_left")]
    pub action: Action,
    /// `pending` or `done`.
    #[schema(example = "pending")]
    pub state: &'static str,
}

/// A challenge before a camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct LivenessSessionView {
    /// Its id.
    pub id: Uuid,
    /// `open`, `passed`, `failed`, `expired` or `used`.
    #[schema(value_type = String, example = "open")]
    pub state: SessionState,
    /// `front`: the person looks straight at the camera first; `steps`; or `over`.
    #[schema(value_type = String, example = "front")]
    pub phase: Phase,
    /// What is asked for, in order.
    pub steps: Vec<StepView>,
    /// The index of the step that is asked for now; null before the frontal picture and when it is over.
    #[schema(example = 0)]
    pub current_step: Option<usize>,
    /// Pictures that were judged.
    pub frames: u32,
    /// Pictures that it takes.
    #[schema(example = 180)]
    pub max_frames: u32,
    /// Why it failed, such as `replayed_frame`.
    #[schema(value_type = Vec<String>)]
    pub reasons: Vec<FailureReason>,
    /// When it is over: three minutes after its making, ten minutes after it was passed.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<KeptLivenessSession> for LivenessSessionView {
    fn from(kept: KeptLivenessSession) -> Self {
        let session = kept.session;
        let steps = session.steps.iter().enumerate();
        Self {
            id: kept.id.as_uuid(),
            state: session.state,
            phase: session.phase(),
            steps: steps
                .map(|(index, action)| StepView {
                    action: *action,
                    state: if index < session.done {
                        "done"
                    } else {
                        "pending"
                    },
                })
                .collect(),
            current_step: session.current_step(),
            frames: session.frames,
            max_frames: session.max_frames(),
            reasons: session.reasons,
            expires_at: kept.expires_at,
            created_at: kept.created_at,
        }
    }
}

/// A session that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewLivenessSessionView {
    /// The session.
    #[serde(flatten)]
    pub session: LivenessSessionView,
    /// What every picture has to bring. It is told here and never again.
    #[schema(example = "5f1d7e84c0a3b9626d0f4e8b17a2c35d9e60817f24b3ac5d8e9f0a1b2c3d4e5f")]
    pub nonce: String,
}

impl From<NewSession> for NewLivenessSessionView {
    fn from(new: NewSession) -> Self {
        Self {
            session: new.kept.into(),
            nonce: new.nonce,
        }
    }
}

/// What one picture came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct FrameView {
    /// Whether it counted.
    pub accepted: bool,
    /// What the person should know or do next: `ok`, `no_face`, `several_faces`, `look_straight`, `turn_left`,
    /// `turn_right`, `look_up`, `come_closer`, `close_eyes`, `hold_still`, `too_dark` or `blurred`.
    #[schema(value_type = String, example = "turn_left")]
    pub hint: Hint,
    /// Whether it is the best picture so far: the last one of these is the selfie of the verification.
    pub is_best: bool,
}

/// A session after a picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct FrameJudgedView {
    /// The session.
    #[serde(flatten)]
    pub session: LivenessSessionView,
    /// What the picture came to.
    pub frame: FrameView,
}

impl From<(KeptLivenessSession, Outcome)> for FrameJudgedView {
    fn from((kept, outcome): (KeptLivenessSession, Outcome)) -> Self {
        Self {
            session: kept.into(),
            frame: FrameView {
                accepted: outcome.accepted,
                hint: outcome.hint,
                is_best: outcome.is_best,
            },
        }
    }
}
