//! Pictures written byte by byte, as encoders in the tree do not write them.

pub mod jpeg;
pub mod png;
pub mod webp;

use image::metadata::Orientation;

/// A little-endian TIFF with one entry: tag 0x0112, a short, once.
pub fn exif(orientation: Orientation) -> Vec<u8> {
    [
        &b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..],
        &[orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat()
}
