//! Cutting lines of text out of pictures, turned level and scaled.

use image::RgbImage;

use super::geometry::{Row, times};
use crate::vision::raster::{Raster, mix};
use crate::vision::tensor::luminance_of;

/// Most samples along each side of a pixel: pictures ten times as wide as what is read are left a little rough.
const MAX_SAMPLES: f64 = 4.0;

impl Row {
    /// Cuts it out, turned level and scaled. Where the picture is reduced, several samples make a pixel.
    pub(super) fn cut(&self, image: &RgbImage, width: u32, height: u32) -> RgbImage {
        let raster = self.raster(width, height);
        let mut level = RgbImage::new(width, height);
        let colours = raster.colours_of(image, |at| sample(image, at));
        for (pixel, colours) in level.pixels_mut().zip(colours) {
            pixel.0 = colours.map(|value| (value + 0.5) as u8);
        }
        level
    }

    /// The luminance of what [`Row::cut`] gives, 0 to 255, not rounded.
    pub(super) fn cut_grey(&self, image: &RgbImage, width: u32, height: u32) -> Vec<f32> {
        let grey = |colours| [luminance_of(colours)];
        let raster = self.raster(width, height);
        let means = raster.means_of(image, grey, |at| sample(image, at));
        means.into_flattened()
    }

    /// Where the samples of so many pixels of it lie.
    fn raster(&self, width: u32, height: u32) -> Raster {
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
        Raster::new(first, [right, below], samples as u32, (width, height))
    }
}

/// Bilinear; beyond the picture its edge goes on.
fn sample(image: &RgbImage, (x, y): (f64, f64)) -> [f32; 3] {
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
