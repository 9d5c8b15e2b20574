//! 68 points of a face, and the five of them that alignment rests on.

use super::VisionError;
use super::crop::{Area, Scaler};
use super::files::ModelFiles;
use super::picture::View;
use super::points::{bounds, mean};
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
/// How far above the points the network was shown the face, in their height from brow to chin; at the sides and below, as far as
/// they reach. So the detector's boxes lie on LFW, where 0.36 is the median.
const ABOVE: f64 = 0.36;
/// How far the crops that are looked at lie from where the face is, in shares of its sides: the network answers to the place of
/// a face in its crop, and to every rounding, and the mean of some crops does so less.
const SHIFTS: [(f64, f64); 5] = [
    (0.0, 0.0),
    (-0.02, 0.0),
    (0.02, 0.0),
    (0.0, -0.02),
    (0.0, 0.02),
];

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

    /// The points of the face in a box. How the box lies depends on how the picture was decoded, and the points that the network
    /// finds in it follow it a fifth of the way: what they reach is half of where they are looked for then.
    pub(super) fn locate(
        &mut self,
        image: &View,
        face: &BoundingBox,
        scaler: &mut Scaler,
    ) -> Result<Located, VisionError> {
        let [x, y, width, height] = [face.x, face.y, face.width, face.height].map(f64::from);
        let first = [x, y, x + width, y + height];
        let reached = reached(&self.look(image, first, &SHIFTS[..1], scaler)?);
        let between = std::array::from_fn(|edge| f64::midpoint(first[edge], reached[edge]));
        let points = self.look(image, between, &SHIFTS, scaler)?;
        Ok(located(&points))
    }

    /// The means of the points in crops that lie so far from one with these edges, in the picture's pixels.
    fn look(
        &mut self,
        image: &View,
        [left, top, right, bottom]: [f64; 4],
        shifts: &[(f64, f64)],
        scaler: &mut Scaler,
    ) -> Result<Vec<(f64, f64)>, VisionError> {
        let mut looks = Vec::new();
        for (along, down) in shifts {
            let (along, down) = (along * (right - left), down * (bottom - top));
            let area = Area::inside(
                left + along,
                top + down,
                right + along,
                bottom + down,
                image,
            );
            let crop = scaler.scale_for(self.model.input(), image, area)?;
            looks.push(placed(&self.model.run_on(&crop)?[0], area));
        }
        let of_all = |point: usize| mean(looks.iter().map(|look| look[point]));
        let means: Vec<_> = (0..looks[0].len()).map(of_all).collect();
        if means.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
            Ok(means)
        } else {
            let reason = "the landmarks of a face are not numbers";
            Err(VisionError::Inference(reason.to_owned()))
        }
    }
}

/// Left, top, right and bottom of the face that has these points.
fn reached(points: &[(f64, f64)]) -> [f64; 4] {
    let [left, top, right, bottom] = bounds(points);
    [left, top - ABOVE * (bottom - top), right, bottom]
}

/// What the network says of a crop, from its coordinates (0 to 1) to the picture's pixels.
fn placed(values: &[f32], area: Area) -> Vec<(f64, f64)> {
    let place = |point: &[f32]| {
        let (x, y) = (f64::from(point[0]), f64::from(point[1]));
        (area.left + x * area.width, area.top + y * area.height)
    };
    values.chunks_exact(2).map(place).collect()
}

/// Means of the groups of points.
fn located(points: &[(f64, f64)]) -> Located {
    let mean = |group: &[usize]| {
        let (x, y) = mean(group.iter().map(|point| points[*point]));
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
        let Located { points, eyes } = located(&placed(&values, area));
        assert_eq!(points.left_eye, Point { x: 110.0, y: 240.0 });
        assert_eq!(points.nose, Point { x: 100.0, y: 200.0 });
        assert_eq!(eyes[0].centre, points.left_eye);
        assert!((eyes[0].width - 4.0_f32.hypot(4.0)).abs() < 1e-4);
    }

    #[test]
    fn a_face_reaches_as_far_as_its_points_and_has_a_forehead() {
        let points = [(30.0, 60.0), (10.0, 100.0), (20.0, 160.0)];
        assert_eq!(reached(&points), [10.0, 60.0 - 36.0, 30.0, 160.0]);
    }
}
