//! Cutting lines of text out of pictures, turned level and scaled.

use image::RgbImage;

use super::geometry::{Row, times};
use crate::vision::points::bounds;
use crate::vision::tensor::luminance_of;

/// Most samples along each side of a pixel: pictures ten times as wide as what is read are left a little rough.
const MAX_SAMPLES: f64 = 4.0;
/// A part of a picture that has more pixels for a sample is not worth a copy.
const MAX_AREA: f64 = 4.0;
/// Parts of a pixel.
const PARTS: f64 = 4_294_967_296.0;

impl Row {
    /// Cuts it out, turned level and scaled. Where the picture is reduced, several samples make a pixel.
    pub(super) fn cut(&self, image: &RgbImage, width: u32, height: u32) -> RgbImage {
        let four = |[red, green, blue]: [f32; 3]| [red, green, blue, 0.0];
        let means = Raster::of(self, width, height).means_of(image, four);
        let mut level = RgbImage::new(width, height);
        for (pixel, mean) in level.pixels_mut().zip(means) {
            let [red, green, blue, _] = mean.map(|value| (value + 0.5) as u8);
            pixel.0 = [red, green, blue];
        }
        level
    }

    /// The luminance of what [`Row::cut`] gives, 0 to 255, not rounded.
    pub(super) fn cut_grey(&self, image: &RgbImage, width: u32, height: u32) -> Vec<f32> {
        let grey = |colours| [luminance_of(colours)];
        let means = Raster::of(self, width, height).means_of(image, grey);
        means.into_flattened()
    }
}

/// A place in a picture in [`PARTS`]: steps of whole numbers add up without an error.
#[derive(Clone, Copy)]
struct Place {
    x: i64,
    y: i64,
}

impl Place {
    fn of((x, y): (f64, f64)) -> Self {
        let parts = |value: f64| (value * PARTS).round() as i64;
        Self {
            x: parts(x),
            y: parts(y),
        }
    }

    /// The place that is so many steps on.
    #[inline]
    fn steps(self, count: i64, step: Self) -> Self {
        Self {
            x: self.x + count * step.x,
            y: self.y + count * step.y,
        }
    }

    fn point(self) -> (f64, f64) {
        (self.x as f64 / PARTS, self.y as f64 / PARTS)
    }

    /// The pixel that it is in, and how far from it to the next ones, 0 to 1.
    #[inline]
    fn split(self) -> ((usize, usize), (f32, f32)) {
        // As many bits as a float has.
        let share = |parts: i64| ((parts as u32) >> 8) as f32 / 16_777_216.0;
        (
            ((self.x >> 32) as usize, (self.y >> 32) as usize),
            (share(self.x), share(self.y)),
        )
    }
}

/// Where the samples of the pixels of a row lie in a picture.
struct Raster {
    first: Place,
    right: Place,
    below: Place,
    /// Along each side of a pixel.
    samples: i64,
    width: i64,
    height: i64,
}

impl Raster {
    fn of(row: &Row, width: u32, height: u32) -> Self {
        let step = (
            row.length / f64::from(width),
            row.thickness / f64::from(height),
        );
        let samples = step.0.max(step.1).ceil().clamp(1.0, MAX_SAMPLES);
        // From one sample to its neighbours.
        let right = times(row.along, step.0 / samples);
        let below = times(row.down(), step.1 / samples);
        // The middle of the first sample; pixels have theirs at whole numbers.
        let corner = row.at(-row.length / 2.0, -row.thickness / 2.0);
        let first = (
            corner.0 + (right.0 + below.0 - 1.0) / 2.0,
            corner.1 + (right.1 + below.1 - 1.0) / 2.0,
        );
        Self {
            first: Place::of(first),
            right: Place::of(right),
            below: Place::of(below),
            samples: samples as i64,
            width: width.into(),
            height: height.into(),
        }
    }

    /// How many samples there are.
    fn count(&self) -> f64 {
        (self.width * self.height * self.samples * self.samples) as f64
    }

    /// Where the samples at its corners lie.
    fn corners(&self) -> [(f64, f64); 4] {
        let last = (
            self.width * self.samples - 1,
            self.height * self.samples - 1,
        );
        let corners = [(0, 0), (last.0, 0), (0, last.1), last];
        corners.map(|(column, row)| {
            self.first
                .steps(column, self.right)
                .steps(row, self.below)
                .point()
        })
    }

    /// The mean of each pixel's samples, of what is wanted of a picture's colours.
    fn means_of<const N: usize>(
        &self,
        image: &RgbImage,
        of: impl Fn([f32; 3]) -> [f32; N],
    ) -> Vec<[f32; N]> {
        match Plane::under(self, image, &of) {
            Some(plane) => self.means(|at| plane.sample(at)),
            None => self.means(|at| of(sample(image, at))),
        }
    }

    #[inline]
    fn means<const N: usize>(&self, sample: impl Fn(Place) -> [f32; N]) -> Vec<[f32; N]> {
        let share = 1.0 / (self.samples * self.samples) as f32;
        let mut means = Vec::with_capacity((self.width * self.height) as usize);
        for y in 0..self.height {
            for x in 0..self.width {
                let first = self
                    .first
                    .steps(x * self.samples, self.right)
                    .steps(y * self.samples, self.below);
                let mut sum = [0.0; N];
                for row in 0..self.samples {
                    let mut at = first.steps(row, self.below);
                    for _ in 0..self.samples {
                        for (sum, value) in sum.iter_mut().zip(sample(at)) {
                            *sum += value;
                        }
                        at = at.steps(1, self.right);
                    }
                }
                means.push(sum.map(|total| total * share));
            }
        }
        means
    }
}

/// A part of a picture, with as many values for each pixel as are wanted, and as many as are worked on at once.
struct Plane<const N: usize> {
    left: usize,
    top: usize,
    width: usize,
    pixels: Vec<[f32; N]>,
}

impl<const N: usize> Plane<N> {
    /// The part that a raster lies on; none where it reaches beyond the picture, or lies so aslant that hardly any of the part
    /// is sampled.
    fn under(raster: &Raster, image: &RgbImage, of: impl Fn([f32; 3]) -> [f32; N]) -> Option<Self> {
        let [left, top, right, bottom] = bounds(&raster.corners());
        let (columns, rows) = (f64::from(image.width()), f64::from(image.height()));
        let is_inside = left >= 0.0 && top >= 0.0 && right < columns - 1.0 && bottom < rows - 1.0;
        let area = (right - left) * (bottom - top);
        if !is_inside || area > MAX_AREA * raster.count() {
            return None;
        }
        let (left, top) = (left as usize, top as usize);
        let (right, bottom) = (right as usize + 2, bottom as usize + 2);
        let width = right - left;
        let stride = 3 * image.width() as usize;
        let mut pixels = Vec::with_capacity(width * (bottom - top));
        for row in image.as_raw().chunks_exact(stride).take(bottom).skip(top) {
            let part = row[3 * left..3 * right].as_chunks::<3>().0;
            pixels.extend(part.iter().map(|pixel| of(pixel.map(f32::from))));
        }
        Some(Self {
            left,
            top,
            width,
            pixels,
        })
    }

    /// Bilinear.
    #[inline]
    fn sample(&self, at: Place) -> [f32; N] {
        let ((x, y), (fx, fy)) = at.split();
        let start = (y - self.top) * self.width + x - self.left;
        let [above, below] = [start, start + self.width].map(|start| {
            let [left, right] = self.pixels[start..].first_chunk().unwrap_or(&[[0.0; N]; 2]);
            mix(left, right, fx)
        });
        mix(&above, &below, fy)
    }
}

fn mix<const N: usize>(first: &[f32; N], second: &[f32; N], share: f32) -> [f32; N] {
    std::array::from_fn(|lane| first[lane] + (second[lane] - first[lane]) * share)
}

/// Bilinear; beyond the picture its edge goes on.
fn sample(image: &RgbImage, at: Place) -> [f32; 3] {
    let (x, y) = at.point();
    let (width, height) = (image.width(), image.height());
    let (x, y) = (
        x.clamp(0.0, f64::from(width - 1)),
        y.clamp(0.0, f64::from(height - 1)),
    );
    let (left, top) = (x as u32, y as u32);
    let (fx, fy) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
    let [above, below] = [top, (top + 1).min(height - 1)].map(|row| {
        let [left, right] = pair(image, left, row).map(|pixel| pixel.map(f32::from));
        mix(&left, &right, fx)
    });
    mix(&above, &below, fy)
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
    use crate::vision::tensor::luminance;

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

    #[test]
    fn luminance_is_that_of_the_colours() {
        let image = RgbImage::from_fn(300, 200, |x, y| {
            image::Rgb([x, y, x * y / 7].map(|value| (value % 256) as u8))
        });
        for (centre, along, place) in [
            ((150.0, 100.0), (0.96, 0.28), "inside"),
            ((150.0, 100.0), (0.6, 0.8), "aslant"),
            ((20.0, 10.0), (1.0, 0.0), "beyond the edge"),
        ] {
            let row = Row {
                centre,
                along,
                length: 180.0,
                thickness: 40.0,
            };
            let colours = luminance(&row.cut(&image, 70, 20));
            let greys = row.cut_grey(&image, 70, 20);
            assert_eq!(greys.len(), colours.len());
            let apart = greys.iter().zip(&colours).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) <= 0.51, "{place}");
        }
    }
}
