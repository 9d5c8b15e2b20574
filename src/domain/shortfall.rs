//! What is too poor about the pictures of a verification for a machine to answer alone.

use serde::{Deserialize, Serialize};

use super::decision::FaceQuality;
use super::policy::{
    MAX_SELFIE_PITCH, MAX_SELFIE_YAW, MIN_DOCUMENT_EYE_DISTANCE, MIN_SELFIE_EYE_DISTANCE,
};

/// One of the two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Picture {
    /// The live face.
    Selfie,
    /// The portrait on the document.
    Document,
}

/// A component of quality that asks for a human, by its name in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Distance between the eyes, in pixels.
    InterEyeDistance,
    /// Turn of the head to a side, in degrees.
    PoseYaw,
    /// Nod of the head, in degrees.
    PosePitch,
}

/// One component that is out of its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortfall {
    /// Whose it is.
    pub picture: Picture,
    /// What was measured.
    pub component: Measure,
    /// What it came to.
    pub value: f32,
    /// The least that needs no human, where there is one.
    pub at_least: Option<f32>,
    /// The most that needs no human, where there is one.
    pub at_most: Option<f32>,
}

impl Shortfall {
    /// Written so that a measure that is not a number falls short.
    fn is_short(&self) -> bool {
        let holds = self.at_least.is_none_or(|floor| self.value >= floor)
            && self.at_most.is_none_or(|ceiling| self.value <= ceiling);
        !holds
    }
}

/// Everything that falls short. A pose that was not measured does not.
#[must_use]
pub fn shortfalls(selfie: &FaceQuality, document: &FaceQuality) -> Vec<Shortfall> {
    let eyes = |picture, quality: &FaceQuality, floor| Shortfall {
        picture,
        component: Measure::InterEyeDistance,
        value: quality.measures.inter_eye_distance,
        at_least: Some(floor),
        at_most: None,
    };
    let angle = |component, value, most: f32| Shortfall {
        picture: Picture::Selfie,
        component,
        value,
        at_least: Some(-most),
        at_most: Some(most),
    };
    let mut held = vec![eyes(Picture::Selfie, selfie, MIN_SELFIE_EYE_DISTANCE)];
    if let Some(pose) = selfie.pose {
        held.push(angle(Measure::PoseYaw, pose.yaw, MAX_SELFIE_YAW));
        held.push(angle(Measure::PosePitch, pose.pitch, MAX_SELFIE_PITCH));
    }
    held.push(eyes(Picture::Document, document, MIN_DOCUMENT_EYE_DISTANCE));
    held.retain(Shortfall::is_short);
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::{Pose, Quality};

    fn quality(inter_eye_distance: f32, yaw: f32, pitch: f32) -> FaceQuality {
        FaceQuality {
            measures: Quality {
                inter_eye_distance,
                sharpness: 200.0,
                brightness: 0.5,
                contrast: 0.2,
                details: None,
                embedding_length: None,
            },
            pose: Some(Pose {
                yaw,
                pitch,
                roll: 0.0,
            }),
            eyes: None,
        }
    }

    #[test]
    fn what_is_out_of_its_range_is_named_with_it_and_nothing_else() {
        let good = quality(60.0, 0.0, 0.0);
        assert_eq!(shortfalls(&good, &good), []);
        let named = |selfie: FaceQuality, document: FaceQuality| {
            let found = shortfalls(&selfie, &document).into_iter();
            let name = |short: Shortfall| (short.picture, short.component);
            found.map(name).collect::<Vec<_>>()
        };
        assert_eq!(
            named(quality(39.0, -46.0, 36.0), quality(19.0, 80.0, 80.0)),
            [
                (Picture::Selfie, Measure::InterEyeDistance),
                (Picture::Selfie, Measure::PoseYaw),
                (Picture::Selfie, Measure::PosePitch),
                (Picture::Document, Measure::InterEyeDistance),
            ]
        );
        assert_eq!(
            named(quality(f32::NAN, f32::NAN, 0.0), good),
            [
                (Picture::Selfie, Measure::InterEyeDistance),
                (Picture::Selfie, Measure::PoseYaw),
            ]
        );
        let [short] = shortfalls(&quality(60.0, 50.0, 0.0), &good)[..] else {
            panic!("one component falls short");
        };
        assert_eq!((short.at_least, short.at_most), (Some(-45.0), Some(45.0)));
    }
}
