//! WebP: lossy and lossless; of an animation the first frame.
//!
//! The file names its size up to three times: for the canvas, for a frame of an animation, and in the coded picture.
//! The decoder believes the last before it compares, and it reserves whatever length a chunk claims; so sizes and lengths
//! are read here first.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _};

use super::{ImageLimits, refusal};
use crate::vision::VisionError;

/// `RIFF`, the length, `WEBP`.
const HEADER_BYTES: usize = 12;
/// What stands before the chunks of an animation's frame: place, size, duration, flags.
const FRAME_HEADER_BYTES: usize = 16;
/// Bytes of a decoded pixel, with alpha or as the lossless decoder's scratch.
const BYTES_PER_PIXEL: u64 = 4;

pub(super) fn decode(
    encoded: &[u8],
    limits: ImageLimits,
) -> Result<(DynamicImage, Orientation), VisionError> {
    let encoded = container(encoded);
    for (width, height) in coded_sizes(encoded.get(HEADER_BYTES..).unwrap_or_default())? {
        limits.admit(width, height)?;
    }
    let mut decoder = WebPDecoder::new(Cursor::new(encoded)).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    limits.admit(width, height)?;
    let pixels = u64::from(width) * u64::from(height);
    limits.admit_bytes(&(width, height), pixels * BYTES_PER_PIXEL)?;
    let orientation = decoder.orientation().map_err(refusal)?;
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    Ok((image, orientation))
}

/// The file up to its end by its own account; anything may follow it.
fn container(encoded: &[u8]) -> &[u8] {
    let Some([_, _, _, _, a, b, c, d]) = encoded.first_chunk() else {
        return encoded;
    };
    let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    &encoded[..encoded.len().min(8 + padded(length))]
}

/// The sizes of all coded pictures, those in an animation's frames included.
fn coded_sizes(encoded: &[u8]) -> Result<Vec<(u32, u32)>, VisionError> {
    let mut sizes = Vec::new();
    for (name, content) in chunks(encoded)? {
        sizes.extend(coded_size(name, content));
        if name == b"ANMF" {
            let frame = content.get(FRAME_HEADER_BYTES..).unwrap_or_default();
            // A frame in a frame is none: nothing is nested deeper.
            let inner = chunks(frame)?.into_iter();
            sizes.extend(inner.filter_map(|(name, content)| coded_size(name, content)));
        }
    }
    Ok(sizes)
}

fn coded_size(name: &[u8; 4], content: &[u8]) -> Option<(u32, u32)> {
    match name {
        b"VP8 " => lossy_size(content),
        b"VP8L" => lossless_size(content),
        _ => None,
    }
}

/// A name, and content.
type Chunk<'a> = (&'a [u8; 4], &'a [u8]);

/// The chunks, none of which is longer than what there is.
fn chunks(encoded: &[u8]) -> Result<Vec<Chunk<'_>>, VisionError> {
    let mut found = Vec::new();
    let mut rest = encoded;
    while let Some((name, after)) = rest.split_first_chunk()
        && let Some((length, after)) = after.split_first_chunk()
    {
        let length = u32::from_le_bytes(*length) as usize;
        let content = after.get(..length).ok_or(VisionError::CorruptImage)?;
        found.push((name, content));
        rest = after.get(padded(length)..).unwrap_or_default();
    }
    Ok(found)
}

/// Chunks have an even length.
fn padded(length: usize) -> usize {
    length + length % 2
}

fn lossy_size(content: &[u8]) -> Option<(u32, u32)> {
    let [_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = *content else {
        return None;
    };
    // The two highest bits ask for scaling.
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    Some((side(w0, w1), side(h0, h1)))
}

fn lossless_size(content: &[u8]) -> Option<(u32, u32)> {
    let [0x2F, a, b, c, d, ..] = *content else {
        return None;
    };
    let bits = u32::from_le_bytes([a, b, c, d]);
    Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}
