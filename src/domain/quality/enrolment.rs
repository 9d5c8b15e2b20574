//! Which faces are good enough to be enrolled.
//!
//! A template is searched for years, so a poor one costs more than a second photograph: it misses its person, and it
//! looks like everybody whose picture is as poor. The bounds were chosen on Labeled Faces in the Wild, as they are and
//! scaled down, blurred, darkened, flattened and overexposed step by step: they let all but one of those photographs
//! pass as they are, and among the spoiled ones they split those whose templates hold to the calibration (1.6e-4 of
//! the comparisons of two people reach the threshold for 1e-4) from those whose templates are noise (1.3e-2 do).

use std::fmt;

use crate::domain::decision::FaceQuality;
use crate::domain::digits::round3;

/// Smallest distance between the eyes, in pixels. With 10 a person is missed six times as often as with 40.
pub const MIN_ENROLMENT_EYE_DISTANCE: f32 = 20.0;
/// Smallest variance of the Laplacian. Of a thousand ordinary photographs all but one have 14 and more; a blur that
/// hides half of the people from a search leaves 2 to 9.
pub const MIN_ENROLMENT_SHARPNESS: f32 = 8.0;
/// Darkest mean luminance. Ordinary photographs have 0.18 and more.
pub const MIN_ENROLMENT_BRIGHTNESS: f32 = 0.1;
/// Brightest mean luminance. Ordinary photographs have up to 0.73; above, what is left of the face is white.
pub const MAX_ENROLMENT_BRIGHTNESS: f32 = 0.8;
/// Smallest standard deviation of the luminance. Ordinary photographs have 0.07 and more.
pub const MIN_ENROLMENT_CONTRAST: f32 = 0.04;
/// Largest turn of the head to either side, in degrees. Beyond, half of the face is not there to be compared.
pub const MAX_ENROLMENT_YAW: f32 = 65.0;
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
        let Self { component, .. } = self;
        let value = round3(self.value.into());
        match self.bound {
            Bound::AtLeast(floor) => {
                write!(f, "{component} is {value}; at least {floor} is needed")
            }
            Bound::AtMost(ceiling) => {
                write!(f, "{component} is {value}; at most {ceiling} is taken")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::{Pose, Quality};

    const GOOD: FaceQuality = FaceQuality {
        measures: Quality {
            inter_eye_distance: 60.0,
            sharpness: 200.0,
            brightness: 0.5,
            contrast: 0.2,
            details: None,
            embedding_length: None,
        },
        pose: Some(Pose {
            yaw: 0.0,
            pitch: 0.0,
            roll: 0.0,
        }),
        eyes: None,
    };

    fn components(quality: &FaceQuality) -> Vec<&'static str> {
        let shortfalls = enrolment_shortfalls(quality);
        shortfalls.iter().map(|fault| fault.component).collect()
    }

    #[test]
    fn a_face_on_every_bound_passes_and_one_just_beyond_it_names_the_component() {
        assert_eq!(components(&GOOD), [""; 0]);
        type Set = fn(&mut FaceQuality, f32);
        let rules: [(&str, Set, f32, f32); 9] = [
            (
                "inter_eye_distance",
                |q, v| q.measures.inter_eye_distance = v,
                MIN_ENROLMENT_EYE_DISTANCE,
                -1.0,
            ),
            (
                "sharpness",
                |q, v| q.measures.sharpness = v,
                MIN_ENROLMENT_SHARPNESS,
                -1.0,
            ),
            (
                "brightness",
                |q, v| q.measures.brightness = v,
                MIN_ENROLMENT_BRIGHTNESS,
                -1.0,
            ),
            (
                "brightness",
                |q, v| q.measures.brightness = v,
                MAX_ENROLMENT_BRIGHTNESS,
                1.0,
            ),
            (
                "contrast",
                |q, v| q.measures.contrast = v,
                MIN_ENROLMENT_CONTRAST,
                -1.0,
            ),
            (
                "yaw",
                |q, v| q.pose.as_mut().unwrap().yaw = v,
                MAX_ENROLMENT_YAW,
                1.0,
            ),
            (
                "yaw",
                |q, v| q.pose.as_mut().unwrap().yaw = v,
                -MAX_ENROLMENT_YAW,
                -1.0,
            ),
            (
                "pitch",
                |q, v| q.pose.as_mut().unwrap().pitch = v,
                MAX_ENROLMENT_PITCH,
                1.0,
            ),
            (
                "pitch",
                |q, v| q.pose.as_mut().unwrap().pitch = v,
                -MAX_ENROLMENT_PITCH,
                -1.0,
            ),
        ];
        for (component, set, bound, outwards) in rules {
            let mut quality = GOOD;
            set(&mut quality, bound);
            assert_eq!(components(&quality), [""; 0], "{component} at {bound}");
            set(&mut quality, bound + outwards * 0.001);
            assert_eq!(
                components(&quality),
                [component],
                "{component} beyond {bound}"
            );
            set(&mut quality, f32::NAN);
            assert!(
                components(&quality).contains(&component),
                "{component} that is no number"
            );
        }
    }

    #[test]
    fn a_shortfall_says_what_was_measured_and_what_is_needed() {
        let mut dark = GOOD;
        dark.measures.brightness = 0.042;
        let told = enrolment_shortfalls(&dark)[0].to_string();
        assert_eq!(told, "brightness is 0.042; at least 0.1 is needed");
    }
}
