//! A selfie and a document at the sizes that cameras make.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::Context as _;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader};

const JPEG_QUALITY: u8 = 90;

/// The pictures as they were given.
pub(super) struct Sources {
    selfie: DynamicImage,
    document: DynamicImage,
}

/// Two encoded pictures of about that many pixels each.
pub(super) struct Pair {
    pub(super) megapixels: f64,
    pub(super) selfie: Vec<u8>,
    pub(super) document: Vec<u8>,
}

impl Sources {
    pub(super) fn read(selfie: &Path, document: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            selfie: read(selfie)?,
            document: read(document)?,
        })
    }

    /// Both at that many millions of pixels.
    pub(super) fn at(&self, megapixels: f64) -> anyhow::Result<Pair> {
        Ok(Pair {
            megapixels,
            selfie: jpeg_of(&self.selfie, megapixels)?,
            document: jpeg_of(&self.document, megapixels)?,
        })
    }
}

fn read(path: &Path) -> anyhow::Result<DynamicImage> {
    let encoded = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reader = ImageReader::new(Cursor::new(encoded)).with_guessed_format()?;
    let image = reader.decode();
    image.with_context(|| format!("cannot read the picture {}", path.display()))
}

/// A picture at that many millions of pixels, as a JPEG of quality 90.
///
/// # Errors
/// Where it cannot be encoded.
pub fn jpeg_of(image: &DynamicImage, megapixels: f64) -> anyhow::Result<Vec<u8>> {
    let pixels = f64::from(image.width()) * f64::from(image.height());
    let scale = (megapixels * 1e6 / pixels).sqrt();
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let (width, height) = (side(image.width()), side(image.height()));
    let scaled = image
        .resize_exact(width, height, FilterType::CatmullRom)
        .to_rgb8();
    let mut encoded = Vec::new();
    scaled.write_with_encoder(JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY))?;
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_about_as_many_pixels_as_were_asked_for_and_keep_their_shape() {
        let encoded = jpeg_of(&DynamicImage::new_rgb8(400, 300), 0.3).unwrap();
        let image = image::load_from_memory(&encoded).unwrap();
        assert_eq!((image.width(), image.height()), (632, 474));
    }
}
