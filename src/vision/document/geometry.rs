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
        let samples = step.0.max(step.1).ceil().clamp(1.0, MAX_SAMPLES);
        // From one sample to its neighbours.
        let right = times(self.along, step.0 / samples);
        let below = times(self.down(), step.1 / samples);
        // The middle of the first sample; pixels have theirs at whole numbers.
        let corner = self.at(-self.length / 2.0, -self.thickness / 2.0);
        let first = (
            corner.0 + (right.0 + below.0 - 1.0) / 2.0,
            corner.1 + (right.1 + below.1 - 1.0) / 2.0,
        );
        let samples = samples as u32;
        let sample = |column: u32, row: u32| {
            let (column, row) = (f64::from(column), f64::from(row));
            (
                first.0 + column * right.0 + row * below.0,
                first.1 + column * right.1 + row * below.1,
            )
        };
        let last = (width * samples - 1, height * samples - 1);
        let corners = [(0, 0), (last.0, 0), (0, last.1), last];
        let inside = corners
            .iter()
            .all(|(column, row)| is_inside(image, sample(*column, *row)));
        let add = if inside { add_inside } else { add_sample };
        let share = 1.0 / (samples * samples) as f32;
        let mut level = RgbImage::new(width, height);
        for (x, y, pixel) in level.enumerate_pixels_mut() {
            let mut sum = [0.0; LANES];
            for row in y * samples..(y + 1) * samples {
                for column in x * samples..(x + 1) * samples {
                    add(image, sample(column, row), &mut sum);
                }
            }
            let [red, green, blue, _] = sum.map(|total| (total * share + 0.5) as u8);
            pixel.0 = [red, green, blue];
        }
        level
    }
}

/// Most samples along each side of a pixel: pictures ten times as wide as what is read are left a little rough.
const MAX_SAMPLES: f64 = 4.0;

pub(super) fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

fn times(direction: (f64, f64), factor: f64) -> (f64, f64) {
    (direction.0 * factor, direction.1 * factor)
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

/// Channels, and one value more that makes them as many as are worked on at once.
const LANES: usize = 4;

/// Whether a sample there needs no look at where the picture ends.
fn is_inside(image: &RgbImage, (x, y): (f64, f64)) -> bool {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    x >= 0.0 && y >= 0.0 && x < width - 2.0 && y < height - 1.0
}

/// Bilinear; the sample has to be inside.
#[inline]
fn add_inside(image: &RgbImage, (x, y): (f64, f64), sum: &mut [f32; LANES]) {
    let (left, top) = (x as usize, y as usize);
    let (fx, fy) = ((x - left as f64) as f32, (y - top as f64) as f32);
    let stride = 3 * image.width() as usize;
    let start = top * stride + 3 * left;
    let pixels: &[u8] = image.as_raw();
    // Two pixels and a byte.
    let [above, below] =
        [start, start + stride].map(|start| pixels[start..].first_chunk::<7>().unwrap_or(&[0; 7]));
    let weights = [
        (1.0 - fx) * (1.0 - fy),
        fx * (1.0 - fy),
        (1.0 - fx) * fy,
        fx * fy,
    ];
    for lane in 0..LANES {
        sum[lane] += weights[0] * f32::from(above[lane])
            + weights[1] * f32::from(above[lane + 3])
            + weights[2] * f32::from(below[lane])
            + weights[3] * f32::from(below[lane + 3]);
    }
}

/// Bilinear; beyond the picture its edge goes on.
fn add_sample(image: &RgbImage, (x, y): (f64, f64), sum: &mut [f32; LANES]) {
    let (width, height) = (image.width(), image.height());
    let (x, y) = (
        x.clamp(0.0, f64::from(width - 1)),
        y.clamp(0.0, f64::from(height - 1)),
    );
    let (left, top) = (x as u32, y as u32);
    let (fx, fy) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
    let (above, below) = (
        pair(image, left, top),
        pair(image, left, (top + 1).min(height - 1)),
    );
    for channel in 0..3 {
        let mix = |pair: &[[u8; 3]; 2]| {
            let (left, right) = (f32::from(pair[0][channel]), f32::from(pair[1][channel]));
            left + (right - left) * fx
        };
        let (above, below) = (mix(&above), mix(&below));
        sum[channel] += above + (below - above) * fy;
    }
}

/// A pixel and its neighbour to the right.
fn pair(image: &RgbImage, left: u32, top: u32) -> [[u8; 3]; 2] {
    let start = 3 * (top as usize * image.width() as usize + left as usize);
    let pixels: &[u8] = &image.as_raw()[start..];
    match pixels {
        [a, b, c, d, e, f, ..] if left + 1 < image.width() => [[*a, *b, *c], [*d, *e, *f]],
        [a, b, c, ..] => [[*a, *b, *c]; 2],
        _ => [[0; 3]; 2],
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
