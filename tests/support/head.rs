//! A photograph as a head in front of a camera: it turns, nods, comes closer and closes its eyes.
//!
//! The photograph is bent over a smooth model of a head, whose nose stands out of the plane of eyes and mouth, and closed
//! lids are painted. It is what a person does to a camera, as far as models can tell; it is no proof that people pass.

use image::{Rgb, RgbImage};
use likeness::domain::face::{FivePoints, Point};

/// How a head is held. Angles in degrees: a positive yaw turns to the picture's left, a positive pitch up.
#[derive(Debug, Clone, Copy)]
pub struct Posture {
    pub yaw: f64,
    pub pitch: f64,
    pub roll: f64,
    /// How near it is.
    pub scale: f64,
    /// Where it is, in pixels from the middle of the picture.
    pub shift: (f64, f64),
    pub eyes_closed: bool,
}

pub const STRAIGHT: Posture = Posture {
    yaw: 0.0,
    pitch: 0.0,
    roll: 0.0,
    scale: 1.0,
    shift: (0.0, 0.0),
    eyes_closed: false,
};

/// The distance between the eyes of a head at scale 1, in heights of the picture.
const EYES: f64 = 0.14;
// Of the model, all in distances between the eyes: how far the skull and the nose stand out, where the axis is that the
// head turns round, and half the width and height of the skull.
const SKULL: f64 = 0.9;
const NOSE: f64 = 0.5;
const AXIS: f64 = 0.6;
const HALF: (f64, f64) = (1.55, 2.6);
/// The nose's: to the sides, above its tip and below it.
const NOSE_HALF: (f64, f64, f64) = (0.2, 0.42, 0.2);
/// A lid: half its width, how far it goes up and down from the eye's middle, its lashes, and the skin it is made of.
const LID: Lid = Lid {
    half: 0.28,
    up: 0.12,
    down: 0.14,
    lashes: (0.07, 0.11),
    skin: 0.25,
};

struct Lid {
    half: f64,
    up: f64,
    down: f64,
    lashes: (f64, f64),
    skin: f64,
}

/// The head of a photograph.
pub struct Head {
    open: RgbImage,
    closed: RgbImage,
    middle: (f64, f64),
    /// Where the nose's tip is, seen from the middle.
    nose: (f64, f64),
    /// Pixels between the eyes.
    unit: f64,
    shape: Shape,
}

/// What the photograph is bent over.
#[derive(Clone, Copy)]
enum Shape {
    Head,
    /// Nothing but an upright axis, as somebody bends a print.
    Cylinder,
}

impl Head {
    /// The head whose eyes, nose and mouth are at these points of the photograph.
    pub fn new(photograph: RgbImage, points: &FivePoints) -> Self {
        let unit = f64::from(points.inter_eye_distance());
        let [eyes, mouth] = [
            between(points.left_eye, points.right_eye),
            between(points.left_mouth, points.right_mouth),
        ];
        let middle = ((eyes.0 + mouth.0) / 2.0, (eyes.1 + mouth.1) / 2.0);
        let nose = |from: f64, to: f32| (f64::from(to) - from) / unit;
        Self {
            closed: with_closed_eyes(&photograph, points, unit),
            open: photograph,
            nose: (nose(middle.0, points.nose.x), nose(middle.1, points.nose.y)),
            middle,
            unit,
            shape: Shape::Head,
        }
    }

    /// The photograph itself, bent round an upright axis: it has a curve, and no nose.
    pub fn bent(self) -> Self {
        Self {
            shape: Shape::Cylinder,
            ..self
        }
    }

    /// What a camera sees of it.
    pub fn render(&self, posture: &Posture, (width, height): (u32, u32)) -> RgbImage {
        let photograph = if posture.eyes_closed {
            &self.closed
        } else {
            &self.open
        };
        let units = 1.0 / (EYES * f64::from(height) * posture.scale);
        let (sine, cosine) = posture.roll.to_radians().sin_cos();
        RgbImage::from_fn(width, height, |x, y| {
            let x = f64::from(x) - f64::from(width) / 2.0 - posture.shift.0;
            let y = f64::from(y) - f64::from(height) / 2.0 - posture.shift.1;
            let seen = (
                (cosine * x + sine * y) * units,
                (cosine * y - sine * x) * units,
            );
            let (x, y) = self.behind(seen, posture);
            sample(
                photograph,
                self.middle.0 + self.unit * x,
                self.middle.1 + self.unit * y,
            )
        })
    }

    /// The place of the photograph that is seen at a place of the picture, found by trying nearer and nearer ones.
    fn behind(&self, seen: (f64, f64), posture: &Posture) -> (f64, f64) {
        let (sin_yaw, cos_yaw) = posture.yaw.to_radians().sin_cos();
        let (sin_pitch, cos_pitch) = posture.pitch.to_radians().sin_cos();
        let (mut x, mut y) = seen;
        for _ in 0..10 {
            // Far from the head nothing moves.
            let share = ((1.35 - (x / 1.9).hypot(y / 2.4)) / 0.5).clamp(0.0, 1.0);
            if share == 0.0 {
                break;
            }
            let depth = self.depth(x, y) - AXIS;
            x = seen.0 + share * (x - (x * cos_yaw - depth * sin_yaw));
            y = seen.1 + share * (y - (y * cos_pitch - depth * sin_pitch));
        }
        (x, y)
    }

    /// How near a place of the head is.
    fn depth(&self, x: f64, y: f64) -> f64 {
        let upright = match self.shape {
            Shape::Head => (y / HALF.1).powi(2),
            Shape::Cylinder => return SKULL * (1.0 - (x / HALF.0).powi(2)).max(0.0),
        };
        let skull = (1.0 - (x / HALF.0).powi(2) - upright).max(0.0);
        let (dx, dy) = (x - self.nose.0, y - self.nose.1);
        let high = if dy < 0.0 { NOSE_HALF.1 } else { NOSE_HALF.2 };
        let nose = (-(dx / NOSE_HALF.0).powi(2) - (dy / high).powi(2)).exp();
        SKULL * skull + NOSE * nose
    }
}

fn between(a: Point, b: Point) -> (f64, f64) {
    (f64::from(a.x + b.x) / 2.0, f64::from(a.y + b.y) / 2.0)
}

/// The photograph with skin from below the eyes painted over them, and lashes.
fn with_closed_eyes(photograph: &RgbImage, points: &FivePoints, unit: f64) -> RgbImage {
    let mut painted = photograph.clone();
    let (left, right) = (points.left_eye, points.right_eye);
    let slope = f64::from((right.y - left.y) / (right.x - left.x));
    for eye in [left, right] {
        let (middle, down) = (f64::from(eye.x), f64::from(eye.y));
        let half = LID.half * unit;
        for x in (middle - half) as u32..=(middle + half) as u32 {
            let away = f64::from(x) - middle;
            let high = unit * (1.0 - (away / half).powi(2)).max(0.0).sqrt();
            let line = down + slope * away;
            let skin = sample(photograph, f64::from(x), line + LID.skin * unit);
            for y in (line - LID.up * high) as u32..=(line + LID.down * high) as u32 {
                let below = (f64::from(y) - line) / high;
                let is_lash = (LID.lashes.0..=LID.lashes.1).contains(&below);
                let shade = if is_lash { 0.4 } else { 0.92 };
                painted.put_pixel(
                    x,
                    y,
                    Rgb(skin.0.map(|value| (f64::from(value) * shade) as u8)),
                );
            }
        }
    }
    painted
}

/// The mean of the four pixels around a point; beyond the edge of the photograph its last pixels go on.
pub fn sample(photograph: &RgbImage, x: f64, y: f64) -> Rgb<u8> {
    let (width, height) = photograph.dimensions();
    let x = x.clamp(0.0, f64::from(width) - 1.001);
    let y = y.clamp(0.0, f64::from(height) - 1.001);
    let (left, top) = (x as u32, y as u32);
    let (right, low) = (x.fract(), y.fract());
    let mut mixed = [0.0; 3];
    for (dx, dy, weight) in [
        (0, 0, (1.0 - right) * (1.0 - low)),
        (1, 0, right * (1.0 - low)),
        (0, 1, (1.0 - right) * low),
        (1, 1, right * low),
    ] {
        let pixel = photograph.get_pixel(left + dx, top + dy);
        for (value, channel) in mixed.iter_mut().zip(pixel.0) {
            *value += weight * f64::from(channel);
        }
    }
    Rgb(mixed.map(|value| value.round() as u8))
}
