//! From an encoded picture to upright RGB pixels, with its size checked before a pixel is allocated.
//!
//! Each format has a file of its own, which reads the sizes from the headers, refuses what is too large or does not
//! come out right, and then decodes. What they have in common stands here.

mod jpeg;
mod png;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

pub(super) use jpeg::{Admitted, Part, Sequential};

use super::VisionError;

/// Longest side that is taken, in pixels.
const MAX_SIDE: u32 = 20_000;
/// Bytes that decoding may allocate for each of the most pixels that are taken: enough for a picture of that many in
/// RGBA. Deeper channels and progressive JPEGs need more for a pixel, so fewer of them are taken.
const BYTES_PER_PIXEL: u64 = 4;

/// Bounds of what is decoded.
#[derive(Debug, Clone, Copy)]
pub struct ImageLimits {
    /// Most pixels of one picture.
    pub max_pixels: u64,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            max_pixels: 50_000_000,
        }
    }
}

impl ImageLimits {
    /// Refuses a picture for its size, before anything is allocated.
    fn admit(self, width: u32, height: u32) -> Result<(), VisionError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(VisionError::CorruptImage);
        }
        if width > MAX_SIDE || height > MAX_SIDE || pixels > self.max_pixels {
            return Err(self.too_large(width, height));
        }
        Ok(())
    }

    /// Refuses a picture for what decoding it would allocate.
    fn admit_bytes(self, &(width, height): &(u32, u32), bytes: u64) -> Result<(), VisionError> {
        if bytes > self.max_pixels * BYTES_PER_PIXEL {
            return Err(self.too_large(width, height));
        }
        Ok(())
    }

    fn too_large(self, width: u32, height: u32) -> VisionError {
        VisionError::ImageTooLarge {
            width,
            height,
            max_pixels: self.max_pixels,
        }
    }
}

/// Decodes a JPEG, PNG or WebP, told by its first bytes, turns it upright by its EXIF orientation, and puts
/// transparent pixels on white. Of an animation the first frame counts.
///
/// # Errors
/// [`VisionError`] where the picture is too large, broken, or of a kind that is not read.
pub fn decode(encoded: &[u8], limits: ImageLimits) -> Result<RgbImage, VisionError> {
    // The decoders parse hostile bytes: a panic in one is a fault of the picture and leaves nothing behind.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_upright(encoded, limits)));
    decoded.unwrap_or(Err(VisionError::CorruptImage))
}

/// What there is to know of a JPEG before a pixel is decoded; none where the picture is of another format.
///
/// # Errors
/// [`VisionError`] as [`decode`].
pub(super) fn admit(
    encoded: &[u8],
    limits: ImageLimits,
) -> Result<Option<Admitted<'_>>, VisionError> {
    let format = image::guess_format(encoded).map_err(|_| VisionError::UnsupportedImage)?;
    let jpeg = (format == ImageFormat::Jpeg).then(|| Admitted::read(encoded, limits));
    jpeg.transpose()
}

fn decode_upright(encoded: &[u8], limits: ImageLimits) -> Result<RgbImage, VisionError> {
    let format = image::guess_format(encoded).map_err(|_| VisionError::UnsupportedImage)?;
    let decode = if format == ImageFormat::Jpeg {
        jpeg::decode
    } else if format == ImageFormat::Png {
        png::decode
    } else if format == ImageFormat::WebP {
        webp::decode
    } else {
        return Err(VisionError::UnsupportedImage);
    };
    let (image, orientation) = decode(encoded, limits)?;
    let mut upright = DynamicImage::from(flatten(image));
    upright.apply_orientation(orientation);
    Ok(upright.into_rgb8())
}

fn refusal(error: ImageError) -> VisionError {
    match error {
        ImageError::Unsupported(_) => VisionError::UnsupportedImage,
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::Unsupported { .. }) => {
            VisionError::UnsupportedImage
        }
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_)
        | ImageError::IoError(_) => VisionError::CorruptImage,
    }
}

/// RGB of 8 bits a channel. What hides behind transparent pixels is not looked at.
fn flatten(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        Rgb([r, g, b].map(|channel| over_white(channel, alpha)))
    })
}

fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        bytes
    }

    #[test]
    fn a_huge_header_is_refused_before_anything_is_allocated() {
        let mut bytes = png(&DynamicImage::new_rgb8(2, 2));
        // IHDR: width and height are the eight bytes after its tag; its checksum follows five bytes later.
        bytes[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        let refused = decode(&bytes, ImageLimits::default());
        assert!(
            matches!(
                refused,
                Err(VisionError::ImageTooLarge {
                    width: 16_384,
                    height: 16_384,
                    ..
                })
            ),
            "{refused:?}"
        );
    }

    #[test]
    fn every_truncation_is_refused_and_none_panics() {
        let noise = RgbImage::from_fn(40, 30, |x, y| {
            Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8])
        });
        let bytes = png(&DynamicImage::from(noise));
        for length in 0..bytes.len() * 3 / 4 {
            let refused = decode(&bytes[..length], ImageLimits::default());
            assert!(
                matches!(
                    refused,
                    Err(VisionError::CorruptImage | VisionError::UnsupportedImage)
                ),
                "{length} bytes: {refused:?}"
            );
        }
    }

    #[test]
    fn other_formats_are_told_by_their_bytes_and_refused() {
        for bytes in [
            &b""[..],
            b"x",
            b"GIF89a\x01\x00\x01\x00",
            b"%PDF-1.7",
            b"<svg/>",
            b"BM1234567890",
        ] {
            let refused = decode(bytes, ImageLimits::default());
            assert!(
                matches!(refused, Err(VisionError::UnsupportedImage)),
                "{bytes:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn transparency_and_grey_of_any_depth_become_rgb() {
        let clear = image::RgbaImage::from_pixel(2, 2, image::Rgba([9, 9, 9, 0]));
        let decoded = decode(&png(&clear.into()), ImageLimits::default()).unwrap();
        assert_eq!(decoded.get_pixel(0, 0).0, [255, 255, 255]);
        let grey = image::ImageBuffer::from_pixel(2, 2, image::Luma([0x8000_u16]));
        let decoded = decode(
            &png(&DynamicImage::ImageLuma16(grey)),
            ImageLimits::default(),
        )
        .unwrap();
        assert_eq!(decoded.get_pixel(1, 1).0, [128, 128, 128]);
    }
}
