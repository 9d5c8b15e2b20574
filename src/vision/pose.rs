//! Where a head points.

use super::VisionError;
use super::crop::{Area, Scaler};
use super::files::ModelFiles;
use super::picture::View;
use super::session::{Loader, Model, ModelError};
use crate::domain::face::{BoundingBox, Pose};

/// The crop is the face's box, wider by this share of it on each side.
const MARGIN: f64 = 0.25;
/// Each angle is a distribution over 66 bins of three degrees, the first at -99.
const BIN_DEGREES: f32 = 3.0;
const FIRST_BIN_DEGREES: f32 = -99.0;

/// Measures the pose of a head.
pub(super) struct PoseEstimator {
    model: Model,
}

impl PoseEstimator {
    pub(super) fn load(loader: Loader<'_>, files: &ModelFiles) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::shipped(loader, files, "fr_pose")?,
        })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The pose of the face in a box.
    pub(super) fn measure(
        &mut self,
        image: &View,
        face: &BoundingBox,
        scaler: &mut Scaler,
    ) -> Result<Pose, VisionError> {
        let [x, y, width, height] = [face.x, face.y, face.width, face.height].map(f64::from);
        let (dx, dy) = (width * MARGIN, height * MARGIN);
        let area = Area::inside(x - dx, y - dy, x + width + dx, y + height + dy, image);
        let crop = scaler.scale_for(self.model.input(), image, area)?;
        let outputs = self.model.run_on(&crop)?;
        let [yaw, pitch, roll] =
            [&outputs[0], &outputs[1], &outputs[2]].map(|bins| expected_angle(bins));
        Ok(Pose { yaw, pitch, roll })
    }
}

/// The mean of a distribution over bins, in degrees.
fn expected_angle(logits: &[f32]) -> f32 {
    let probabilities = softmax(logits);
    let mean_bin: f32 = probabilities
        .iter()
        .enumerate()
        .map(|(bin, p)| bin as f32 * p)
        .sum();
    mean_bin * BIN_DEGREES + FIRST_BIN_DEGREES
}

/// Probabilities in proportion to the exponentials of the values.
pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = logits.iter().map(|value| (value - highest).exp()).collect();
    let sum: f32 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| value / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_angle_is_the_mean_of_the_distribution() {
        let mut logits = [-50.0_f32; 66];
        logits[33] = 20.0;
        assert!(expected_angle(&logits).abs() < 1e-3);
        logits[43] = 20.0;
        assert!((expected_angle(&logits) - 15.0).abs() < 1e-3);
    }

    #[test]
    fn probabilities_add_up_to_one_however_large_the_values() {
        let probabilities = softmax(&[1000.0, 1000.0, -1000.0]);
        assert_eq!(probabilities, [0.5, 0.5, 0.0]);
    }
}
