//! People in front of a camera, made of numbers: a head of five points in space that turns smoothly, sways, blinks and is
//! measured with noise.

use std::sync::OnceLock;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::domain::calibration::Calibration;
use crate::domain::face::{FivePoints, Point, Pose};
use crate::domain::liveness_session::{
    Action, Earlier, FaceSeen, Observation, SIGNATURE_SIDE, Seen, Session, Signature, judge,
};

/// Where a head is: angles in degrees, distance as a scale, eyes open or not.
#[derive(Clone, Copy)]
pub struct Posture {
    pub yaw: f32,
    pub pitch: f32,
    pub scale: f32,
    pub eyes_open: bool,
}

pub const STRAIGHT: Posture = Posture {
    yaw: 0.0,
    pitch: 0.0,
    scale: 1.0,
    eyes_open: true,
};

/// Values of a camera's noise.
const GRAIN: usize = 2048;

/// A person, their camera and their room.
pub struct Person {
    pub rng: StdRng,
    /// How far the nose stands out, in distances between the eyes; nothing in a flat picture.
    pub depth: f32,
    /// Whether they sway and blink and the camera has noise.
    pub alive: bool,
    pub similarity: f32,
    nose_down: f32,
    mouth_down: f32,
    eye_distance: f32,
    /// What the camera's place adds to every pitch.
    pitch_bias: f32,
    pub sway: (f32, f32),
    room: Vec<f32>,
    /// What the camera adds to each value, from another place on for each picture.
    grain: Vec<f32>,
    blink_until_ms: u64,
    pub now_ms: u64,
    frame_ms: f32,
    sequence: u32,
}

impl Person {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let fps = rng.random_range(5.0..15.0);
        let mut person = Self {
            depth: rng.random_range(0.4..0.65),
            alive: true,
            similarity: 0.75,
            nose_down: rng.random_range(0.5..0.7),
            mouth_down: rng.random_range(0.95..1.15),
            eye_distance: rng.random_range(50.0..75.0),
            pitch_bias: rng.random_range(-18.0..4.0),
            sway: (0.0, 0.0),
            room: (0..SIGNATURE_SIDE * SIGNATURE_SIDE)
                .map(|_| rng.random_range(20.0..200.0))
                .collect(),
            blink_until_ms: 0,
            now_ms: 5_000,
            frame_ms: 1000.0 / fps,
            sequence: 0,
            grain: Vec::new(),
            rng,
        };
        person.grain = (0..GRAIN).map(|_| person.noise(1.0)).collect();
        person
    }

    pub fn noise(&mut self, deviation: f32) -> f32 {
        let (a, b): (f32, f32) = (
            self.rng.random_range(1e-6..1.0),
            self.rng.random_range(0.0..1.0),
        );
        deviation * (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
    }

    /// The next picture of the camera.
    pub fn shoot(&mut self, posture: Posture) -> Observation {
        let late = self.rng.random_range(0.8..1.3);
        self.now_ms += (self.frame_ms * late) as u64;
        self.sequence += 1;
        if self.alive {
            self.sway.0 = 0.95 * self.sway.0 + self.noise(0.03);
            self.sway.1 = 0.95 * self.sway.1 + self.noise(0.02);
            if self.rng.random_bool(f64::from(self.frame_ms) / 4000.0) {
                self.blink_until_ms = self.now_ms + self.rng.random_range(100..280);
            }
        }
        let face = self.measure(posture);
        Observation {
            nonce_matches: true,
            sequence: self.sequence,
            captured_at_ms: self.now_ms,
            received_at_ms: self.now_ms - 5_000 + 80,
            bytes_known: false,
            signature: self.thumbnail(posture),
            seen: Seen::One(face),
        }
    }

    fn measure(&mut self, posture: Posture) -> FaceSeen {
        let shaky = if self.alive { 1.0 } else { 0.02 };
        let blinks = self.now_ms < self.blink_until_ms;
        let usual = if posture.eyes_open && !blinks {
            0.93
        } else {
            0.06
        };
        let eyes_open = usual + self.noise(0.03 * shaky);
        let unit = self.eye_distance * posture.scale;
        let (sin_yaw, cos_yaw) = posture.yaw.to_radians().sin_cos();
        let (sin_pitch, cos_pitch) = posture.pitch.to_radians().sin_cos();
        let middle = (320.0 + unit * self.sway.0, 200.0 + unit * self.sway.1);
        let (nose_down, mouth_down, depth) = (self.nose_down, self.mouth_down, self.depth);
        let mut point = |x: f32, y: f32, z: f32| Point {
            x: middle.0 + unit * (x * cos_yaw - z * sin_yaw) + self.noise(0.012 * unit * shaky),
            y: middle.1 + unit * (y * cos_pitch - z * sin_pitch) + self.noise(0.012 * unit * shaky),
        };
        let points = FivePoints {
            left_eye: point(-0.5, 0.0, 0.0),
            right_eye: point(0.5, 0.0, 0.0),
            nose: point(0.0, nose_down, depth),
            left_mouth: point(-0.38, mouth_down, depth * 0.1),
            right_mouth: point(0.38, mouth_down, depth * 0.1),
        };
        FaceSeen {
            pose: Pose {
                yaw: posture.yaw + self.noise(1.2 * shaky),
                pitch: posture.pitch + self.pitch_bias + self.noise(1.2 * shaky),
                roll: self.noise(1.0 * shaky),
            },
            eyes_open: Some(eyes_open.clamp(0.0, 1.0)),
            points,
            size: 2.2 * unit * (1.0 + self.noise(0.012 * shaky)),
            frame_side: 480.0,
            sharpness: 200.0 + self.noise(20.0 * shaky),
            brightness: 0.5,
            similarity: Some(self.similarity + self.noise(0.04 * shaky)),
        }
    }

    /// A bright head in front of the room, shaded by where it points.
    fn thumbnail(&mut self, posture: Posture) -> Signature {
        let unit = self.eye_distance * posture.scale / 40.0;
        let cells = 480.0 / SIGNATURE_SIDE as f32 / 40.0;
        let (x, y) = (6.0 + unit * self.sway.0, 5.5 + unit * (self.sway.1 + 0.4));
        let grain = self
            .rng
            .random_range(0..GRAIN - SIGNATURE_SIDE * SIGNATURE_SIDE);
        let loudness = if self.alive { 0.35 } else { 0.1 };
        let mut values = [0_u8; SIGNATURE_SIDE * SIGNATURE_SIDE];
        for (place, value) in values.iter_mut().enumerate() {
            let (column, row) = (place % SIGNATURE_SIDE, place / SIGNATURE_SIDE);
            let (dx, dy) = (column as f32 * cells - x, row as f32 * cells - y);
            let away = (dx * dx + dy * dy) / (2.0 * unit * unit);
            let inside = 1.0 / (1.0 + away * away * away * away);
            let shade = 150.0 + dx * posture.yaw * 0.8 + dy * posture.pitch * 0.8;
            let noise = self.grain[grain + place] * loudness;
            *value = (inside * shade + (1.0 - inside) * self.room[place] + noise).round() as u8;
        }
        Signature::parse(&values).unwrap()
    }
}

/// Postures from the front to an action and back.
pub fn perform(person: &mut Person, action: Action) -> Vec<Posture> {
    let range = |person: &mut Person, from: f32, to: f32| person.rng.random_range(from..to);
    let (wait, go, hold, back) = (
        range(person, 150.0, 700.0),
        range(person, 450.0, 1100.0),
        range(person, 350.0, 700.0),
        range(person, 400.0, 900.0),
    );
    let far = match action {
        Action::TurnLeft => -range(person, 25.0, 45.0),
        Action::TurnRight => range(person, 25.0, 45.0),
        Action::LookUp => range(person, 16.0, 28.0),
        Action::ComeCloser => range(person, 0.5, 0.9),
        Action::CloseEyes => range(person, 800.0, 1400.0),
    };
    let at = |share: f32| {
        let mut posture = STRAIGHT;
        match action {
            Action::TurnLeft | Action::TurnRight => posture.yaw = far * share,
            Action::LookUp => posture.pitch = far * share,
            Action::ComeCloser => posture.scale = 1.0 + far * share,
            Action::CloseEyes => posture.eyes_open = share < 1.0,
        }
        posture
    };
    let (go, hold, back) = match action {
        Action::CloseEyes => (0.0, far, 0.0),
        Action::TurnLeft | Action::TurnRight | Action::LookUp | Action::ComeCloser => {
            (go, hold, back)
        }
    };
    let (mut postures, mut time) = (Vec::new(), 0.0);
    while time < wait + go + hold + back + 250.0 {
        let smooth = |x: f32| x * x * (3.0 - 2.0 * x);
        postures.push(match time - wait {
            t if t < 0.0 => STRAIGHT,
            t if t < go => at(smooth(t / go)),
            t if t < go + hold => at(1.0),
            t if t < go + hold + back => at(smooth(1.0 - (t - go - hold) / back)),
            _ => STRAIGHT,
        });
        time += person.frame_ms;
    }
    postures
}

/// A session under way, and what it has seen.
pub struct Trial {
    pub session: Session,
    pub seen: Vec<Observation>,
    earlier: Vec<Earlier>,
}

impl Trial {
    pub fn new(steps: Vec<Action>) -> Self {
        Self {
            session: Session::new(steps),
            seen: Vec::new(),
            earlier: Vec::new(),
        }
    }

    pub fn show(&mut self, seen: Observation) {
        judge(&mut self.session, &seen, &self.earlier, same_person());
        self.earlier.push(Earlier {
            signature: seen.signature.clone(),
            face: seen.face_mark(),
        });
        self.seen.push(seen);
    }

    /// What is asked for next; none once it is over.
    pub fn asked(&self) -> Option<Action> {
        self.session
            .current_step()
            .map(|step| self.session.steps[step])
    }
}

/// As the service takes it.
pub fn same_person() -> f32 {
    static THRESHOLD: OnceLock<f32> = OnceLock::new();
    *THRESHOLD.get_or_init(|| Calibration::shipped().threshold(1e-3).similarity as f32)
}
