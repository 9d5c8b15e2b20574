//! Measures of an aligned face that tell how well it can be compared.

use image::RgbImage;

use super::crop::luminance;
use crate::domain::face::{FivePoints, Quality};

/// Measures the aligned picture of a face whose points lie at `points` in the original.
pub(super) fn measure(aligned: &RgbImage, points: &FivePoints) -> Quality {
    let grey = luminance(aligned);
    let (brightness, variance) = mean_and_variance(&grey);
    Quality {
        inter_eye_distance: points.inter_eye_distance(),
        sharpness: sharpness(&grey, aligned.width() as usize),
        brightness: brightness / 255.0,
        contrast: variance.sqrt() / 255.0,
    }
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

    #[test]
    fn a_flat_picture_has_neither_contrast_nor_sharpness() {
        let flat = RgbImage::from_pixel(112, 112, image::Rgb([51; 3]));
        let quality = measure(&flat, &POINTS);
        assert_eq!(quality.inter_eye_distance, 50.0);
        assert!((quality.brightness - 0.2).abs() < 1e-3);
        assert!(quality.contrast < 1e-3 && quality.sharpness < 1e-3);
    }

    #[test]
    fn a_blurred_picture_is_less_sharp() {
        let board = RgbImage::from_fn(112, 112, |x, y| {
            image::Rgb([if (x / 4 + y / 4) % 2 == 0 { 0 } else { 255 }; 3])
        });
        let blurred = image::imageops::blur(&board, 2.0);
        assert!(measure(&blurred, &POINTS).sharpness < 0.1 * measure(&board, &POINTS).sharpness);
    }
}
