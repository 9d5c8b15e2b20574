//! A session, and what it makes of pictures that the real models looked at.

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use likeness::domain::calibration::Calibration;
use likeness::domain::face::Template;
use likeness::domain::liveness_session::{
    Action, Earlier, FailureReason, Observation, Outcome, Phase, Seen, Session, SessionState, judge,
};
use likeness::vision::{AnalysisRequest, Embed, FaceBackend as _, Layout, OnnxBackend};

use crate::SIDE;

/// What the service asks of a picture of a session.
pub const REQUEST: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    pose: true,
    eyes: true,
    signature: true,
    ..AnalysisRequest::of(Layout::Selfie)
};

pub struct Trial<'a> {
    backend: &'a mut OnnxBackend,
    pub session: Session,
    earlier: Vec<Earlier>,
    front: Option<Template>,
    pub number: u32,
}

impl<'a> Trial<'a> {
    pub fn new(backend: &'a mut OnnxBackend, steps: &[Action]) -> Self {
        Self {
            backend,
            session: Session::new(steps.to_vec()),
            earlier: Vec::new(),
            front: None,
            number: 0,
        }
    }

    /// Shows a picture, encoded with another quality each time.
    pub fn show(&mut self, picture: &RgbImage) -> Outcome {
        let mut encoded = Vec::new();
        let quality = 80 + (self.number % 15) as u8;
        JpegEncoder::new_with_quality(&mut encoded, quality)
            .encode_image(picture)
            .unwrap();
        let found = self.backend.analyse(&encoded, &REQUEST).unwrap();
        self.number += 1;
        let now_ms = 150 * u64::from(self.number);
        let observation = Observation {
            nonce_matches: true,
            sequence: self.number,
            captured_at_ms: now_ms,
            received_at_ms: now_ms,
            bytes_known: false,
            signature: found.signature.unwrap(),
            seen: Seen::of(&found.faces, self.front.as_ref(), SIDE as f32),
        };
        let same_person = Calibration::shipped().threshold(1e-3).similarity as f32;
        let outcome = judge(&mut self.session, &observation, &self.earlier, same_person);
        if outcome.is_front {
            self.front = found.faces[0].template.clone();
        }
        self.earlier.push(Earlier {
            face: observation.face_mark(),
            signature: observation.signature,
        });
        outcome
    }

    pub fn is_open(&self) -> bool {
        self.session.state == SessionState::Open
    }

    /// What is asked for now; nothing before the face has looked straight.
    pub fn asked(&self) -> Option<Action> {
        let step = self.session.current_step()?;
        Some(self.session.steps[step])
    }

    /// The reason why it failed; the face did look straight before.
    pub fn reason(&self, name: &str) -> FailureReason {
        assert!(self.front.is_some(), "{name}: {:?}", self.session);
        assert_eq!(self.session.state, SessionState::Failed, "{name}");
        assert_eq!(self.session.phase(), Phase::Over);
        eprintln!(
            "{name}: {:?} after {} pictures",
            self.session.reasons, self.number
        );
        self.session.reasons[0]
    }
}
