//! What is told of challenges before a camera. What was asked for is not in the log, nor what was measured.

use serde::Serialize;
use uuid::Uuid;

use super::{Detail, about};
use crate::domain::ids::{LivenessSessionId, VerificationId};
use crate::domain::liveness_session::FailureReason;

/// The detail of `liveness_session.created`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LivenessSessionCreated {
    /// The session.
    pub liveness_session_id: LivenessSessionId,
    /// Steps that are asked for.
    pub steps: u16,
}

/// The detail of `liveness_session.passed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LivenessSessionPassed {
    /// The session.
    pub liveness_session_id: LivenessSessionId,
    /// Pictures that were judged.
    pub frames: u32,
}

/// The detail of `liveness_session.failed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LivenessSessionFailed {
    /// The session.
    pub liveness_session_id: LivenessSessionId,
    /// Pictures that were judged.
    pub frames: u32,
    /// Why.
    pub reasons: Vec<FailureReason>,
}

/// The detail of `liveness_session.used`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LivenessSessionUsed {
    /// The session.
    pub liveness_session_id: LivenessSessionId,
    /// The verification that rests on it.
    pub verification_id: VerificationId,
}

about! {
    LivenessSessionCreated => liveness_session_id;
    LivenessSessionPassed => liveness_session_id;
    LivenessSessionFailed => liveness_session_id;
    LivenessSessionUsed => liveness_session_id;
}
