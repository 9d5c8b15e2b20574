//! Whether eyes are open.

use super::VisionError;
use super::crop::{Area, Scaler};
use super::files::ModelFiles;
use super::landmarks::EyeOutline;
use super::picture::View;
use super::pose::softmax;
use super::session::{Loader, Model, ModelError};
use crate::domain::face::Eyes;

/// The crop is a square around the middle of the eye, this many times as wide as the eye from corner to corner.
const CROP_SCALE: f64 = 1.6;
/// Of the two classes the first is the closed eye; so say photographs of both.
const OPEN: usize = 1;

/// Judges whether the eyes of a face are open.
pub(super) struct EyeJudge {
    model: Model,
}

impl EyeJudge {
    pub(super) fn load(loader: Loader<'_>, files: &ModelFiles) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::shipped(loader, files, "fr_eye")?,
        })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The probability that each eye is open. The outlines come by the picture's left and right, the answer by the
    /// person's own, which are the other way round.
    pub(super) fn judge(
        &mut self,
        image: &View,
        [on_the_left, on_the_right]: [EyeOutline; 2],
        scaler: &mut Scaler,
    ) -> Result<Eyes, VisionError> {
        Ok(Eyes {
            left: self.look(image, on_the_right, scaler)?,
            right: self.look(image, on_the_left, scaler)?,
        })
    }

    fn look(
        &mut self,
        image: &View,
        eye: EyeOutline,
        scaler: &mut Scaler,
    ) -> Result<f32, VisionError> {
        let crop = scaler.scale_for(self.model.input(), image, around(image, eye))?;
        let outputs = self.model.run_on(&crop)?;
        Ok(softmax(&outputs[0])[OPEN])
    }
}

/// The square that the model is shown of an eye.
fn around(image: &View, eye: EyeOutline) -> Area {
    let (x, y) = (f64::from(eye.centre.x), f64::from(eye.centre.y));
    let half = CROP_SCALE * f64::from(eye.width) / 2.0;
    Area::inside(x - half, y - half, x + half, y + half, image)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::domain::face::Point;

    #[test]
    fn the_crop_is_a_square_around_the_middle_of_the_eye() {
        let image = View::whole(RgbImage::new(200, 100));
        let eye = EyeOutline {
            centre: Point { x: 60.0, y: 50.0 },
            width: 20.0,
        };
        let area = around(&image, eye);
        assert_eq!((area.left, area.top), (44.0, 34.0));
        assert_eq!((area.width, area.height), (32.0, 32.0));
    }
}
