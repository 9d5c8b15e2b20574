//! Measures of an aligned face that tell how well it can be compared.

use image::RgbImage;

use super::picture::View;
use super::tensor::luminance;
use crate::domain::face::{BoundingBox, Details, FivePoints, Quality};

/// The part of an aligned face that is skin, eyes and mouth, from brows to chin: what surrounds it is often hair or wall.
const INNER_COLUMNS: std::ops::Range<usize> = 24..88;
const INNER_ROWS: std::ops::Range<usize> = 32..104;
/// Luminances up to it are black, from ISO/IEC 29794-5's measure of under-exposure.
const BLACK: u8 = 25;
/// Luminances from it on are white, from the same on over-exposure.
const WHITE: u8 = 247;

/// Measures the aligned picture of a face whose points and box lie there in the original.
pub(super) fn measure(
    aligned: &RgbImage,
    points: &FivePoints,
    face: &BoundingBox,
    image: &View,
) -> Quality {
    let grey = luminance(aligned);
    let (brightness, variance) = mean_and_variance(&grey);
    let width = aligned.width() as usize;
    Quality {
        inter_eye_distance: points.inter_eye_distance(),
        sharpness: sharpness(&grey, width),
        brightness: brightness / 255.0,
        contrast: variance.sqrt() / 255.0,
        details: Some(details(&grey, width, margin(face, image))),
        embedding_length: None,
    }
}

fn details(grey: &[f32], width: usize, margin: f32) -> Details {
    let middle = INNER_COLUMNS.start.midpoint(INNER_COLUMNS.end);
    let mut histogram = [0_u32; 256];
    let (mut left, mut right) = (0.0, 0.0);
    for row in INNER_ROWS {
        for column in INNER_COLUMNS {
            let value = grey[row * width + column];
            histogram[(value + 0.5) as usize & 255] += 1;
            *(if column < middle {
                &mut left
            } else {
                &mut right
            }) += value;
        }
    }
    let pixels = (INNER_ROWS.len() * INNER_COLUMNS.len()) as f32;
    let share = |bins: &[u32]| bins.iter().sum::<u32>() as f32 / pixels;
    Details {
        under_exposure: share(&histogram[..=usize::from(BLACK)]),
        over_exposure: share(&histogram[usize::from(WHITE)..]),
        illumination_uniformity: if left.max(right) > 0.0 {
            left.min(right) / left.max(right)
        } else {
            1.0
        },
        dynamic_range: entropy(&histogram, pixels),
        margin,
    }
}

/// Bits a pixel.
fn entropy(histogram: &[u32], pixels: f32) -> f32 {
    let shares = histogram.iter().map(|&count| count as f32 / pixels);
    let bits: f32 = shares
        .filter(|share| *share > 0.0)
        .map(|share| share * share.log2())
        .sum();
    // Not the negative zero that one luminance alone has.
    0.0_f32.max(-bits)
}

/// From a face to the nearest edge of the picture, in widths of the face.
fn margin(face: &BoundingBox, image: &View) -> f32 {
    let right = image.width() as f32 - face.x - face.width;
    let below = image.height() as f32 - face.y - face.height;
    face.x.min(face.y).min(right).min(below).max(0.0) / face.width
}

/// Variance of the four-neighbour Laplacian over the inner pixels.
fn sharpness(grey: &[f32], width: usize) -> f32 {
    let height = grey.len() / width;
    let mut laplacian = Vec::with_capacity(grey.len());
    for y in 1..height - 1 {
        for x in 1..width - 1 {
            let at = y * width + x;
            laplacian.push(
                grey[at - 1] + grey[at + 1] + grey[at - width] + grey[at + width] - 4.0 * grey[at],
            );
        }
    }
    mean_and_variance(&laplacian).1
}

fn mean_and_variance(values: &[f32]) -> (f32, f32) {
    let n = values.len() as f32;
    let mean = values.iter().sum::<f32>() / n;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f32>()
        / n;
    (mean, variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::Point;

    const POINT: Point = Point { x: 0.0, y: 0.0 };
    const POINTS: FivePoints = FivePoints {
        left_eye: POINT,
        right_eye: Point { x: 30.0, y: 40.0 },
        nose: POINT,
        left_mouth: POINT,
        right_mouth: POINT,
    };
    const FACE: BoundingBox = BoundingBox {
        x: 50.0,
        y: 60.0,
        width: 100.0,
        height: 120.0,
    };

    fn measured(aligned: &RgbImage) -> Quality {
        let picture = View::whole(RgbImage::new(300, 200));
        measure(aligned, &POINTS, &FACE, &picture)
    }

    fn details(aligned: &RgbImage) -> Details {
        measured(aligned).details.unwrap()
    }

    fn flat(value: u8) -> RgbImage {
        RgbImage::from_pixel(112, 112, image::Rgb([value; 3]))
    }

    #[test]
    fn a_flat_picture_has_neither_contrast_nor_sharpness_nor_range() {
        let quality = measured(&flat(51));
        assert_eq!(quality.inter_eye_distance, 50.0);
        assert!((quality.brightness - 0.2).abs() < 1e-3);
        assert!(quality.contrast < 1e-3 && quality.sharpness < 1e-3);
        let details = details(&flat(51));
        assert_eq!(details.dynamic_range, 0.0);
        assert_eq!((details.under_exposure, details.over_exposure), (0.0, 0.0));
    }

    #[test]
    fn a_blurred_picture_is_less_sharp() {
        let board = RgbImage::from_fn(112, 112, |x, y| {
            image::Rgb([if (x / 4 + y / 4) % 2 == 0 { 0 } else { 255 }; 3])
        });
        let blurred = image::imageops::blur(&board, 2.0);
        assert!(measured(&blurred).sharpness < 0.1 * measured(&board).sharpness);
    }

    #[test]
    fn black_is_under_exposed_white_is_over_exposed_and_half_of_each_is_both() {
        assert_eq!(details(&flat(10)).under_exposure, 1.0);
        assert_eq!(details(&flat(0)).illumination_uniformity, 1.0);
        assert_eq!(details(&flat(250)).over_exposure, 1.0);
        let halves = RgbImage::from_fn(112, 112, |x, _| {
            image::Rgb([if x < 56 { 0 } else { 255 }; 3])
        });
        let details = details(&halves);
        assert_eq!((details.under_exposure, details.over_exposure), (0.5, 0.5));
        assert_eq!(details.dynamic_range, 1.0);
        assert_eq!(details.illumination_uniformity, 0.0);
    }

    #[test]
    fn light_from_either_side_is_as_uneven_and_light_from_above_is_even() {
        let lit = |from: fn(u32, u32) -> u32| {
            details(&RgbImage::from_fn(112, 112, |x, y| {
                image::Rgb([(60 + from(x, y)) as u8; 3])
            }))
            .illumination_uniformity
        };
        let (left, right) = (lit(|x, _| 111 - x), lit(|x, _| x));
        assert!(left < 0.8 && (left - right).abs() < 0.01, "{left} {right}");
        assert!(lit(|_, y| y) > 0.999);
    }

    #[test]
    fn the_margin_is_that_to_the_nearest_edge_and_never_below_zero() {
        let margin = |width, height| margin(&FACE, &View::whole(RgbImage::new(width, height)));
        assert_eq!(margin(300, 200), 0.2);
        assert_eq!(margin(300, 300), 0.5);
        assert_eq!(margin(155, 300), 0.05);
        assert_eq!(margin(149, 300), 0.0);
    }
}
