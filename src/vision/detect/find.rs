//! What a detector finds on its canvas, and the face of the picture that it stands for.

use super::canvas::Frame;
use crate::domain::face::{BoundingBox, FivePoints, Point};
use crate::vision::crop::Area;
use crate::vision::picture::View;

/// Narrower finds, in pixels of the picture, hold too little to compare.
const MIN_FACE_SIDE: f64 = 12.0;
/// Points that are nearer to each other than this, in pixels of the picture, are one point.
const MIN_SPREAD: f64 = 1.0;
/// Overlap (intersection over union) above which two boxes are one face.
const MAX_OVERLAP: f32 = 0.4;
/// Share of the smaller box inside the larger above which two boxes are one face: tiles cut faces.
const MAX_CONTAINED: f32 = 0.7;

/// A found face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::vision) struct Detection {
    pub(in crate::vision) bounding_box: BoundingBox,
    pub(in crate::vision) confidence: f32,
    /// The points that alignment rests on, where the detector finds them.
    pub(in crate::vision) points: Option<FivePoints>,
}

/// A face in the canvas's pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Find {
    pub(super) left_top: (f64, f64),
    pub(super) right_bottom: (f64, f64),
    pub(super) confidence: f32,
    /// In the order of [`FivePoints`].
    pub(super) points: Option<[(f64, f64); 5]>,
}

impl Find {
    /// Where the face lies in the picture that the frame shows; none where that is no place for one.
    pub(super) fn placed(&self, frame: &Frame, image: &View) -> Option<Detection> {
        let (left, top) = frame.to_picture(self.left_top);
        let (right, bottom) = frame.to_picture(self.right_bottom);
        let (width, height) = (right - left, bottom - top);
        // Written so that a corner that is not a number is refused.
        if !(width >= MIN_FACE_SIDE && height >= MIN_FACE_SIDE) {
            return None;
        }
        let points = match self
            .points
            .map(|points| points.map(|p| frame.to_picture(p)))
        {
            Some(points) if !are_of_a_face(&points, [left, top, right, bottom]) => return None,
            points => points,
        };
        let area = Area::inside(left, top, right, bottom, image);
        let bounding_box = BoundingBox {
            x: area.left as f32,
            y: area.top as f32,
            width: area.width as f32,
            height: area.height as f32,
        };
        let point = |(x, y): (f64, f64)| Point {
            x: x as f32,
            y: y as f32,
        };
        Some(Detection {
            bounding_box,
            confidence: self.confidence.min(1.0),
            points: points.map(|points| FivePoints::of(points.map(point))),
        })
    }
}

/// Whether points are not all one, and none is farther from its face's box than the box is wide or high. One that is not a
/// number is nowhere.
fn are_of_a_face(points: &[(f64, f64); 5], [left, top, right, bottom]: [f64; 4]) -> bool {
    let (width, height) = (right - left, bottom - top);
    let near = |(x, y): &(f64, f64)| {
        (left - width..=right + width).contains(x) && (top - height..=bottom + height).contains(y)
    };
    let [first, others @ ..] = points;
    let apart = |other: &(f64, f64)| (other.0 - first.0).hypot(other.1 - first.1) >= MIN_SPREAD;
    points.iter().all(near) && others.iter().any(apart)
}

/// Non-maximum suppression: of boxes that overlap the most confident stays, then of nested ones the largest, since
/// a tile's edge cuts faces. Largest first.
pub(super) fn distinct(mut detections: Vec<Detection>) -> Vec<Detection> {
    detections.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept = keep_first(detections, |a, b| a.overlap(b) > MAX_OVERLAP);
    kept.sort_by(|a, b| b.bounding_box.area().total_cmp(&a.bounding_box.area()));
    keep_first(kept, |a, b| {
        a.shared_area(b) / a.area().min(b.area()) > MAX_CONTAINED
    })
}

/// Drops every detection that is the same face as an earlier one, by the boxes of both.
fn keep_first(
    detections: Vec<Detection>,
    same: impl Fn(&BoundingBox, &BoundingBox) -> bool,
) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::new();
    for detection in detections {
        let repeats = |other: &Detection| same(&other.bounding_box, &detection.bounding_box);
        if !kept.iter().any(repeats) {
            kept.push(detection);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::vision::detect::canvas::Canvas;

    const POINTS: [(f64, f64); 5] = [
        (20.0, 30.0),
        (40.0, 30.0),
        (30.0, 40.0),
        (22.0, 50.0),
        (38.0, 50.0),
    ];

    fn detection(x: f32, width: f32, confidence: f32) -> Detection {
        Detection {
            bounding_box: BoundingBox {
                x,
                y: 0.0,
                width,
                height: width,
            },
            confidence,
            points: None,
        }
    }

    #[test]
    fn of_overlapping_boxes_the_most_confident_stays_and_the_largest_comes_first() {
        let found = distinct(vec![
            detection(0.0, 10.0, 0.9),
            detection(1.0, 10.0, 0.99),
            detection(100.0, 30.0, 0.86),
            detection(105.0, 8.0, 0.95),
        ]);
        let boxes: Vec<_> = found
            .iter()
            .map(|d| (d.bounding_box.x, d.confidence))
            .collect();
        assert_eq!(boxes, [(100.0, 0.86), (1.0, 0.99)]);
    }

    /// A find that is placed in the right half of a picture of 640 x 480, which fills a canvas of 320 x 480 pixels.
    fn placed(find: &Find) -> Option<Detection> {
        let image = View::whole(RgbImage::new(640, 480));
        let area = Area::inside(320.0, 0.0, 640.0, 480.0, &image);
        let canvas = Canvas {
            width: 160,
            height: 240,
        };
        find.placed(&Frame::fit(area, 1.0, canvas), &image)
    }

    fn find(corners: [f64; 4], points: Option<[(f64, f64); 5]>) -> Find {
        let [left, top, right, bottom] = corners;
        Find {
            left_top: (left, top),
            right_bottom: (right, bottom),
            confidence: 1.5,
            points,
        }
    }

    #[test]
    fn a_find_and_its_points_are_told_in_the_pixels_of_the_picture() {
        let face = placed(&find([10.0, 10.0, 50.0, 60.0], Some(POINTS))).unwrap();
        let expected = BoundingBox {
            x: 340.0,
            y: 20.0,
            width: 80.0,
            height: 100.0,
        };
        assert_eq!((face.bounding_box, face.confidence), (expected, 1.0));
        let points = face.points.unwrap();
        assert_eq!(points.left_eye, Point { x: 360.0, y: 60.0 });
        assert_eq!(points.right_mouth, Point { x: 396.0, y: 100.0 });
        let without = placed(&find([10.0, 10.0, 50.0, 60.0], None)).unwrap();
        assert_eq!((without.bounding_box, without.points), (expected, None));
    }

    #[test]
    fn tiny_and_absurd_boxes_are_no_faces() {
        let is_face = |corners| placed(&find(corners, None)).is_some();
        assert!(is_face([10.0, 10.0, 50.0, 60.0]));
        assert!(!is_face([10.0, 10.0, 15.9, 60.0]));
        assert!(!is_face([10.0, 10.0, 50.0, 15.9]));
        assert!(!is_face([50.0, 60.0, 10.0, 10.0]));
        assert!(!is_face([10.0, 10.0, f64::NAN, 60.0]));
        assert!(!is_face([f64::NAN, 10.0, 50.0, 60.0]));
    }

    #[test]
    fn points_that_are_none_of_a_face_are_those_of_no_face() {
        let is_face = |points| placed(&find([10.0, 10.0, 50.0, 60.0], Some(points))).is_some();
        let with_nose = |nose| {
            let mut points = POINTS;
            points[2] = nose;
            is_face(points)
        };
        assert!(is_face(POINTS) && with_nose((5.0, 40.0)));
        assert!(!with_nose((-31.0, 40.0)));
        assert!(!with_nose((30.0, 111.0)));
        assert!(!with_nose((f64::NAN, 40.0)));
        assert!(!is_face([(30.0, 30.0); 5]));
    }
}
