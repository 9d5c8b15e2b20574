//! Pictures of documents that lie on their side or their head.

use std::sync::Arc;

use image::{RgbImage, imageops};

use crate::domain::face::{BoundingBox, Face, Point};

/// Clockwise turns by a quarter, 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quarters(u8);

impl Quarters {
    /// As it is.
    pub(super) const NONE: Self = Self(0);
    /// Any other way.
    pub(super) const OTHERS: [Self; 3] = [Self(1), Self(2), Self(3)];

    pub(super) fn new(quarters: u8) -> Self {
        Self(quarters % 4)
    }

    /// The size of a picture before it was turned to this one.
    pub(super) fn size_before(self, (width, height): (f64, f64)) -> (f64, f64) {
        if self.0.is_multiple_of(2) {
            (width, height)
        } else {
            (height, width)
        }
    }

    /// Puts a face of the turned picture where it is in the picture of this size before.
    pub(super) fn undo(self, face: &mut Face, (width, height): (f32, f32)) {
        if self.0 == 0 {
            return;
        }
        let back = |point: Point| {
            let Point { x, y } = point;
            match self.0 {
                1 => Point {
                    x: y,
                    y: height - x,
                },
                2 => Point {
                    x: width - x,
                    y: height - y,
                },
                _ => Point { x: width - y, y: x },
            }
        };
        let BoundingBox {
            x,
            y,
            width: w,
            height: h,
        } = face.bounding_box;
        let (a, b) = (back(Point { x, y }), back(Point { x: x + w, y: y + h }));
        face.bounding_box = BoundingBox {
            x: a.x.min(b.x),
            y: a.y.min(b.y),
            width: (a.x - b.x).abs(),
            height: (a.y - b.y).abs(),
        };
        let marks = &mut face.landmarks;
        for mark in [
            &mut marks.left_eye,
            &mut marks.right_eye,
            &mut marks.nose,
            &mut marks.left_mouth,
            &mut marks.right_mouth,
        ] {
            *mark = back(*mark);
        }
    }
}

/// The picture, turned.
pub(super) fn turned(image: impl Into<Arc<RgbImage>>, quarters: Quarters) -> Arc<RgbImage> {
    let image = image.into();
    let turned = match quarters.0 {
        0 => return image,
        1 => imageops::rotate90(&*image),
        2 => imageops::rotate180(&*image),
        _ => imageops::rotate270(&*image),
    };
    Arc::new(turned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::{FivePoints, Quality};

    #[test]
    fn a_face_of_the_turned_picture_is_put_back_where_its_pixels_were() {
        let mut image = RgbImage::new(30, 20);
        for (x, y) in [(4, 2), (5, 2), (6, 2)] {
            image.put_pixel(x, y, image::Rgb([255; 3]));
        }
        for quarters in 0..4 {
            let quarters = Quarters::new(quarters);
            let turned = turned(image.clone(), quarters);
            let lit = || {
                let pixels = turned.enumerate_pixels();
                pixels
                    .filter(|(.., pixel)| pixel.0[0] > 0)
                    .map(|(x, y, _)| (x as f32, y as f32))
            };
            let left = lit().map(|p| p.0).fold(f32::MAX, f32::min);
            let top = lit().map(|p| p.1).fold(f32::MAX, f32::min);
            let right = lit().map(|p| p.0 + 1.0).fold(0.0, f32::max);
            let bottom = lit().map(|p| p.1 + 1.0).fold(0.0, f32::max);
            let point = Point { x: left, y: top };
            let mut face = Face {
                bounding_box: BoundingBox {
                    x: left,
                    y: top,
                    width: right - left,
                    height: bottom - top,
                },
                confidence: 1.0,
                landmarks: FivePoints {
                    left_eye: point,
                    right_eye: point,
                    nose: point,
                    left_mouth: point,
                    right_mouth: point,
                },
                quality: Quality {
                    inter_eye_distance: 0.0,
                    sharpness: 0.0,
                    brightness: 0.0,
                    contrast: 0.0,
                    details: None,
                    embedding_length: None,
                },
                pose: None,
                eyes: None,
                liveness: None,
                template: None,
            };
            quarters.undo(&mut face, (30.0, 20.0));
            let expected = BoundingBox {
                x: 4.0,
                y: 2.0,
                width: 3.0,
                height: 1.0,
            };
            assert_eq!(face.bounding_box, expected, "{quarters:?}");
        }
    }
}
