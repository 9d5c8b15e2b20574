//! PNG: every depth, palette and interlacing; of an animated one the default image.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, Limits};

use super::{ImageLimits, refusal};
use crate::vision::VisionError;

/// What the chunks beside the pixels may take, decompressed profiles among them.
const MAX_CHUNK_BYTES: u64 = 16 * 1024 * 1024;
const SIGNATURE_BYTES: usize = 8;

pub(super) fn decode(
    encoded: &[u8],
    limits: ImageLimits,
) -> Result<(DynamicImage, Orientation), VisionError> {
    let mut allocation = Limits::default();
    allocation.max_alloc = Some(MAX_CHUNK_BYTES);
    let decoder = PngDecoder::with_limits(Cursor::new(encoded), allocation).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    limits.admit(width, height)?;
    limits.admit_bytes(&(width, height), decoder.total_bytes())?;
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    Ok((image, orientation(encoded)))
}

/// The orientation of the eXIf chunk, which may stand behind the pixels, where the decoder does not look.
fn orientation(encoded: &[u8]) -> Orientation {
    chunks(encoded)
        .find(|chunk| chunk.name == b"eXIf")
        .filter(|chunk| chunk.is_whole())
        .and_then(|chunk| Orientation::from_exif_chunk(chunk.content))
        .unwrap_or(Orientation::NoTransforms)
}

struct Chunk<'a> {
    name: &'a [u8],
    content: &'a [u8],
    checksum: [u8; 4],
}

impl Chunk<'_> {
    fn is_whole(&self) -> bool {
        let mut crc = flate2::Crc::new();
        crc.update(self.name);
        crc.update(self.content);
        crc.sum() == u32::from_be_bytes(self.checksum)
    }
}

fn chunks(encoded: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = encoded.get(SIGNATURE_BYTES..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let (name, after) = after.split_at_checked(4)?;
        let (content, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        let (checksum, after) = after.split_first_chunk()?;
        rest = after;
        Some(Chunk {
            name,
            content,
            checksum: *checksum,
        })
    })
}
