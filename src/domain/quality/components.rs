//! The components of quality, named after ISO/IEC 29794-5, each with what it is held to.
//!
//! What a check rests on is held to the bounds of that check, what enrolment refuses otherwise to enrolment's. The others
//! inform, and nothing is refused for them: the bounds on light are where about one in a hundred of the photographs of
//! Labeled Faces in the Wild falls out.

use super::enrolment::{
    MAX_ENROLMENT_BRIGHTNESS, MAX_ENROLMENT_PITCH, MAX_ENROLMENT_YAW, MIN_ENROLMENT_BRIGHTNESS,
    MIN_ENROLMENT_CONTRAST, MIN_ENROLMENT_EYE_DISTANCE, MIN_ENROLMENT_SHARPNESS,
};
use crate::domain::decision::{CheckResult, FaceQuality};
use crate::domain::policy::{
    MAX_SELFIE_PITCH, MAX_SELFIE_YAW, MIN_DOCUMENT_EYE_DISTANCE, MIN_SELFIE_EYE_DISTANCE,
};

/// Furthest tilt of the head, in degrees. Alignment undoes it, so it costs little.
const MAX_ROLL: f32 = 30.0;
/// Largest share of black pixels.
const MAX_UNDER_EXPOSURE: f32 = 0.15;
/// Largest share of white pixels.
const MAX_OVER_EXPOSURE: f32 = 0.02;
/// Darkest side of the face, in parts of the other.
const MIN_ILLUMINATION_UNIFORMITY: f32 = 0.5;
/// Fewest bits that the luminances of the face spread over.
const MIN_DYNAMIC_RANGE: f32 = 6.2;
/// Smallest probability that the eye is open that looks more closed than the other. The model is strict: narrowed, shaded
/// and covered eyes look closed to it, too.
const MIN_EYES_OPEN: f32 = 0.1;
/// Narrowest border between a face and the picture's edge, in widths of the face: its box touches the edge at 0.
const MIN_MARGIN: f32 = 0.02;

/// What a face has to be good enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be searched for as long as it is on a list.
    Enrolment,
    /// To be the live face of a verification.
    Selfie,
    /// To be the portrait that a selfie is compared with.
    Portrait,
}

/// Bounds that differ by what a face is for.
struct Bounds {
    yaw: f32,
    pitch: f32,
    eye_distance: f32,
}

impl Purpose {
    fn bounds(self) -> Bounds {
        let enrolment = Bounds {
            yaw: MAX_ENROLMENT_YAW,
            pitch: MAX_ENROLMENT_PITCH,
            eye_distance: MIN_ENROLMENT_EYE_DISTANCE,
        };
        match self {
            Self::Enrolment => enrolment,
            Self::Selfie => Bounds {
                yaw: MAX_SELFIE_YAW,
                pitch: MAX_SELFIE_PITCH,
                eye_distance: MIN_SELFIE_EYE_DISTANCE,
            },
            Self::Portrait => Bounds {
                eye_distance: MIN_DOCUMENT_EYE_DISTANCE,
                ..enrolment
            },
        }
    }
}

/// One component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// What was measured; `None` where it was not.
    pub value: Option<f32>,
    /// The least that passes.
    pub at_least: Option<f32>,
    /// The most that passes.
    pub at_most: Option<f32>,
    /// Whether it passes: `pass`, `fail` or `not_evaluated`.
    pub result: CheckResult,
}

impl Component {
    /// Written so that a measure that is not a number fails.
    fn new(value: Option<f32>, at_least: Option<f32>, at_most: Option<f32>) -> Self {
        let holds = |value: f32| {
            at_least.is_none_or(|floor| value >= floor)
                && at_most.is_none_or(|ceiling| value <= ceiling)
        };
        let result = match value {
            None => CheckResult::NotEvaluated,
            Some(value) if holds(value) => CheckResult::Pass,
            Some(_) => CheckResult::Fail,
        };
        Self {
            value,
            at_least,
            at_most,
            result,
        }
    }

    fn at_least(value: Option<f32>, floor: f32) -> Self {
        Self::new(value, Some(floor), None)
    }

    fn at_most(value: Option<f32>, ceiling: f32) -> Self {
        Self::new(value, None, Some(ceiling))
    }

    /// An angle to either side.
    fn within(value: Option<f32>, most: f32) -> Self {
        Self::new(value, Some(-most), Some(most))
    }
}

/// Every component of a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    /// Turn of the head, in degrees.
    pub pose_yaw: Component,
    /// Nod of the head, in degrees.
    pub pose_pitch: Component,
    /// Tilt of the head, in degrees.
    pub pose_roll: Component,
    /// Variance of the Laplacian.
    pub sharpness: Component,
    /// Mean luminance, 0 to 1.
    pub brightness: Component,
    /// Share of the face that is black, 0 to 1.
    pub under_exposure: Component,
    /// Share of the face that is white, 0 to 1.
    pub over_exposure: Component,
    /// Luminance of the darker side of the face in parts of the brighter, 0 to 1.
    pub illumination_uniformity: Component,
    /// Standard deviation of the luminance, 0 to 0.5.
    pub contrast: Component,
    /// Entropy of the luminance, 0 to 8 bits.
    pub dynamic_range: Component,
    /// Distance between the eyes, in pixels.
    pub inter_eye_distance: Component,
    /// Probability that both eyes are open, 0 to 1: that of the less open one.
    pub eyes_open: Component,
    /// Share of the face that something hides. Nothing here measures it.
    pub occlusion: Component,
    /// Distance of the face to the nearest edge of the picture, in widths of the face.
    pub margin: Component,
}

impl Components {
    /// The components of a face with these measures, held to what it is for.
    #[must_use]
    pub fn of(quality: &FaceQuality, purpose: Purpose) -> Self {
        let (measures, pose) = (&quality.measures, quality.pose);
        let bounds = purpose.bounds();
        let details = measures.details;
        let eyes = quality.eyes.map(|eyes| eyes.left.min(eyes.right));
        Self {
            pose_yaw: Component::within(pose.map(|p| p.yaw), bounds.yaw),
            pose_pitch: Component::within(pose.map(|p| p.pitch), bounds.pitch),
            pose_roll: Component::within(pose.map(|p| p.roll), MAX_ROLL),
            sharpness: Component::at_least(Some(measures.sharpness), MIN_ENROLMENT_SHARPNESS),
            brightness: Component::new(
                Some(measures.brightness),
                Some(MIN_ENROLMENT_BRIGHTNESS),
                Some(MAX_ENROLMENT_BRIGHTNESS),
            ),
            under_exposure: Component::at_most(
                details.map(|d| d.under_exposure),
                MAX_UNDER_EXPOSURE,
            ),
            over_exposure: Component::at_most(details.map(|d| d.over_exposure), MAX_OVER_EXPOSURE),
            illumination_uniformity: Component::at_least(
                details.map(|d| d.illumination_uniformity),
                MIN_ILLUMINATION_UNIFORMITY,
            ),
            contrast: Component::at_least(Some(measures.contrast), MIN_ENROLMENT_CONTRAST),
            dynamic_range: Component::at_least(details.map(|d| d.dynamic_range), MIN_DYNAMIC_RANGE),
            inter_eye_distance: Component::at_least(
                Some(measures.inter_eye_distance),
                bounds.eye_distance,
            ),
            eyes_open: Component::at_least(eyes, MIN_EYES_OPEN),
            occlusion: Component::new(None, None, None),
            margin: Component::at_least(details.map(|d| d.margin), MIN_MARGIN),
        }
    }
}

/// What a verification's check of quality rests on and does not hold, by the names that answers have for it: of a selfie
/// its size and the turn and nod of its head, of a portrait its size.
#[must_use]
pub fn failures(selfie: &FaceQuality, portrait: &FaceQuality) -> [Vec<&'static str>; 2] {
    let selfie = Components::of(selfie, Purpose::Selfie);
    let portrait = Components::of(portrait, Purpose::Portrait);
    let failing = |held: &[(&'static str, Component)]| {
        let failing = held
            .iter()
            .filter(|(_, component)| component.result == CheckResult::Fail);
        failing.map(|(name, _)| *name).collect()
    };
    [
        failing(&[
            ("pose_yaw", selfie.pose_yaw),
            ("pose_pitch", selfie.pose_pitch),
            ("inter_eye_distance", selfie.inter_eye_distance),
        ]),
        failing(&[("inter_eye_distance", portrait.inter_eye_distance)]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::{Details, Eyes, Pose, Quality};

    fn good() -> FaceQuality {
        FaceQuality {
            measures: Quality {
                inter_eye_distance: 60.0,
                sharpness: 200.0,
                brightness: 0.5,
                contrast: 0.2,
                details: Some(Details {
                    under_exposure: 0.0,
                    over_exposure: 0.0,
                    illumination_uniformity: 0.95,
                    dynamic_range: 7.0,
                    margin: 0.5,
                }),
                embedding_length: None,
            },
            pose: Some(Pose {
                yaw: 0.0,
                pitch: 0.0,
                roll: 0.0,
            }),
            eyes: Some(Eyes {
                left: 0.9,
                right: 0.9,
            }),
        }
    }

    fn failed(quality: &FaceQuality) -> Vec<&'static str> {
        let c = Components::of(quality, Purpose::Enrolment);
        let all = [
            ("pose_yaw", c.pose_yaw),
            ("pose_pitch", c.pose_pitch),
            ("pose_roll", c.pose_roll),
            ("sharpness", c.sharpness),
            ("brightness", c.brightness),
            ("under_exposure", c.under_exposure),
            ("over_exposure", c.over_exposure),
            ("illumination_uniformity", c.illumination_uniformity),
            ("contrast", c.contrast),
            ("dynamic_range", c.dynamic_range),
            ("inter_eye_distance", c.inter_eye_distance),
            ("eyes_open", c.eyes_open),
            ("margin", c.margin),
        ];
        let fails = all
            .into_iter()
            .filter(|(_, c)| c.result == CheckResult::Fail);
        fails.map(|(name, _)| name).collect()
    }

    #[test]
    fn a_good_face_passes_everything_that_is_measured_and_occlusion_is_not() {
        let components = Components::of(&good(), Purpose::Enrolment);
        assert_eq!(failed(&good()), [""; 0]);
        assert_eq!(components.occlusion.result, CheckResult::NotEvaluated);
        assert_eq!(components.margin.result, CheckResult::Pass);
    }

    #[test]
    fn each_fault_fails_its_own_component_and_so_does_what_is_no_number() {
        type Spoil = fn(&mut FaceQuality, f32);
        fn details(quality: &mut FaceQuality) -> &mut Details {
            quality.measures.details.as_mut().unwrap()
        }
        let faults: [(&str, f32, Spoil); 13] = [
            ("pose_yaw", -80.0, |q, v| q.pose.as_mut().unwrap().yaw = v),
            ("pose_pitch", 60.0, |q, v| {
                q.pose.as_mut().unwrap().pitch = v;
            }),
            ("pose_roll", -80.0, |q, v| q.pose.as_mut().unwrap().roll = v),
            ("sharpness", 2.0, |q, v| q.measures.sharpness = v),
            ("brightness", 0.95, |q, v| q.measures.brightness = v),
            ("under_exposure", 0.9, |q, v| details(q).under_exposure = v),
            ("over_exposure", 0.9, |q, v| details(q).over_exposure = v),
            ("illumination_uniformity", 0.1, |q, v| {
                details(q).illumination_uniformity = v;
            }),
            ("contrast", 0.01, |q, v| q.measures.contrast = v),
            ("dynamic_range", 2.0, |q, v| details(q).dynamic_range = v),
            ("inter_eye_distance", 9.0, |q, v| {
                q.measures.inter_eye_distance = v;
            }),
            ("eyes_open", 0.05, |q, v| q.eyes.as_mut().unwrap().left = v),
            ("margin", 0.0, |q, v| details(q).margin = v),
        ];
        for (name, value, spoil) in faults {
            let mut face = good();
            spoil(&mut face, value);
            assert_eq!(failed(&face), [name]);
            // Of two eyes, one that is no number leaves the other.
            if name != "eyes_open" {
                spoil(&mut face, f32::NAN);
                assert_eq!(failed(&face), [name]);
            }
        }
    }

    #[test]
    fn a_face_is_held_to_the_bounds_of_what_it_is_for() {
        type Spoil = fn(&mut FaceQuality, f32);
        let size: Spoil = |q, v| q.measures.inter_eye_distance = v;
        let yaw: Spoil = |q, v| q.pose.as_mut().unwrap().yaw = v;
        let pitch: Spoil = |q, v| q.pose.as_mut().unwrap().pitch = v;
        for (name, spoil, value, selfie, portrait) in [
            ("inter_eye_distance", size, 39.9, true, false),
            ("inter_eye_distance", size, 40.0, false, false),
            ("inter_eye_distance", size, 19.9, true, true),
            ("inter_eye_distance", size, f32::NAN, true, true),
            ("pose_yaw", yaw, -45.1, true, false),
            ("pose_yaw", yaw, 45.0, false, false),
            ("pose_pitch", pitch, 35.1, true, false),
            ("pose_pitch", pitch, -80.0, true, false),
        ] {
            let mut face = good();
            spoil(&mut face, value);
            let told = |fails: bool| if fails { vec![name] } else { vec![] };
            let failures = failures(&face, &face);
            assert_eq!(failures, [told(selfie), told(portrait)], "{name} {value}");
        }
    }

    #[test]
    fn what_was_not_measured_is_not_evaluated() {
        let mut old = good();
        (old.pose, old.eyes, old.measures.details) = (None, None, None);
        let components = Components::of(&old, Purpose::Enrolment);
        for component in [
            components.pose_yaw,
            components.eyes_open,
            components.margin,
            components.dynamic_range,
        ] {
            assert_eq!(component.value, None);
            assert_eq!(component.result, CheckResult::NotEvaluated);
        }
        assert_eq!(components.sharpness.result, CheckResult::Pass);
    }
}
