//! People who do as they are asked, made of photographs.

use image::RgbImage;
use likeness::domain::liveness_session::Action;
use likeness::vision::{FaceBackend as _, OnnxBackend};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::SIDE;
use crate::head::{Head, Posture, STRAIGHT};
use crate::trial::{REQUEST, Trial};

/// How far they are on their way to what is asked for, picture by picture, and back.
const WAY: [f64; 11] = [0.0, 0.3, 0.55, 0.8, 1.0, 1.0, 1.0, 0.7, 0.4, 0.15, 0.0];

/// Somebody before a camera, who does not keep quite still.
pub struct Person {
    head: Head,
    pub rng: StdRng,
    /// Pixels across and down, and degrees.
    sway: [f64; 3],
}

impl Person {
    /// The person of a photograph.
    pub fn of(backend: &mut OnnxBackend, name: &str, seed: u64) -> Self {
        let encoded = std::fs::read(crate::fixture(name)).unwrap();
        let face = backend.analyse(&encoded, &REQUEST).unwrap().faces.remove(0);
        let photograph = image::load_from_memory(&encoded).unwrap().into_rgb8();
        Self {
            head: Head::new(photograph, &face.landmarks),
            rng: StdRng::seed_from_u64(seed),
            sway: [0.0; 3],
        }
    }

    /// Not the person, but their photograph, bent round an upright axis.
    pub fn bent(self) -> Self {
        Self {
            head: self.head.bent(),
            ..self
        }
    }

    /// The next picture of the camera.
    pub fn shoot(&mut self, posture: Posture) -> RgbImage {
        for (place, most) in self.sway.iter_mut().zip([6.0, 5.0, 0.7]) {
            *place = 0.8 * *place + self.rng.random_range(-most..most);
        }
        let [across, down, roll] = self.sway;
        let light = self.rng.random_range(0.98..1.02);
        let posture = Posture {
            shift: (across, down),
            roll,
            ..posture
        };
        let mut picture = self.head.render(&posture, (SIDE, SIDE));
        for value in picture.iter_mut() {
            *value = (f64::from(*value) * light).round() as u8;
        }
        picture
    }

    /// Pictures from the front to an action and back.
    pub fn perform(&mut self, action: Action) -> Vec<RgbImage> {
        let much = self.rng.random_range(0.95..1.1);
        let at = |share: f64| match action {
            Action::TurnLeft => Posture {
                yaw: -42.0 * much * share,
                ..STRAIGHT
            },
            Action::TurnRight => Posture {
                yaw: 42.0 * much * share,
                ..STRAIGHT
            },
            Action::LookUp => Posture {
                pitch: 34.0 * much * share,
                ..STRAIGHT
            },
            Action::ComeCloser => Posture {
                scale: 1.0 + 0.55 * much * share,
                ..STRAIGHT
            },
            Action::CloseEyes => Posture {
                eyes_closed: share > 0.5,
                ..STRAIGHT
            },
        };
        WAY.map(|share| self.shoot(at(share))).into()
    }

    /// Does what is asked for until it is over; gives every picture that was taken.
    pub fn comply(&mut self, trial: &mut Trial<'_>) -> Vec<RgbImage> {
        let mut taken = Vec::new();
        while trial.is_open() {
            let pictures = match trial.asked() {
                None => vec![self.shoot(STRAIGHT)],
                Some(action) => self.perform(action),
            };
            for picture in pictures {
                if trial.is_open() {
                    trial.show(&picture);
                    taken.push(picture);
                }
            }
        }
        taken
    }
}
