//! The real models on what somebody makes of one photograph to follow a challenge.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

#[path = "support/models.rs"]
mod models;

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use likeness::domain::calibration::Calibration;
use likeness::domain::face::Template;
use likeness::domain::liveness_session::{
    Action, Earlier, FailureReason, Observation, Outcome, Phase, Seen, Session, SessionState, judge,
};
use likeness::vision::{AnalysisRequest, Embed, FaceBackend, Graphs, Layout, OnnxBackend};

const SIDE: u32 = 400;
const REQUEST: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    pose: true,
    eyes: true,
    signature: true,
    ..AnalysisRequest::of(Layout::Selfie)
};

/// How a photograph is held before the camera.
#[derive(Clone, Copy)]
struct Held {
    /// Turned in its plane, in degrees.
    turned: f64,
    scale: f64,
    /// Foreshortened by a tilt, across and down.
    across: f64,
    down: f64,
    shift: f64,
}

const STRAIGHT: Held = Held {
    turned: 0.0,
    scale: 1.0,
    across: 1.0,
    down: 1.0,
    shift: 0.0,
};

/// A photograph, and a session that it is shown to.
struct Trial {
    backend: OnnxBackend,
    photograph: RgbImage,
    centre: (f64, f64),
    /// Pixels of the photograph for one of the camera's.
    zoom: f64,
    session: Session,
    earlier: Vec<Earlier>,
    front: Option<Template>,
    number: u32,
}

impl Trial {
    fn new(name: &str, steps: &[Action]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let encoded = std::fs::read(folder.join(name)).unwrap();
        let mut backend = models::load(Graphs::Rewritten);
        let found = backend.analyse(&encoded, &REQUEST).unwrap().faces.remove(0);
        let face = found.bounding_box;
        Self {
            backend,
            photograph: image::load_from_memory(&encoded).unwrap().into_rgb8(),
            centre: (
                f64::from(face.x + face.width / 2.0),
                f64::from(face.y + face.height / 2.0),
            ),
            zoom: f64::from(face.area().sqrt()) / (0.3 * f64::from(SIDE)),
            session: Session::new(steps.to_vec()),
            earlier: Vec::new(),
            front: None,
            number: 0,
        }
    }

    fn render(&self, held: Held) -> RgbImage {
        let (sine, cosine) = held.turned.to_radians().sin_cos();
        let half = f64::from(SIDE) / 2.0;
        RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let (x, y) = (f64::from(x) - half - held.shift, f64::from(y) - half);
            let (x, y) = (cosine * x + sine * y, cosine * y - sine * x);
            let share = self.zoom / held.scale;
            let (x, y) = (x * share / held.across, y * share / held.down);
            self.sample(self.centre.0 + x, self.centre.1 + y)
        })
    }

    /// The mean of the four pixels around a point; grey beyond the edge of the photograph.
    fn sample(&self, x: f64, y: f64) -> Rgb<u8> {
        let (width, height) = self.photograph.dimensions();
        if x < 0.0 || y < 0.0 || x >= f64::from(width - 1) || y >= f64::from(height - 1) {
            return Rgb([120; 3]);
        }
        let (left, top) = (x as u32, y as u32);
        let (right, low) = (x.fract(), y.fract());
        let mut mixed = [0.0; 3];
        for (dx, dy, weight) in [
            (0, 0, (1.0 - right) * (1.0 - low)),
            (1, 0, right * (1.0 - low)),
            (0, 1, (1.0 - right) * low),
            (1, 1, right * low),
        ] {
            let pixel = self.photograph.get_pixel(left + dx, top + dy);
            for (value, channel) in mixed.iter_mut().zip(pixel.0) {
                *value += weight * f64::from(channel);
            }
        }
        Rgb(mixed.map(|value| value.round() as u8))
    }

    /// Shows it, encoded with another quality each time.
    fn show(&mut self, held: Held) -> Outcome {
        let mut encoded = Vec::new();
        let quality = 80 + (self.number % 15) as u8;
        JpegEncoder::new_with_quality(&mut encoded, quality)
            .encode_image(&self.render(held))
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

    fn is_open(&self) -> bool {
        self.session.state == SessionState::Open
    }

    /// The reason why it failed; the photograph did look straight before.
    fn reason(&self, name: &str) -> FailureReason {
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

/// To something and back, seven pictures.
fn way(to: impl Fn(f64) -> Held) -> Vec<Held> {
    let shares = [0.3, 0.6, 1.0, 1.0, 0.6, 0.3, 0.0];
    shares.iter().map(|share| to(*share)).collect()
}

#[test]
fn one_photograph_encoded_again_and_again_is_refused() {
    let mut trial = Trial::new("obama.jpg", &[Action::TurnLeft, Action::CloseEyes]);
    while trial.is_open() {
        trial.show(STRAIGHT);
    }
    // What encoding changes may pass for the trembling of a hand: then it is that nothing is done.
    let reason = trial.reason("still");
    assert!(
        matches!(reason, FailureReason::StillImage | FailureReason::NoMotion),
        "{reason:?}"
    );
}

#[test]
fn one_photograph_that_is_moved_about_follows_no_challenge() {
    for (name, first) in [
        ("turn left", Action::TurnLeft),
        ("turn right", Action::TurnRight),
        ("look up", Action::LookUp),
    ] {
        let mut trial = Trial::new("obama.jpg", &[first, Action::ComeCloser]);
        let mut wobble = 0.0;
        while trial.is_open() {
            let tilts = way(|share| Held {
                turned: -12.0 * share,
                shift: 30.0 * share,
                across: if first.is_turn() {
                    1.0 - 0.3 * share
                } else {
                    1.0
                },
                down: if first.is_turn() {
                    1.0
                } else {
                    1.0 - 0.3 * share
                },
                ..STRAIGHT
            });
            for held in tilts {
                wobble += 0.7;
                trial.show(Held {
                    shift: held.shift + 3.0 * f64::sin(wobble),
                    ..held
                });
            }
        }
        assert_ne!(trial.reason(name), FailureReason::Expired);
        assert_eq!(trial.session.done, 0, "{name}");
    }
}
