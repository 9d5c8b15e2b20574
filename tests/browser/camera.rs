//! What the browser's camera sees: a video as YUV4MPEG2, made of a photograph.

use std::io::Write as _;
use std::path::Path;

use image::imageops::FilterType;
use image::{Rgb, RgbImage, imageops};
use tempfile::NamedTempFile;

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 960;
const FRAMES: usize = 4;

/// A photograph that somebody holds before the camera, very still.
pub fn still(photograph: &Path) -> NamedTempFile {
    let photograph = image::open(photograph).unwrap();
    let photograph = photograph
        .resize(WIDTH, HEIGHT, FilterType::Triangle)
        .to_rgb8();
    let mut frame = RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([120, 120, 120]));
    let left = i64::from((WIDTH - photograph.width()) / 2);
    imageops::overlay(&mut frame, &photograph, left, 0);
    let planes = planes(&frame);
    let mut file = tempfile::Builder::new().suffix(".y4m").tempfile().unwrap();
    writeln!(file, "YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg").unwrap();
    for _ in 0..FRAMES {
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&planes).unwrap();
    }
    file
}

/// Luma of every pixel, then both chromas of every second one in every second row.
fn planes(frame: &RgbImage) -> Vec<u8> {
    let mut luma = Vec::new();
    let (mut blue, mut red) = (Vec::new(), Vec::new());
    for (x, y, Rgb(pixel)) in frame.enumerate_pixels() {
        let [r, g, b] = pixel.map(f32::from);
        // As JPEG does it, in the limited range that video has.
        let full = 0.299 * r + 0.587 * g + 0.114 * b;
        luma.push((16.0 + full * 219.0 / 255.0).round() as u8);
        if x % 2 == 0 && y % 2 == 0 {
            blue.push((128.0 + (b - full) / 1.772 * 224.0 / 255.0).round() as u8);
            red.push((128.0 + (r - full) / 1.402 * 224.0 / 255.0).round() as u8);
        }
    }
    [luma, blue, red].concat()
}
