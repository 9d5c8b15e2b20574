//! What cameras, scanners and senders do to a picture.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::turned::{quarter_turns, rotated};

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    None,
    Noise,
    Blur,
    Jpeg,
    QuarterTurns,
    Skew,
    Small,
    Shadow,
    Everything,
}

impl Damage {
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Noise,
        Self::Blur,
        Self::Jpeg,
        Self::QuarterTurns,
        Self::Skew,
        Self::Small,
        Self::Shadow,
        Self::Everything,
    ];

    /// Pixels for a character.
    pub fn pitch(self, rng: &mut StdRng) -> f64 {
        if self == Self::Small {
            rng.random_range(8.0..10.0)
        } else {
            rng.random_range(14.0..26.0)
        }
    }

    /// Spoils a page.
    pub fn spoil(self, page: RgbImage, rng: &mut StdRng) -> RgbImage {
        match self {
            Self::None | Self::Small => page,
            Self::Noise => noise(page, 24.0, rng),
            Self::Blur => imageops::blur(&page, rng.random_range(1.2..2.2)),
            Self::Jpeg => jpeg(&page, rng.random_range(18..40)),
            Self::QuarterTurns => quarter_turns(page, rng.random_range(1..4)),
            Self::Skew => rotated(&page, rng.random_range(-15.0..15.0)),
            Self::Shadow => shadow(page),
            Self::Everything => {
                let turned = rotated(&page, rng.random_range(-15.0..15.0));
                let turned = quarter_turns(turned, rng.random_range(0..4));
                let blurred = imageops::blur(&shadow(turned), 0.8);
                jpeg(&noise(blurred, 10.0, rng), 60)
            }
        }
    }
}

fn noise(mut page: RgbImage, spread: f64, rng: &mut StdRng) -> RgbImage {
    for pixel in page.pixels_mut() {
        // Four uniform numbers add up to nearly a normal one.
        let normal: f64 = (0..4).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>() * 1.73;
        pixel.0 = pixel
            .0
            .map(|channel| (f64::from(channel) + normal * spread).clamp(0.0, 255.0) as u8);
    }
    page
}

fn jpeg(page: &RgbImage, quality: u8) -> RgbImage {
    let mut encoded = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut encoded, quality)
        .encode_image(page)
        .unwrap();
    image::load_from_memory(encoded.get_ref())
        .unwrap()
        .into_rgb8()
}

fn shadow(mut page: RgbImage) -> RgbImage {
    let (width, height) = page.dimensions();
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let place = f64::from(x) / f64::from(width) + f64::from(y) / f64::from(height);
        let light = 0.35 + 0.65 * (place / 2.0);
        pixel.0 = pixel.0.map(|channel| (f64::from(channel) * light) as u8);
    }
    page
}

/// At this width.
pub fn scaled(page: &RgbImage, width: u32) -> RgbImage {
    let height = page.height() * width / page.width();
    imageops::resize(page, width, height, FilterType::CatmullRom)
}
