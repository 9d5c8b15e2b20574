//! JPEG: what the file says of itself is read first, and only kinds that come out right are decoded.
//!
//! Half a face gets a score like any other, so a picture has to be whole, and the decoder alone does not see to it: it
//! fills what is missing with grey, and takes an end that was put on for the real one. A sequential picture is therefore
//! decoded strictly and without its end, so that running out of data is an error; a progressive one has to have all
//! bits of all coefficients among its scans.
//!
//! What is decoded wrongly, or could only be guessed at, is refused before: samples that are not 8 bits, arithmetic and
//! lossless coding, CMYK without Adobe's marker (nobody can tell whether it is inverted), unusual grids of samples.

mod codes;
mod reduced;
mod structure;
mod transform;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

pub(in crate::vision) use reduced::{Part, Sequential};

use super::{ImageLimits, MAX_SIDE};
use crate::vision::VisionError;
use structure::Structure;

/// More scans than encoders write: each costs time for every pixel and hardly any bytes.
const MAX_SCANS: usize = 64;

/// A picture whose size and kind are taken; no pixel is decoded yet.
pub(in crate::vision) struct Admitted<'a> {
    encoded: &'a [u8],
    structure: Structure,
}

impl<'a> Admitted<'a> {
    /// Looks at the first image of a file; whatever follows its end is ignored.
    pub(super) fn read(encoded: &'a [u8], limits: ImageLimits) -> Result<Self, VisionError> {
        let structure = Structure::read(encoded)?;
        structure.require_supported()?;
        if !structure.has_all_bits() {
            return Err(VisionError::CorruptImage);
        }
        limits.admit(structure.width, structure.height)?;
        limits.admit_bytes(&structure.size(), structure.decoding_bytes())?;
        Ok(Self { encoded, structure })
    }

    /// Width and height as they are stored.
    pub(in crate::vision) fn size(&self) -> (u32, u32) {
        self.structure.size()
    }

    /// The decoder for fewer pixels or a part of them, for pictures of the usual kind.
    pub(in crate::vision) fn sequential(&self) -> Option<Sequential<'a>> {
        Sequential::read(self.encoded, &self.structure)
    }

    /// How the picture has to be turned; none where the headers are not in order.
    pub(in crate::vision) fn orientation(&self) -> Option<Orientation> {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(self.encoded), options());
        decoder.decode_headers().ok()?;
        Some(orientation(&decoder))
    }

    /// Decodes all of its pixels.
    pub(in crate::vision) fn decode(&self) -> Result<(DynamicImage, Orientation), VisionError> {
        let grey = self.structure.components.len() == 1;
        let output = if grey {
            ColorSpace::Luma
        } else {
            ColorSpace::RGB
        };
        let whole = self.structure.to_decode(self.encoded);
        let options = options().jpeg_set_out_colorspace(output);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&whole), options);
        decoder.decode_headers().map_err(refusal)?;
        let (width, height) = self.size();
        if decoder.dimensions() != Some((width as usize, height as usize)) {
            return Err(VisionError::CorruptImage);
        }
        let orientation = orientation(&decoder);
        let mut pixels = vec![0; width as usize * height as usize * output.num_components()];
        decoder.decode_into(&mut pixels).map_err(refusal)?;
        let image = if grey {
            GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
        } else {
            RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
        };
        Ok((image.ok_or(VisionError::CorruptImage)?, orientation))
    }
}

/// Decodes the first image of a file.
pub(super) fn decode(
    encoded: &[u8],
    limits: ImageLimits,
) -> Result<(DynamicImage, Orientation), VisionError> {
    Admitted::read(encoded, limits)?.decode()
}

fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .jpeg_set_max_scans(MAX_SCANS)
}

fn orientation(decoder: &JpegDecoder<ZCursor<impl AsRef<[u8]>>>) -> Orientation {
    let exif = decoder.exif();
    exif.and_then(|exif| Orientation::from_exif_chunk(exif))
        .unwrap_or(Orientation::NoTransforms)
}

fn refusal(error: DecodeErrors) -> VisionError {
    if matches!(error, DecodeErrors::Unsupported(_)) {
        return VisionError::UnsupportedImage;
    }
    VisionError::CorruptImage
}

#[cfg(test)]
mod tests {
    use super::*;
    use structure::{END_OF_IMAGE, START_OF_SCAN};

    fn small() -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
        let noise = |x: u32, y: u32| image::Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8]);
        let picture = RgbImage::from_fn(64, 64, noise);
        picture.write_with_encoder(encoder).unwrap();
        bytes
    }

    fn refused(encoded: &[u8]) -> VisionError {
        let decoded = decode(encoded, ImageLimits::default());
        decoded.map(drop).unwrap_err()
    }

    #[test]
    fn an_end_is_wanted_even_if_a_thumbnail_has_one() {
        let mut bytes = small();
        let thumbnail = [0xFF, 0xEF, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        bytes.splice(2..2, thumbnail);
        assert!(decode(&bytes, ImageLimits::default()).is_ok());
        bytes.truncate(bytes.len() - 2);
        assert!(matches!(refused(&bytes), VisionError::CorruptImage));
        // An end that was put on does not bring back what is missing.
        bytes.truncate(bytes.len() / 2);
        bytes.extend([0xFF, END_OF_IMAGE]);
        assert!(matches!(refused(&bytes), VisionError::CorruptImage));
    }

    #[test]
    fn other_processes_and_precisions_are_not_supported() {
        let frame = small();
        let at = frame
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC0])
            .unwrap();
        for process in [3_u8, 5, 6, 7, 9, 10, 11, 13, 14, 15] {
            let mut bytes = frame.clone();
            bytes[at + 1] = 0xC0 | process;
            assert!(
                matches!(refused(&bytes), VisionError::UnsupportedImage),
                "{process}"
            );
        }
        let mut bytes = frame;
        bytes[at + 4] = 12;
        assert!(matches!(refused(&bytes), VisionError::UnsupportedImage));
    }

    #[test]
    fn a_picture_of_too_many_scans_is_not_decoded() {
        let mut bytes = small();
        let scan = [0xFF, START_OF_SCAN, 0, 8, 1, 1, 0, 0, 63, 0];
        let end = bytes.len() - 2;
        bytes.splice(end..end, scan.repeat(MAX_SCANS));
        assert!(matches!(refused(&bytes), VisionError::UnsupportedImage));
    }
}
