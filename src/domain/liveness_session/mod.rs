//! Liveness by challenge: a person does what they are asked to, in an order that nobody knew before, while their
//! pictures are watched.
//!
//! [`draw`] makes a sequence of [`Action`]s, and [`judge`] weighs one picture after the other: it is a pure function of the
//! [`Session`] so far and the [`Observation`] of a picture, and reads no clock. What it cannot see: a stream of pictures that
//! is computed to follow the hints, which needs trust in the camera and not in the pictures.

mod gesture;
mod judge;
mod parallax;
mod seen;
mod sequence;
mod signature;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use judge::{Outcome, judge};
pub use parallax::parallax;
pub use seen::{Earlier, FaceMark, FaceSeen, Observation, Seen};
pub use sequence::{DEFAULT_STEPS, MAX_STEPS, MIN_STEPS, draw};
pub use signature::{SIGNATURE_SIDE, Signature};

use super::face::{FivePoints, Pose};
use gesture::Excursion;

/// How long a session is open, in milliseconds.
pub const OPEN_MS: u64 = 3 * 60 * 1000;
/// How long a passed session waits for the verification that uses it, in milliseconds.
pub const USABLE_MS: u64 = 10 * 60 * 1000;
/// Pictures that a session takes at least before it is full.
const LEAST_MAX_FRAMES: u32 = 120;
/// Pictures that it takes for each step, where that is more.
const FRAMES_PER_STEP: u32 = 60;

/// What a person is asked to do. Left and right are their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Turn the head to the left.
    TurnLeft,
    /// Turn the head to the right.
    TurnRight,
    /// Look up.
    LookUp,
    /// Come closer to the camera.
    ComeCloser,
    /// Close both eyes for a moment.
    CloseEyes,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [
        Self::TurnLeft,
        Self::TurnRight,
        Self::LookUp,
        Self::ComeCloser,
        Self::CloseEyes,
    ];

    /// Whether it turns the head to a side, which no flat picture can follow.
    #[must_use]
    pub fn is_turn(self) -> bool {
        matches!(self, Self::TurnLeft | Self::TurnRight)
    }
}

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Pictures are taken.
    Open,
    /// Everything was done as asked; it waits for its verification.
    Passed,
    /// A picture showed what no person in front of a camera shows; see the reasons.
    Failed,
    /// Its time is over.
    Expired,
    /// A verification rests on it.
    Used,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A face that looks straight at the camera.
    Front,
    /// The steps.
    Steps,
    /// Nothing more.
    Over,
}

/// Why a session failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// A picture came with another nonce.
    WrongNonce,
    /// More pictures came than a session takes.
    TooManyFrames,
    /// A picture was shown before, byte by byte or encoded anew.
    ReplayedFrame,
    /// A number or the clock of the camera did not go on.
    ReorderedFrame,
    /// The camera's clock runs ahead: the pictures were not taken while they were sent.
    ClockMismatch,
    /// Nothing moves at all, as in one photograph.
    StillImage,
    /// The head turned without the depth of a head, as a flat picture does that is moved.
    FlatImage,
    /// Another person than at the beginning.
    ForeignFace,
    /// Something else was done than was asked for.
    WrongAction,
    /// The face was here, and then there, and never between.
    Jump,
    /// Nothing of what was asked for was done.
    NoMotion,
    /// Nothing of what was asked for was seen to its end, since the pictures came too far apart.
    SlowFrames,
    /// Several people, again and again.
    SeveralFaces,
    /// The time was over.
    Expired,
}

/// What the person should know or do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// Nothing more.
    Ok,
    /// There is no face to be seen.
    NoFace,
    /// There are several faces to be seen.
    SeveralFaces,
    /// Look straight at the camera, at some distance, with open eyes.
    LookStraight,
    /// Turn the head to the left.
    TurnLeft,
    /// Turn the head to the right.
    TurnRight,
    /// Look up.
    LookUp,
    /// Come closer.
    ComeCloser,
    /// Close both eyes.
    CloseEyes,
    /// Stay like this for a moment.
    HoldStill,
    /// There is too little light.
    TooDark,
    /// The picture is not sharp.
    Blurred,
}

impl From<Action> for Hint {
    fn from(action: Action) -> Self {
        match action {
            Action::TurnLeft => Self::TurnLeft,
            Action::TurnRight => Self::TurnRight,
            Action::LookUp => Self::LookUp,
            Action::ComeCloser => Self::ComeCloser,
            Action::CloseEyes => Self::CloseEyes,
        }
    }
}

/// How far a session has come. It holds measures, and neither a picture nor a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// How it stands.
    pub state: SessionState,
    /// What is asked for, in order.
    pub steps: Vec<Action>,
    /// How many of these are done.
    pub done: usize,
    /// Pictures that were judged.
    pub frames: u32,
    /// Why it failed.
    pub reasons: Vec<FailureReason>,
    front: Option<Front>,
    last: Option<Last>,
    stage: Stage,
    counts: Counts,
    /// What the best picture so far is worth.
    best: f32,
}

impl Session {
    /// A session that waits for its first picture.
    #[must_use]
    pub fn new(steps: Vec<Action>) -> Self {
        Self {
            state: SessionState::Open,
            steps,
            done: 0,
            frames: 0,
            reasons: Vec::new(),
            front: None,
            last: None,
            stage: Stage::Ready,
            counts: Counts::default(),
            best: 0.0,
        }
    }

    /// Pictures that it takes.
    #[must_use]
    pub fn max_frames(&self) -> u32 {
        LEAST_MAX_FRAMES.max(FRAMES_PER_STEP * self.steps.len() as u32)
    }

    /// What it waits for.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.state, self.front) {
            (SessionState::Open, None) => Phase::Front,
            (SessionState::Open, Some(_)) => Phase::Steps,
            _ => Phase::Over,
        }
    }

    /// The step that it waits for.
    #[must_use]
    pub fn current_step(&self) -> Option<usize> {
        (self.phase() == Phase::Steps).then_some(self.done)
    }

    /// Ends it.
    fn fail(&mut self, reason: FailureReason) {
        self.state = match reason {
            FailureReason::Expired => SessionState::Expired,
            FailureReason::WrongNonce
            | FailureReason::TooManyFrames
            | FailureReason::ReplayedFrame
            | FailureReason::ReorderedFrame
            | FailureReason::ClockMismatch
            | FailureReason::StillImage
            | FailureReason::FlatImage
            | FailureReason::ForeignFace
            | FailureReason::WrongAction
            | FailureReason::Jump
            | FailureReason::NoMotion
            | FailureReason::SlowFrames
            | FailureReason::SeveralFaces => SessionState::Failed,
        };
        self.reasons.push(reason);
    }

    /// Ends it where its time is over.
    pub fn expire(&mut self) {
        if self.state == SessionState::Open {
            self.fail(FailureReason::Expired);
        } else if self.state == SessionState::Passed {
            self.state = SessionState::Expired;
        }
    }
}

/// The face that looked straight at the camera: what everything later is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Front {
    pose: Pose,
    points: FivePoints,
    size: f32,
}

/// The picture before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Last {
    sequence: u32,
    captured_at_ms: u64,
    /// Both clocks at the first picture.
    first_captured_at_ms: u64,
    first_received_at_ms: u64,
    face: Option<FaceMark>,
}

/// Where the head is on its way from the front to what is asked for and back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// It looks straight, and may go.
    Ready,
    /// It has left.
    Away(Excursion),
    /// It has to look straight before anything counts.
    Return,
}

/// How often something happened; in a row, where not said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    still: u32,
    still_since_ms: u64,
    foreign: u32,
    several: u32,
    idle: u32,
    idle_since_ms: u64,
    /// Pictures that came long after the one before, since something was last done.
    slow: u32,
    /// In all.
    jumps: u32,
    /// In all.
    flat: u32,
}
