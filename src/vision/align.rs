//! Turning a face upright: the least-squares similarity transform onto the five-point template of ArcFace.
//!
//! In the plane, a rotation with a scale is the multiplication with a complex number, so Umeyama's estimate
//! (IEEE TPAMI 13(4), 1991) is one quotient of sums and needs no singular value decomposition. A reflection cannot
//! arise, since the template is not one.

use image::{ImageBuffer, Pixel, Rgb32FImage};

use super::VisionError;
use super::crop::{Area, Scaler};
use super::picture::View;
use super::points::{bounds, mean};
use super::raster::Raster;
use crate::domain::face::{FivePoints, Point};

/// Side of an aligned face, in pixels.
pub(super) const SIDE: u32 = 112;
/// Where the points of a face lie on an aligned one (left eye, right eye, nose, left and right mouth corner).
const TEMPLATE: [(f64, f64); 5] = [
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
];
/// Larger reductions are averaged down to it first; below it bilinear samples miss nothing.
const MAX_SAMPLED_REDUCTION: f64 = 2.0;
/// Samples along each side of a pixel of the aligned face.
const SAMPLES: u32 = 1;
/// The same where what is sampled has twice its pixels: with one sample, how blurred it is would depend on how the pixels of
/// both lie to each other, and change with every shift of the face.
const SAMPLES_OF_REDUCED: u32 = 2;

/// `p -> a * p + b` over complex numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Similarity {
    a: (f64, f64),
    b: (f64, f64),
}

impl Similarity {
    /// The transform that brings `from` nearest to `to`; `None` where all points are one.
    fn estimate(from: &[(f64, f64)], to: &[(f64, f64)]) -> Option<Self> {
        let (p0, q0) = (mean(from.iter().copied()), mean(to.iter().copied()));
        let (mut real, mut imaginary, mut norm) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py, qx, qy) = (p.0 - p0.0, p.1 - p0.1, q.0 - q0.0, q.1 - q0.1);
            real += px * qx + py * qy;
            imaginary += px * qy - py * qx;
            norm += px * px + py * py;
        }
        let a = (real / norm, imaginary / norm);
        let scale = a.0.hypot(a.1);
        if !scale.is_finite() || scale < 1e-9 {
            return None;
        }
        let moved = multiply(a, p0);
        Some(Self {
            a,
            b: (q0.0 - moved.0, q0.1 - moved.1),
        })
    }

    fn scale(&self) -> f64 {
        self.a.0.hypot(self.a.1)
    }

    /// The point that the transform brings to `q`.
    fn invert(&self, q: (f64, f64)) -> (f64, f64) {
        let norm = self.a.0 * self.a.0 + self.a.1 * self.a.1;
        let moved = multiply(
            (self.a.0 / norm, -self.a.1 / norm),
            (q.0 - self.b.0, q.1 - self.b.1),
        );
        (moved.0, moved.1)
    }
}

fn multiply(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// How a face is turned upright.
pub(super) struct Alignment(Similarity);

impl Alignment {
    /// The alignment of a face with these points.
    pub(super) fn of(points: &FivePoints) -> Result<Self, VisionError> {
        let from = points
            .all()
            .map(|Point { x, y }| (f64::from(x), f64::from(y)));
        let transform = Similarity::estimate(&from, &TEMPLATE).ok_or_else(|| {
            VisionError::Inference("the landmarks of a face are all one point".to_owned())
        })?;
        Ok(Self(transform))
    }

    /// The part of the picture that the aligned face shows, with a pixel of margin at the aligned scale.
    pub(super) fn covered_area(&self, image: &View) -> Area {
        let (low, high) = (-1.0, f64::from(SIDE));
        let corners = [(low, low), (high, low), (low, high), (high, high)];
        let [left, top, right, bottom] = bounds(&corners.map(|corner| self.0.invert(corner)));
        let (left, top) = (left.floor(), top.floor());
        Area::inside(left, top, right.ceil(), bottom.ceil(), image)
    }

    /// The aligned face, 112 x 112, with values from 0 to 255, which are not rounded: an embedder answers to much less than one.
    /// It is black where it reaches beyond the picture.
    pub(super) fn apply(
        &self,
        image: &View,
        scaler: &mut Scaler,
    ) -> Result<Rgb32FImage, VisionError> {
        let invert = |q| image.to_pixel(self.0.invert(q));
        let reduction = 1.0 / self.0.scale();
        // Not by how far the view is reduced already, so that the face is as sharp in every view.
        if reduction <= MAX_SAMPLED_REDUCTION {
            return Ok(warp(image.pixels(), SAMPLES, invert));
        }
        let area = self.covered_area(image);
        let scale = MAX_SAMPLED_REDUCTION / reduction;
        let side = |length: f64| ((length * scale).ceil() as u32).max(1);
        let (width, height) = (side(area.width), side(area.height));
        let reduced = scaler.reduce_exactly(image, area, width, height)?;
        let area = image.to_pixels(area);
        let (x_ratio, y_ratio) = (
            f64::from(width) / area.width,
            f64::from(height) / area.height,
        );
        // Pixel centres lie at half steps on both sides of the reduction.
        Ok(warp(&reduced, SAMPLES_OF_REDUCED, |q| {
            let (x, y) = invert(q);
            (
                (x + 0.5 - area.left) * x_ratio - 0.5,
                (y + 0.5 - area.top) * y_ratio - 0.5,
            )
        }))
    }
}

/// Every pixel of the aligned face is the mean of samples around its middle, where `source`, which keeps lines straight, says
/// that they come from.
fn warp<P: Pixel<Subpixel: Into<f32>>>(
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    samples: u32,
    source: impl Fn((f64, f64)) -> (f64, f64),
) -> Rgb32FImage {
    let step = 1.0 / f64::from(samples);
    let corner = (step - 1.0) / 2.0;
    let first = source((corner, corner));
    let steps = [(corner + step, corner), (corner, corner + step)].map(|neighbour| {
        let (x, y) = source(neighbour);
        (x - first.0, y - first.1)
    });
    let raster = Raster::new(first, steps, samples, (SIDE, SIDE));
    let mut aligned = Rgb32FImage::new(SIDE, SIDE);
    let colours = raster.colours_of(image, |at| sample(image, at));
    for (pixel, colours) in aligned.pixels_mut().zip(colours) {
        pixel.0 = colours;
    }
    aligned
}

/// Bilinear sample; pixels beyond the picture are black.
fn sample<P: Pixel<Subpixel: Into<f32>>>(
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    (x, y): (f64, f64),
) -> [f32; 3] {
    let (x0, y0) = (floor(x), floor(y));
    let (fx, fy) = ((x - x0 as f64) as f32, (y - y0 as f64) as f32);
    let weights = [
        (1.0 - fx) * (1.0 - fy),
        fx * (1.0 - fy),
        (1.0 - fx) * fy,
        fx * fy,
    ];
    let corners = [(x0, y0), (x0 + 1, y0), (x0, y0 + 1), (x0 + 1, y0 + 1)];
    let mut sum = [0.0_f32; 3];
    for ((x, y), weight) in corners.into_iter().zip(weights) {
        let Some(pixel) = pixel(image, x, y) else {
            continue;
        };
        for (total, channel) in sum.iter_mut().zip(pixel) {
            *total += weight * channel.into();
        }
    }
    sum
}

/// The largest whole number that is not above. The method of the standard library is a call on processors of any age.
fn floor(value: f64) -> i64 {
    let towards_zero = value as i64;
    towards_zero.saturating_sub(i64::from(towards_zero as f64 > value))
}

fn pixel<P: Pixel>(
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    x: i64,
    y: i64,
) -> Option<[P::Subpixel; 3]> {
    let (width, height) = image.dimensions();
    // Negative ones are far too large without their sign.
    if x.cast_unsigned() >= u64::from(width) || y.cast_unsigned() >= u64::from(height) {
        return None;
    }
    let at = 3 * (y as usize * width as usize + x as usize);
    image.as_raw().get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn a_rotated_scaled_and_shifted_template_is_found_again() {
        let (a, b) = ((1.2, -0.7), (30.0, -12.5));
        let moved = TEMPLATE.map(|p| {
            let q = multiply(a, p);
            (q.0 + b.0, q.1 + b.1)
        });
        let back = Similarity::estimate(&moved, &TEMPLATE).unwrap();
        for (point, home) in TEMPLATE.iter().zip(moved) {
            let found = back.invert(*point);
            assert!((found.0 - home.0).abs() < 1e-9 && (found.1 - home.1).abs() < 1e-9);
        }
    }

    #[test]
    fn whole_numbers_below_are_found_on_both_sides_of_zero() {
        let values = [-2.0, -1.5, -0.1, 0.0, 0.9, 1.0, 7.25];
        assert_eq!(
            values.map(floor),
            values.map(|value: f64| value.floor() as i64)
        );
    }

    #[test]
    fn one_point_has_no_orientation() {
        assert_eq!(Similarity::estimate(&[(3.0, 3.0); 5], &TEMPLATE), None);
    }

    #[test]
    fn points_far_beyond_a_picture_give_a_black_face() {
        let white = View::whole(RgbImage::from_pixel(40, 30, image::Rgb([255; 3])));
        let mut scaler = Scaler::default();
        for (shift, spread) in [(1e9, 1.0), (-1e6, 1e3), (1e12, 1e8)] {
            let point = |(x, y): (f64, f64)| Point {
                x: (x * spread + shift) as f32,
                y: (y * spread + shift) as f32,
            };
            let [left_eye, right_eye, nose, left_mouth, right_mouth] = TEMPLATE.map(point);
            let alignment = Alignment::of(&FivePoints {
                left_eye,
                right_eye,
                nose,
                left_mouth,
                right_mouth,
            });
            let aligned = alignment.and_then(|alignment| alignment.apply(&white, &mut scaler));
            // Beside them 32 bits may tell too little to align anything by.
            let black = |face: Rgb32FImage| face.iter().all(|value| *value == 0.0);
            assert!(aligned.map_or(true, black), "{shift} {spread}");
        }
    }

    #[test]
    fn a_large_picture_aligns_to_the_same_face_as_its_reduced_copy() {
        let wave = |v: f64| (128.0 + 100.0 * v.sin()) as u8;
        let large = RgbImage::from_fn(1600, 1600, |x, y| {
            image::Rgb([
                wave(f64::from(x) / 90.0),
                wave(f64::from(y) / 70.0),
                wave(f64::from(x + y) / 110.0),
            ])
        });
        let mut scaler = Scaler::default();
        let large = View::whole(large);
        let small = scaler.scale(&large, Area::whole(&large), 200, 200).unwrap();
        let small = View::whole(small);
        let at = |scale: f64| {
            let point = |(x, y): (f64, f64)| Point {
                x: ((x + 40.5) * scale - 0.5) as f32,
                y: ((y + 30.5) * scale - 0.5) as f32,
            };
            let [a, b, c, d, e] = TEMPLATE.map(point);
            FivePoints {
                left_eye: a,
                right_eye: b,
                nose: c,
                left_mouth: d,
                right_mouth: e,
            }
        };
        let mut align = |image: &View, points: FivePoints| {
            let alignment = Alignment::of(&points).unwrap();
            alignment.apply(image, &mut scaler).unwrap()
        };
        let from_large = align(&large, at(8.0));
        let from_small = align(&small, at(1.0));
        let difference = from_large
            .as_raw()
            .iter()
            .zip(from_small.as_raw())
            .map(|(a, b)| (a - b).abs());
        assert!(difference.fold(0.0, f32::max) <= 6.0);
    }
}
