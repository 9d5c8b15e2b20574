//! Lines of text as turned rectangles, and cutting them out.

use image::RgbImage;

use crate::domain::face::Point;

/// A rectangle of text. `along` is the direction that it is read in, of length 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) centre: (f64, f64),
    pub(super) along: (f64, f64),
    pub(super) length: f64,
    pub(super) thickness: f64,
}

impl Row {
    /// The direction from one line to the next.
    pub(super) fn down(&self) -> (f64, f64) {
        (-self.along.1, self.along.0)
    }

    /// The same, read from the other end.
    pub(super) fn reversed(self) -> Self {
        Self {
            along: (-self.along.0, -self.along.1),
            ..self
        }
    }

    /// Where a point lies, seen from the centre: along the text and down from it.
    pub(super) fn locate(&self, point: (f64, f64)) -> (f64, f64) {
        let offset = (point.0 - self.centre.0, point.1 - self.centre.1);
        (dot(offset, self.along), dot(offset, self.down()))
    }

    /// The point at a place of [`Row::locate`].
    pub(super) fn at(&self, along: f64, down: f64) -> (f64, f64) {
        let normal = self.down();
        (
            self.centre.0 + along * self.along.0 + down * normal.0,
            self.centre.1 + along * self.along.1 + down * normal.1,
        )
    }

    /// The same with so much less height; at least half of it stays.
    pub(super) fn thinner(self, excess: f64) -> Self {
        Self {
            thickness: (self.thickness - excess).max(self.thickness / 2.0),
            ..self
        }
    }

    /// How much longer than high.
    pub(super) fn aspect(&self) -> f64 {
        self.length / self.thickness
    }

    /// The part of it between two places along it.
    pub(super) fn between(&self, start: f64, end: f64) -> Self {
        Self {
            centre: self.at(f64::midpoint(start, end), 0.0),
            length: end - start,
            ..*self
        }
    }

    /// Cuts it out, turned level and scaled. Where the picture is reduced, several samples make a pixel.
    pub(super) fn cut(&self, image: &RgbImage, width: u32, height: u32) -> RgbImage {
        let step = (
            self.length / f64::from(width),
            self.thickness / f64::from(height),
        );
        let samples = step.0.max(step.1).ceil().clamp(1.0, MAX_SAMPLES) as u32;
        let mut level = RgbImage::new(width, height);
        for (x, y, pixel) in level.enumerate_pixels_mut() {
            let mut sum = [0.0_f32; 3];
            for index in 0..samples * samples {
                let part = |n: u32| (f64::from(n) + 0.5) / f64::from(samples);
                let along = (f64::from(x) + part(index % samples)) * step.0 - self.length / 2.0;
                let down = (f64::from(y) + part(index / samples)) * step.1 - self.thickness / 2.0;
                let (px, py) = self.at(along, down);
                add_sample(image, px - 0.5, py - 0.5, &mut sum);
            }
            let count = (samples * samples) as f32;
            pixel.0 = sum.map(|total| (total / count + 0.5) as u8);
        }
        level
    }
}

/// Most samples along each side of a pixel: pictures ten times as wide as what is read are left a little rough.
const MAX_SAMPLES: f64 = 4.0;

pub(super) fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

pub(super) fn cross(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.1 - a.1 * b.0
}

pub(super) fn to_point(point: (f64, f64)) -> Point {
    Point {
        x: point.0 as f32,
        y: point.1 as f32,
    }
}

/// Bilinear; beyond the picture its edge goes on.
fn add_sample(image: &RgbImage, x: f64, y: f64, sum: &mut [f32; 3]) {
    let (x, y) = (
        x.clamp(0.0, f64::from(image.width() - 1)),
        y.clamp(0.0, f64::from(image.height() - 1)),
    );
    let (left, top) = (x as u32, y as u32);
    let (right, bottom) = (
        (left + 1).min(image.width() - 1),
        (top + 1).min(image.height() - 1),
    );
    let (fx, fy) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
    for (x, y, weight) in [
        (left, top, (1.0 - fx) * (1.0 - fy)),
        (right, top, fx * (1.0 - fy)),
        (left, bottom, (1.0 - fx) * fy),
        (right, bottom, fx * fy),
    ] {
        let pixel = image.get_pixel(x, y).0;
        for (total, channel) in sum.iter_mut().zip(pixel) {
            *total += weight * f32::from(channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_row_is_cut_out_level() {
        // A dark bar from the top to the bottom, its upper half darker: read downwards, it begins dark.
        let image = RgbImage::from_fn(60, 200, |x, y| {
            let inside = (20..40).contains(&x);
            image::Rgb(
                [if !inside {
                    255
                } else if y < 100 {
                    40
                } else {
                    120
                }; 3],
            )
        });
        let row = Row {
            centre: (30.0, 100.0),
            along: (0.0, 1.0),
            length: 200.0,
            thickness: 20.0,
        };
        let level = row.cut(&image, 50, 10);
        assert_eq!(
            (level.get_pixel(5, 5).0[0], level.get_pixel(45, 5).0[0]),
            (40, 120)
        );
        let back = row.reversed().cut(&image, 50, 10);
        assert_eq!(
            (back.get_pixel(5, 5).0[0], back.get_pixel(45, 5).0[0]),
            (120, 40)
        );
        assert_eq!(row.down(), (-1.0, 0.0));
        assert_eq!(row.locate(row.at(12.0, -3.0)), (12.0, -3.0));
    }

    #[test]
    fn a_row_beyond_the_picture_goes_on_with_its_edge() {
        let image = RgbImage::from_pixel(10, 10, image::Rgb([77; 3]));
        let row = Row {
            centre: (-50.0, 300.0),
            along: (0.6, 0.8),
            length: 400.0,
            thickness: 90.0,
        };
        assert!(
            row.cut(&image, 32, 8)
                .pixels()
                .all(|pixel| pixel.0 == [77; 3])
        );
    }
}
