//! Which faces are good enough to be enrolled.
//!
//! A template is searched for years, so a poor one costs more than a second photograph: it misses its person, or it
//! looks like everybody whose picture is as poor. The floors are measured, see below; a face of an ordinary
//! photograph passes all of them.

use std::fmt;

use super::decision::FaceQuality;

/// Smallest distance between the eyes, in pixels.
pub const MIN_ENROLMENT_EYE_DISTANCE: f32 = 20.0;
/// Smallest variance of the Laplacian.
pub const MIN_ENROLMENT_SHARPNESS: f32 = 20.0;
/// Darkest mean luminance.
pub const MIN_ENROLMENT_BRIGHTNESS: f32 = 0.1;
/// Brightest mean luminance.
pub const MAX_ENROLMENT_BRIGHTNESS: f32 = 0.9;
/// Smallest standard deviation of the luminance.
pub const MIN_ENROLMENT_CONTRAST: f32 = 0.05;
/// Largest turn of the head to either side, in degrees.
pub const MAX_ENROLMENT_YAW: f32 = 60.0;
/// Largest nod of the head up or down, in degrees.
pub const MAX_ENROLMENT_PITCH: f32 = 45.0;

/// One component of a face's quality that is not good enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortfall {
    /// The component, as answers name it.
    pub component: &'static str,
    /// What was measured; an angle without its sign.
    pub value: f32,
    /// What it is held to.
    pub bound: Bound,
}

/// What a component is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// At least this.
    AtLeast(f32),
    /// At most this.
    AtMost(f32),
}

impl Bound {
    /// Written so that a measure that is not a number fails.
    fn holds(self, value: f32) -> bool {
        match self {
            Self::AtLeast(floor) => value >= floor,
            Self::AtMost(ceiling) => value <= ceiling,
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component, value, ..
        } = self;
        match self.bound {
            Bound::AtLeast(floor) => {
                write!(f, "{component} is {value:.3}; at least {floor} is needed")
            }
            Bound::AtMost(ceiling) => {
                write!(f, "{component} is {value:.3}; at most {ceiling} is taken")
            }
        }
    }
}

/// Every component that keeps a face from being enrolled; none where it is good enough.
#[must_use]
pub fn enrolment_shortfalls(quality: &FaceQuality) -> Vec<Shortfall> {
    use Bound::{AtLeast, AtMost};
    let measures = &quality.measures;
    let mut rules = vec![
        (
            "inter_eye_distance",
            measures.inter_eye_distance,
            AtLeast(MIN_ENROLMENT_EYE_DISTANCE),
        ),
        (
            "sharpness",
            measures.sharpness,
            AtLeast(MIN_ENROLMENT_SHARPNESS),
        ),
        (
            "brightness",
            measures.brightness,
            AtLeast(MIN_ENROLMENT_BRIGHTNESS),
        ),
        (
            "brightness",
            measures.brightness,
            AtMost(MAX_ENROLMENT_BRIGHTNESS),
        ),
        (
            "contrast",
            measures.contrast,
            AtLeast(MIN_ENROLMENT_CONTRAST),
        ),
    ];
    if let Some(pose) = quality.pose {
        rules.push(("yaw", pose.yaw.abs(), AtMost(MAX_ENROLMENT_YAW)));
        rules.push(("pitch", pose.pitch.abs(), AtMost(MAX_ENROLMENT_PITCH)));
    }
    let fails = rules
        .into_iter()
        .filter(|(_, value, bound)| !bound.holds(*value));
    fails
        .map(|(component, value, bound)| Shortfall {
            component,
            value,
            bound,
        })
        .collect()
}
