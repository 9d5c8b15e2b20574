//! WebP chunk by chunk around the pictures that the lossless encoder writes.

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, RgbImage};

/// A chunk; an odd length is padded.
pub fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = name.to_vec();
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
    out
}

pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut content = b"WEBP".to_vec();
    content.extend(chunks.concat());
    chunk(b"RIFF", &content)
}

fn three_bytes(number: u32) -> [u8; 3] {
    let [a, b, c, _] = number.to_le_bytes();
    [a, b, c]
}

/// The canvas of an extended file. Flags: 2 animation, 8 EXIF, 16 alpha.
pub fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut content = vec![flags, 0, 0, 0];
    content.extend(three_bytes(width - 1));
    content.extend(three_bytes(height - 1));
    chunk(b"VP8X", &content)
}

/// The chunk that holds a picture without loss.
pub fn lossless(image: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = image.dimensions();
    WebPEncoder::new_lossless(&mut file)
        .encode(image.as_raw(), width, height, ExtendedColorType::Rgb8)
        .unwrap();
    file[12..].to_vec()
}

/// A lossless picture's first bytes, and nothing of its pixels.
pub fn lossless_header(width: u32, height: u32) -> Vec<u8> {
    let mut content = vec![0x2F];
    content.extend(((width - 1) | (height - 1) << 14).to_le_bytes());
    chunk(b"VP8L", &content)
}

/// A lossy picture's first bytes and so many zeros.
pub fn lossy_header(width: u16, height: u16, zeros: usize) -> Vec<u8> {
    // A key frame that is shown, its first partition as long as all the zeros.
    let tag = 1 << 4 | (zeros as u32) << 5;
    let mut content = three_bytes(tag).to_vec();
    content.extend([0x9D, 0x01, 0x2A]);
    content.extend(width.to_le_bytes());
    content.extend(height.to_le_bytes());
    content.extend(vec![0; zeros]);
    chunk(b"VP8 ", &content)
}

/// An animation in which the frames are the given pictures, each of the whole canvas.
pub fn animation(width: u32, height: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut chunks = vec![
        canvas(2, width, height),
        chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]),
    ];
    for frame in frames {
        let mut content = vec![0; 6];
        content.extend(three_bytes(width - 1));
        content.extend(three_bytes(height - 1));
        content.extend([40, 0, 0, 0]);
        content.extend(frame);
        chunks.push(chunk(b"ANMF", &content));
    }
    riff(&chunks)
}
