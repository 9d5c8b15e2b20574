//! Passive liveness: does one picture look like a live face, or like a print or a screen?

use super::VisionError;
use super::crop::{Area, Scaler};
use super::files::ModelFiles;
use super::picture::View;
use super::pose::softmax;
use super::session::{Loader, Model, ModelError};
use crate::domain::face::BoundingBox;

/// The crop is the face's box times this, as far as the picture reaches.
const CROP_SCALE: f64 = 2.7;
/// Of the three classes this is the live one.
const LIVE: usize = 0;

/// Judges whether a face is live.
pub(super) struct LivenessJudge {
    model: Model,
}

impl LivenessJudge {
    pub(super) fn load(loader: Loader<'_>, files: &ModelFiles) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::shipped(loader, files, "fr_liveness")?,
        })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The probability of a live face in a box, 0 to 1.
    pub(super) fn judge(
        &mut self,
        image: &View,
        face: &BoundingBox,
        scaler: &mut Scaler,
    ) -> Result<f32, VisionError> {
        let crop = scaler.scale_for(self.model.input(), image, surroundings(image, face))?;
        let outputs = self.model.run_on(&crop)?;
        Ok(softmax(&outputs[0])[LIVE])
    }
}

/// The face with what is around it: the scaled box, smaller where the picture is, shifted to lie inside it.
pub(super) fn surroundings(image: &View, face: &BoundingBox) -> Area {
    let whole = Area::whole(image);
    let [x, y, width, height] = [face.x, face.y, face.width, face.height].map(f64::from);
    let scale = CROP_SCALE
        .min((whole.width - 1.0) / width)
        .min((whole.height - 1.0) / height);
    let (crop_width, crop_height) = (width * scale, height * scale);
    let shifted =
        |centre: f64, length: f64, most: f64| (centre - length / 2.0).min(most - length).max(0.0);
    let left = shifted(x + width / 2.0, crop_width, whole.width);
    let top = shifted(y + height / 2.0, crop_height, whole.height);
    Area::inside(left, top, left + crop_width, top + crop_height, image)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn the_crop_is_shifted_into_the_picture_and_keeps_its_size() {
        let image = View::whole(RgbImage::new(1000, 800));
        let face = BoundingBox {
            x: 10.0,
            y: 700.0,
            width: 100.0,
            height: 90.0,
        };
        let area = surroundings(&image, &face);
        assert_eq!((area.left, area.width), (0.0, 270.0));
        assert!(
            (area.top + area.height - 800.0).abs() < 1e-9 && (area.height - 243.0).abs() < 1e-9
        );
    }

    #[test]
    fn a_face_that_fills_the_picture_is_cropped_at_its_own_shape() {
        let image = View::whole(RgbImage::new(101, 201));
        let face = BoundingBox {
            x: 0.0,
            y: 0.0,
            width: 100.0,
            height: 100.0,
        };
        let area = surroundings(&image, &face);
        assert_eq!((area.width, area.height), (100.0, 100.0));
    }
}
