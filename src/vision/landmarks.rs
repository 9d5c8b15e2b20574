//! 68 points of a face, and the five of them that alignment rests on.

use super::VisionError;
use super::crop::{Area, Scaler};
use super::files::ModelFiles;
use super::picture::View;
use super::session::{Loader, Model, ModelError};
use crate::domain::face::{BoundingBox, FivePoints, Point};

/// Points 36 to 47 go round the eyes; these are the corners of each, and its lids.
const LEFT_CORNERS: [usize; 2] = [36, 39];
const RIGHT_CORNERS: [usize; 2] = [42, 45];
const LEFT_LIDS: [usize; 4] = [37, 38, 40, 41];
const RIGHT_LIDS: [usize; 4] = [43, 44, 46, 47];
const NOSE_TIP: usize = 30;
/// Outer and inner corner of the lips on each side.
const LEFT_LIPS: [usize; 2] = [48, 60];
const RIGHT_LIPS: [usize; 2] = [54, 64];

/// Where an eye is in the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EyeOutline {
    /// The middle of its lids.
    pub(super) centre: Point,
    /// From corner to corner, in pixels.
    pub(super) width: f32,
}

/// What is kept of the points of a face.
pub(super) struct Located {
    /// The points that alignment rests on.
    pub(super) points: FivePoints,
    /// The eye on the picture's left and that on its right.
    pub(super) eyes: [EyeOutline; 2],
}

/// Finds the points of a face.
pub(super) struct Landmarker {
    model: Model,
}

impl Landmarker {
    pub(super) fn load(loader: Loader<'_>, files: &ModelFiles) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::shipped(loader, files, "fr_landmark")?,
        })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The points of the face in a box.
    pub(super) fn locate(
        &mut self,
        image: &View,
        face: &BoundingBox,
        scaler: &mut Scaler,
    ) -> Result<Located, VisionError> {
        let (left, top) = (f64::from(face.x), f64::from(face.y));
        let area = Area::inside(
            left,
            top,
            left + f64::from(face.width),
            top + f64::from(face.height),
            image,
        );
        let crop = scaler.scale_for(self.model.input(), image, area)?;
        let outputs = self.model.run_on(&crop)?;
        Ok(located(&outputs[0], area))
    }
}

/// Means of the groups of points, from the crop's coordinates (0 to 1) to the picture's pixels.
fn located(values: &[f32], area: Area) -> Located {
    let mean = |points: &[usize]| {
        let of = |axis: usize| {
            let sum: f32 = points.iter().map(|point| values[2 * point + axis]).sum();
            f64::from(sum) / points.len() as f64
        };
        let x = area.left + of(0) * area.width;
        let y = area.top + of(1) * area.height;
        Point {
            x: x as f32,
            y: y as f32,
        }
    };
    let points = FivePoints {
        left_eye: mean(&LEFT_LIDS),
        right_eye: mean(&RIGHT_LIDS),
        nose: mean(&[NOSE_TIP]),
        left_mouth: mean(&LEFT_LIPS),
        right_mouth: mean(&RIGHT_LIPS),
    };
    let outline = |centre: Point, corners: [usize; 2]| {
        let [a, b] = corners.map(|corner| mean(&[corner]));
        let width = (b.x - a.x).hypot(b.y - a.y);
        EyeOutline { centre, width }
    };
    Located {
        points,
        eyes: [
            outline(points.left_eye, LEFT_CORNERS),
            outline(points.right_eye, RIGHT_CORNERS),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_in_the_pixels_of_the_picture() {
        let mut values = vec![0.0; 136];
        for point in LEFT_LIDS {
            (values[2 * point], values[2 * point + 1]) = (0.25, 0.5);
        }
        let area = Area {
            left: 100.0,
            top: 200.0,
            width: 40.0,
            height: 80.0,
        };
        (values[2 * 36], values[2 * 39], values[2 * 39 + 1]) = (0.1, 0.2, 0.05);
        let Located { points, eyes } = located(&values, area);
        assert_eq!(points.left_eye, Point { x: 110.0, y: 240.0 });
        assert_eq!(points.nose, Point { x: 100.0, y: 200.0 });
        assert_eq!(eyes[0].centre, points.left_eye);
        assert!((eyes[0].width - 4.0_f32.hypot(4.0)).abs() < 1e-4);
    }
}
