//! The corpus: named pictures, each with the answer that it must get.

mod bombs;
mod broken;
pub mod people;
mod structure;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::encode::jpeg::{Colour, Jpeg};
use crate::encode::png::{self, Header, SIGNATURE, chunk, deflated_zeros};
use crate::encode::webp;
use crate::machine::{fixture, photograph};

pub use bombs::bombs;

/// The answer that a picture must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Looked at, whatever it shows.
    Read,
    /// Looked at, and so many faces found.
    Faces(usize),
    /// 422 `corrupt_image`.
    Corrupt,
    /// 415 `unsupported_image`.
    Unsupported,
    /// 413 `image_too_large`.
    TooLarge,
    /// Damage that may or may not be noticed: any of these, and never a failure of the service.
    ReadOrRefused,
}

/// One hostile picture.
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    pub expected: Expected,
}

impl Case {
    fn new(name: impl Into<String>, bytes: Vec<u8>, expected: Expected) -> Self {
        let name = name.into();
        Self {
            name,
            bytes,
            expected,
        }
    }
}

const SEED: u64 = 20_261_123;
/// Pictures that are broken in hundreds of ways are small, so that all of them take seconds.
const SMALL: u32 = 160;

/// One photograph in the three formats.
pub fn originals() -> [(&'static str, Vec<u8>); 3] {
    let picture = photograph("astronaut.jpg", SMALL);
    [
        ("jpeg", jpeg(&picture)),
        ("png", plain_png(&picture)),
        ("webp", webp::riff(&[webp::lossless(&picture)])),
    ]
}

pub fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    picture.write_with_encoder(encoder).unwrap();
    bytes
}

pub fn plain_png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut bytes)
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

pub fn all() -> Vec<Case> {
    [
        bombs(),
        broken::truncations(),
        broken::mutations(),
        broken::noise(),
        broken::lies(),
        structure::all(),
        contents(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn header(width: u32, height: u32, colour: u8, depth: u8) -> Header {
    Header {
        width,
        height,
        depth,
        colour,
        interlaced: false,
    }
}

/// A PNG of which there is a header and so many zeros of pixels.
fn zeros(header: Header, bytes: usize) -> Vec<u8> {
    let parts = [
        SIGNATURE.to_vec(),
        header.chunk(),
        chunk(b"IDAT", &deflated_zeros(bytes)),
        chunk(b"IEND", b""),
    ];
    parts.concat()
}

fn with_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    png::png(
        header(8, 8, 0, 8),
        &[chunk(name, content)],
        |_, _, _| 128,
        &[],
    )
}

/// The start of a JPEG: tables, and a frame of that size.
fn jpeg_header(process: u8, width: u16, height: u16, components: u8) -> Vec<u8> {
    let tiny = Jpeg {
        colour: if components == 1 {
            Colour::Grey
        } else {
            Colour::YCbCr
        },
        ..Jpeg::default()
    };
    let mut bytes = tiny.encode(&RgbImage::new(8, 8));
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    bytes[frame + 1] = 0xC0 | process;
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// What there is to see.
fn contents() -> Vec<Case> {
    use Expected::{Faces, Read};
    let mut random = StdRng::seed_from_u64(SEED + 2);
    let mut noisy = RgbImage::new(320, 240);
    noisy
        .pixels_mut()
        .for_each(|pixel| pixel.0 = random.random());
    let plain = |level| RgbImage::from_pixel(320, 240, image::Rgb([level; 3]));
    let face = photograph("astronaut.jpg", 320);
    let mut cases = vec![
        Case::new("black", plain_png(&plain(0)), Faces(0)),
        Case::new("white", plain_png(&plain(255)), Faces(0)),
        Case::new("grey", jpeg(&plain(128)), Faces(0)),
        Case::new("noise", plain_png(&noisy), Faces(0)),
        Case::new("a landscape", fixture("no_face.jpg"), Faces(0)),
        Case::new("two faces", fixture("two_faces.jpg"), Faces(2)),
        Case::new(
            "a face upside down",
            jpeg(&image::imageops::rotate180(&face)),
            Read,
        ),
        Case::new(
            "half a face",
            jpeg(&image::imageops::crop_imm(&face, 0, 0, 130, 320).to_image()),
            Read,
        ),
        Case::new("5 faces", people::crowd(1, 5), Faces(5)),
        Case::new("50 faces", people::crowd(5, 10), Faces(50)),
        Case::new("eyes 24 pixels apart", people::selfie(24), Faces(1)),
        Case::new("eyes 40 pixels apart", people::selfie(40), Faces(1)),
        Case::new("eyes 60 pixels apart", people::selfie(60), Faces(1)),
        Case::new(
            "a face as narrow as in profile",
            jpeg(&image::imageops::resize(
                &face,
                110,
                320,
                image::imageops::FilterType::Triangle,
            )),
            Read,
        ),
        Case::new("a tiny face", jpeg(&photograph("astronaut.jpg", 24)), Read),
    ];
    for (width, height) in [
        (1, 1),
        (1, 2),
        (3, 1),
        (7, 7),
        (15, 15),
        (17, 5),
        (10_000, 10),
        (10, 10_000),
        (20_000, 1),
        (1, 20_000),
    ] {
        let picture = RgbImage::from_pixel(width, height, image::Rgb([90; 3]));
        cases.push(Case::new(
            format!("PNG of {width}x{height}"),
            plain_png(&picture),
            Faces(0),
        ));
        cases.push(Case::new(
            format!("JPEG of {width}x{height}"),
            jpeg(&picture),
            Faces(0),
        ));
        if width.max(height) <= 16_383 {
            cases.push(Case::new(
                format!("WebP of {width}x{height}"),
                webp::riff(&[webp::lossless(&picture)]),
                Faces(0),
            ));
        }
    }
    cases
}
