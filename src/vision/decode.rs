//! From an encoded picture to upright RGB pixels, with its size checked before a pixel is allocated.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::VisionError;

/// Longest side that is taken, in pixels.
const MAX_SIDE: u32 = 20_000;
/// Most bytes a decoded pixel takes: four channels of 16 bits.
const MAX_BYTES_PER_PIXEL: u64 = 8;

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

/// Decodes a JPEG, PNG or WebP, told by its first bytes, turns it upright by its EXIF orientation, and puts
/// transparent pixels on white. Of an animation the first frame counts.
pub(super) fn decode(encoded: &[u8], limits: ImageLimits) -> Result<RgbImage, VisionError> {
    // The decoders parse hostile bytes: a panic in one is a fault of the picture and leaves nothing behind.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_upright(encoded, limits)));
    decoded
        .unwrap_or(Err(VisionError::CorruptImage))
        .map(flatten)
}

fn decode_upright(encoded: &[u8], limits: ImageLimits) -> Result<DynamicImage, VisionError> {
    let format = image::guess_format(encoded).map_err(|_| VisionError::UnsupportedImage)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP
    ) {
        return Err(VisionError::UnsupportedImage);
    }
    if format == ImageFormat::Jpeg && !jpeg_has_an_end(encoded) {
        return Err(VisionError::CorruptImage);
    }
    let mut reader = ImageReader::with_format(Cursor::new(encoded), format);
    reader.limits(allocation_limits(limits));
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > limits.max_pixels {
        return Err(VisionError::ImageTooLarge {
            width,
            height,
            max_pixels: limits.max_pixels,
        });
    }
    if pixels == 0 {
        return Err(VisionError::CorruptImage);
    }
    let orientation = decoder.orientation().map_err(refusal)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether the end-of-image marker follows the first scan of a JPEG.
///
/// The decoder fills what is missing of a truncated file with grey, and half a face gets a score like any other. The
/// segments before the scan are skipped, since a thumbnail in one has an end of its own.
fn jpeg_has_an_end(encoded: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
    let mut rest = encoded.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        // A marker may be padded with any number of further 0xFF before it.
        let skipped = match marker {
            START_OF_SCAN => return rest.windows(2).any(|pair| pair == END_OF_IMAGE),
            0xFF => 1,
            _ => 2 + usize::from(u16::from_be_bytes([high, low])),
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    false
}

fn allocation_limits(limits: ImageLimits) -> Limits {
    let mut allocation = Limits::default();
    allocation.max_alloc = Some(limits.max_pixels * MAX_BYTES_PER_PIXEL);
    allocation
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
    fn a_jpeg_without_its_end_is_refused_even_if_its_thumbnail_has_one() {
        let mut bytes = Vec::new();
        DynamicImage::new_rgb8(64, 64)
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
            .unwrap();
        let thumbnail = [0xFF, 0xEE, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        bytes.splice(2..2, thumbnail);
        assert!(decode(&bytes, ImageLimits::default()).is_ok());
        bytes.truncate(bytes.len() - 2);
        let refused = decode(&bytes, ImageLimits::default());
        assert!(
            matches!(refused, Err(VisionError::CorruptImage)),
            "{refused:?}"
        );
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
