//! Pictures of documents that do not lie straight.

use image::imageops;
use image::{Rgb, RgbImage};

/// Turned clockwise by so many quarters.
pub fn quarter_turns(page: RgbImage, quarters: u8) -> RgbImage {
    match quarters {
        0 => page,
        1 => imageops::rotate90(&page),
        2 => imageops::rotate180(&page),
        _ => imageops::rotate270(&page),
    }
}

/// Turned about its centre, with a desk around it.
pub fn rotated(page: &RgbImage, degrees: f64) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (f64::from(page.width()), f64::from(page.height()));
    let size = (
        (width * cos.abs() + height * sin.abs()).ceil(),
        (width * sin.abs() + height * cos.abs()).ceil(),
    );
    RgbImage::from_fn(size.0 as u32, size.1 as u32, |x, y| {
        let (dx, dy) = (
            f64::from(x) + 0.5 - size.0 / 2.0,
            f64::from(y) + 0.5 - size.1 / 2.0,
        );
        let at = (
            dx * cos + dy * sin + width / 2.0 - 0.5,
            dy * cos - dx * sin + height / 2.0 - 0.5,
        );
        imageops::interpolate_bilinear(page, at.0 as f32, at.1 as f32).unwrap_or(Rgb([70, 66, 60]))
    })
}
