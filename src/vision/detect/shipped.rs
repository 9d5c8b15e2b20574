//! The detector that the service ships with: RFB, which looks at 320x240 pixels.

use std::path::Path;

use image::RgbImage;

use super::canvas::Canvas;
use super::find::Find;
use crate::vision::VisionError;
use crate::vision::crop::{Channels, planar_on};
use crate::vision::session::{Loader, Model, ModelError};

const CANVAS: Canvas = Canvas {
    width: 320,
    height: 240,
};
/// Confidence from which a find is a face. Portraits on documents reach 0.97; guilloches and seals that are taken for
/// faces stayed below 0.7.
const MIN_CONFIDENCE: f32 = 0.8;

/// The network.
pub(super) struct Shipped {
    model: Model,
}

impl Shipped {
    pub(super) fn load(loader: Loader<'_>, path: &Path) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::load(loader, path, &CANVAS.shape(), &["scores", "boxes"])?,
        })
    }

    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    pub(super) fn canvas(&self) -> Canvas {
        CANVAS
    }

    /// The faces of a picture whose corner lies at a place of the canvas. What is around it is grey: the tensor's zero.
    pub(super) fn find(
        &mut self,
        picture: &RgbImage,
        corner: (u32, u32),
    ) -> Result<Vec<Find>, VisionError> {
        let (canvas, mean, scale) = ((CANVAS.width, CANVAS.height), [127.0; 3], [1.0 / 128.0; 3]);
        let tensor = planar_on(canvas, corner, picture, Channels::Rgb, mean, scale);
        let outputs = self.model.run(&tensor)?;
        Ok(read(&outputs[0], &outputs[1]))
    }
}

/// The faces in the outputs: scores as (background, face), boxes as corners in shares of the canvas.
fn read(scores: &[f32], boxes: &[f32]) -> Vec<Find> {
    let (width, height) = (f64::from(CANVAS.width), f64::from(CANVAS.height));
    let candidates = scores.chunks_exact(2).zip(boxes.chunks_exact(4));
    candidates
        .filter(|(score, _)| score[1] >= MIN_CONFIDENCE)
        .map(|(score, corners)| {
            let corner = |x: f32, y: f32| (f64::from(x) * width, f64::from(y) * height);
            Find {
                left_top: corner(corners[0], corners[1]),
                right_bottom: corner(corners[2], corners[3]),
                confidence: score[1],
                points: None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_boxes_are_faces_and_doubtful_ones_are_not() {
        let boxes = [0.125, 0.25, 0.5, 0.75].repeat(3);
        let found = read(&[0.1, 0.9, 0.3, 0.7, 0.0, f32::NAN], &boxes);
        let expected = Find {
            left_top: (40.0, 60.0),
            right_bottom: (160.0, 180.0),
            confidence: 0.9,
            points: None,
        };
        assert_eq!(found, [expected]);
    }
}
