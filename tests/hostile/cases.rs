//! The corpus: named pictures, each with the answer that it must get.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::encode::jpeg::{Colour, Jpeg, Scans, segment};
use crate::encode::png::{self, Header, SIGNATURE, chunk, deflated, deflated_zeros};
use crate::encode::webp;
use crate::machine::{fixture, photograph};

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
        truncations(),
        mutations(),
        noise(),
        lies(),
        structure(),
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

/// A progressive JPEG of which there are only the scans' headers: the decoder makes up what is not there.
fn empty_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let mut bytes = jpeg_header(2, width, height, 1);
    let start = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    bytes.truncate(start);
    segment(&mut bytes, 0xDA, &[1, 1, 0, 0, 0, 1]);
    for _ in 1..scans {
        segment(&mut bytes, 0xDA, &[1, 1, 0, 1, 63, 1]);
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

/// What takes far more memory or time than its bytes promise.
pub fn bombs() -> Vec<Case> {
    use Expected::{Corrupt, Faces, ReadOrRefused, TooLarge, Unsupported};
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes, expected| {
        cases.push(Case::new(format!("bomb: {name}"), bytes, expected))
    };
    for (width, height) in [
        (30_000, 30_000),
        (20_001, 1),
        (1, 20_001),
        (65_535, 65_535),
        (7_072, 7_072),
    ] {
        add(
            &format!("PNG header {width}x{height}"),
            zeros(header(width, height, 2, 8), 64),
            TooLarge,
        );
        let interlaced = Header {
            interlaced: true,
            ..header(width, height, 2, 8)
        };
        add(
            &format!("interlaced PNG header {width}x{height}"),
            zeros(interlaced, 64),
            TooLarge,
        );
    }
    add(
        "PNG of 30000x30000 zeros",
        zeros(header(30_000, 30_000, 0, 1), 30_000 * 3_751),
        TooLarge,
    );
    add(
        "PNG of 20000x2500 zeros",
        zeros(header(20_000, 2_500, 0, 8), 2_500 * 20_001),
        Faces(0),
    );
    add(
        "PNG of 3500x3500 in RGBA",
        zeros(header(3_500, 3_500, 6, 8), 3_500 * 14_001),
        Faces(0),
    );
    add(
        "PNG of 7000x7000 in RGBA of 16 bits",
        zeros(header(7_000, 7_000, 6, 16), 64),
        TooLarge,
    );
    add(
        "PNG whose header promises 7000x7000 that are not there",
        zeros(header(7_000, 7_000, 2, 8), 64),
        Corrupt,
    );
    add(
        "PNG header 2147483647x1",
        zeros(header(0x7FFF_FFFF, 1, 2, 8), 64),
        Corrupt,
    );
    add("PNG of no width", zeros(header(0, 5, 2, 8), 64), Corrupt);
    let text = |mut name: Vec<u8>, zeros| {
        name.extend(deflated_zeros(zeros));
        name
    };
    for mebibytes in [1, 64, 256] {
        let bytes = mebibytes << 20;
        add(
            &format!("zTXt of {mebibytes} MiB"),
            with_chunk(b"zTXt", &text(b"k\0\0".to_vec(), bytes)),
            Faces(0),
        );
        add(
            &format!("iTXt of {mebibytes} MiB"),
            with_chunk(b"iTXt", &text(b"k\0\x01\0\0\0".to_vec(), bytes)),
            Faces(0),
        );
        add(
            &format!("XMP of {mebibytes} MiB"),
            with_chunk(
                b"iTXt",
                &text(b"XML:com.adobe.xmp\0\x01\0\0\0".to_vec(), bytes),
            ),
            Faces(0),
        );
        add(
            &format!("iCCP of {mebibytes} MiB"),
            with_chunk(b"iCCP", &text(b"k\0\0".to_vec(), bytes)),
            ReadOrRefused,
        );
    }
    let texts = vec![chunk(b"zTXt", &text(b"k\0\0".to_vec(), 1 << 20)); 1_000];
    add(
        "1000 zTXt of 1 MiB",
        png::png(header(8, 8, 0, 8), &texts, |_, _, _| 128, &[]),
        Faces(0),
    );
    for process in [0, 1, 2] {
        add(
            &format!("JPEG header 65500x65500, process {process}"),
            jpeg_header(process, 65_500, 65_500, 3),
            TooLarge,
        );
        add(
            &format!("JPEG header 65500x700, process {process}"),
            jpeg_header(process, 65_500, 700, 3),
            TooLarge,
        );
    }
    add(
        "progressive JPEG of 7000x7000 in colour",
        jpeg_header(2, 7_000, 7_000, 3),
        TooLarge,
    );
    add(
        "JPEG whose header promises 7000x7000 that are not there",
        jpeg_header(0, 7_000, 7_000, 3),
        Corrupt,
    );
    for scans in [65, 1_000, 10_000] {
        add(
            &format!("progressive JPEG of {scans} empty scans"),
            empty_scans(7_000, 7_000, scans),
            Unsupported,
        );
    }
    add(
        "progressive JPEG of 64 empty scans",
        empty_scans(7_000, 7_000, 64),
        ReadOrRefused,
    );
    let idle = Jpeg {
        scans: Scans::Progressive,
        idle_scans: 2_000,
        ..Jpeg::default()
    };
    add(
        "progressive JPEG of 2000 idle scans",
        idle.encode(&RgbImage::new(64, 64)),
        Unsupported,
    );
    let padding = |marker, count: usize| {
        let mut extra = Vec::new();
        (0..count).for_each(|_| segment(&mut extra, marker, &[0; 60_000]));
        Jpeg {
            extra,
            ..Jpeg::default()
        }
        .encode(&RgbImage::new(16, 16))
    };
    add("JPEG of 150 comments", padding(0xFE, 150), Faces(0));
    add("JPEG of 150 profiles", padding(0xE2, 150), Faces(0));
    for (width, height) in [(16_383, 16_383), (16_383, 4_000)] {
        let (w, h) = (u32::from(width), u32::from(height));
        add(
            &format!("lossy WebP header {width}x{height}"),
            webp::riff(&[webp::lossy_header(width, height, 64)]),
            TooLarge,
        );
        add(
            &format!("lossless WebP header {width}x{height}"),
            webp::riff(&[webp::lossless_header(w, h)]),
            TooLarge,
        );
        add(
            &format!("small WebP canvas around a lossy {width}x{height}"),
            webp::riff(&[
                webp::canvas(0, 10, 10),
                webp::lossy_header(width, height, 100_000),
            ]),
            TooLarge,
        );
        add(
            &format!("small WebP canvas around a lossless {width}x{height}"),
            webp::riff(&[webp::canvas(0, 10, 10), webp::lossless_header(w, h)]),
            TooLarge,
        );
        add(
            &format!("WebP animation around a {width}x{height}"),
            webp::animation(10, 10, &[webp::lossy_header(width, height, 100_000)]),
            TooLarge,
        );
        add(
            &format!("WebP canvas {width}x{height}"),
            webp::riff(&[webp::canvas(0, w, h), webp::lossless(&RgbImage::new(8, 8))]),
            TooLarge,
        );
    }
    add(
        "WebP canvas of 16777216x16777216",
        webp::riff(&[
            webp::canvas(0, 1 << 24, 1 << 24),
            webp::lossless_header(1, 1),
        ]),
        Corrupt,
    );
    let mut nested = webp::lossless(&RgbImage::new(8, 8));
    (0..2_000).for_each(|_| nested = webp::chunk(b"ANMF", &[&[0; 16][..], &nested].concat()));
    add(
        "WebP of 2000 frames in each other",
        webp::riff(&[webp::canvas(2, 8, 8), webp::chunk(b"ANIM", &[0; 6]), nested]),
        ReadOrRefused,
    );
    let frame = webp::lossless(&RgbImage::new(64, 64));
    add(
        "WebP animation of 5000 frames",
        webp::animation(64, 64, &vec![frame; 5_000]),
        Faces(0),
    );
    add("APNG of 5000 frames", apng(5_000, 5_000), Faces(0));
    add(
        "APNG that promises 4294967295 frames",
        apng(u32::MAX, 1),
        Faces(0),
    );
    cases
}

/// An animated PNG with its first frame as the default image.
fn apng(promised: u32, frames: u32) -> Vec<u8> {
    let control = |sequence: u32| {
        let mut content = sequence.to_be_bytes().to_vec();
        content.extend(64_u32.to_be_bytes());
        content.extend(64_u32.to_be_bytes());
        content.extend([0; 8]);
        content.extend([0, 1, 0, 10, 0, 0]);
        chunk(b"fcTL", &content)
    };
    let pixels = deflated(&vec![0; 64 * 65]);
    let mut later = Vec::new();
    for frame in 1..frames {
        later.push(control(2 * frame - 1));
        let sequence = (2 * frame).to_be_bytes();
        later.push(chunk(b"fdAT", &[&sequence[..], &pixels].concat()));
    }
    let before = [
        chunk(b"acTL", &[promised.to_be_bytes(), [0; 4]].concat()),
        control(0),
    ];
    png::png(header(64, 64, 0, 8), &before, |_, _, _| 0, &later)
}

/// Every picture cut off after each sixty-fourth part of it, and filled up again.
fn truncations() -> Vec<Case> {
    use Expected::{Corrupt, ReadOrRefused, Unsupported};
    let mut cases = Vec::new();
    for (format, whole) in originals() {
        for part in 0..64 {
            let kept = &whole[..whole.len() * part / 64];
            let cut = if part == 0 { Unsupported } else { Corrupt };
            cases.push(Case::new(
                format!("{format} cut at {part}/64"),
                kept.to_vec(),
                cut,
            ));
            for (filling, byte) in [("NUL", 0), ("0xFF", 0xFF)] {
                let mut filled = kept.to_vec();
                filled.resize(whole.len(), byte);
                let expected = if part == 0 {
                    Unsupported
                } else if format == "webp" {
                    // Without checksums: zeros may happen to be codes.
                    ReadOrRefused
                } else {
                    Corrupt
                };
                cases.push(Case::new(
                    format!("{format} filled up with {filling} from {part}/64"),
                    filled,
                    expected,
                ));
            }
        }
        let end = whole.len();
        for (missing, expected) in [(1, ReadOrRefused), (2, ReadOrRefused), (13, ReadOrRefused)] {
            cases.push(Case::new(
                format!("{format} without its last {missing}"),
                whole[..end - missing].to_vec(),
                expected,
            ));
        }
    }
    let (_, whole) = &originals()[0];
    for part in 16..64 {
        // What is missing stays missing, whatever end is put on it.
        let mut ended = whole[..whole.len() * part / 64].to_vec();
        ended.extend([0xFF, 0xD9]);
        cases.push(Case::new(
            format!("jpeg cut at {part}/64 and ended"),
            ended,
            Corrupt,
        ));
    }
    cases
}

fn mutations() -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut cases = Vec::new();
    for (format, whole) in originals() {
        for number in 0..200 {
            let mut bytes = whole.clone();
            for _ in 0..=number % 4 {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            cases.push(Case::new(
                format!("{format} with flipped bits, {number}"),
                bytes,
                Expected::ReadOrRefused,
            ));
        }
        // The headers are where the decisions are made.
        for at in 0..48.min(whole.len()) {
            for value in [0, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                cases.push(Case::new(
                    format!("{format} with {value} at {at}"),
                    bytes,
                    Expected::ReadOrRefused,
                ));
            }
        }
    }
    cases
}

fn noise() -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(SEED + 1);
    let mut cases = Vec::new();
    for length in [0, 1, 2, 3, 4, 8, 12, 16, 100, 1_000, 10_000, 100_000] {
        cases.push(Case::new(
            format!("{length} zeros"),
            vec![0; length],
            Expected::Unsupported,
        ));
        let mut bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
        if let Some(first) = bytes.first_mut() {
            *first = b'x';
        }
        cases.push(Case::new(
            format!("{length} random bytes"),
            bytes,
            Expected::Unsupported,
        ));
    }
    for (format, magic) in [
        ("jpeg", &b"\xFF\xD8\xFF\xE0"[..]),
        ("png", SIGNATURE),
        ("webp", b"RIFF\x40\0\0\0WEBPVP8L"),
    ] {
        cases.push(Case::new(
            format!("{format}'s first bytes alone"),
            magic.to_vec(),
            Expected::Corrupt,
        ));
        for number in 0..20 {
            let length = random.random_range(1..4_000);
            let tail = (0..length).map(|_| random.random::<u8>());
            let bytes = magic.iter().copied().chain(tail).collect();
            cases.push(Case::new(
                format!("{format}'s first bytes and noise, {number}"),
                bytes,
                Expected::Corrupt,
            ));
        }
    }
    cases
}

/// What is not what it says, or is two things at once.
fn lies() -> Vec<Case> {
    use Expected::{Faces, Unsupported};
    let [(_, jpeg), (_, png), (_, webp)] = originals();
    let mut cases = Vec::new();
    for (name, bytes) in [
        ("GIF", b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec()),
        ("GIF87", b"GIF87a\x01\0\x01\0\0\0\0;".to_vec()),
        ("BMP", b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0".to_vec()),
        ("little-endian TIFF", b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        ("big-endian TIFF", b"MM\0*\0\0\0\x08\0\0\0\0\0\0".to_vec()),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()),
        ("AVIF", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif".to_vec()),
        ("PSD", b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x01\0\0\0\x01\0\x08\0\x03".to_vec()),
        ("JPEG XL", b"\xFF\x0A\0\0\0\0\0\0".to_vec()),
        ("JPEG 2000", b"\0\0\0\x0CjP  \r\n\x87\n".to_vec()),
        ("ICO", b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x18\0\x30\0\0\0\x16\0\0\0".to_vec()),
        ("PNM", b"P6\n1 1\n255\n\0\0\0".to_vec()),
        ("QOI", b"qoif\0\0\0\x01\0\0\0\x01\x03\0\0\0\0\0\0\0\0\x01".to_vec()),
        ("DDS", b"DDS |\0\0\0".to_vec()),
        ("farbfeld", b"farbfeld\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec()),
        ("OpenEXR", b"\x76\x2F\x31\x01\x02\0\0\0".to_vec()),
        ("radiance", b"#?RADIANCE\n".to_vec()),
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file:///etc/passwd\"/></svg>".to_vec()),
        ("SVG with a declaration", b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>&x;</svg>".to_vec()),
        ("HTML", b"<!doctype html><script>1</script>".to_vec()),
        ("PDF", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF".to_vec()),
        ("ZIP", b"PK\x03\x04\x14\0\0\0\0\0".to_vec()),
        ("gzip", b"\x1F\x8B\x08\0\0\0\0\0\0\x03".to_vec()),
        ("ELF", b"\x7FELF\x02\x01\x01\0".to_vec()),
        ("MP4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec()),
        ("RIFF that is sound", b"RIFF\x24\0\0\0WAVEfmt ".to_vec()),
        ("text", b"data:image/jpeg;base64,/9j/4AAQSkZJRg==".to_vec()),
        ("JPEG with a byte before it", [b"\n", &jpeg[..]].concat()),
        ("PNG with a byte before it", [b"\n", &png[..]].concat()),
        ("HTML before a JPEG", [b"<html>", &jpeg[..]].concat()),
        ("ZIP before a PNG", [b"PK\x03\x04", &png[..]].concat()),
        ("PDF before a JPEG", [b"%PDF-1.7 stream\n", &jpeg[..]].concat()),
        ("JPEG in UTF-16", jpeg.iter().flat_map(|&byte| [byte, 0]).collect()),
    ] {
        cases.push(Case::new(format!("lie: {name}"), bytes, Unsupported));
    }
    // A picture comes first and counts; what is behind it is never looked at.
    for (format, whole) in [("jpeg", &jpeg), ("png", &png), ("webp", &webp)] {
        for (name, tail) in [
            ("zeros", vec![0; 5_000]),
            (
                "noise",
                (0..5_000_u32).map(|n| (n * 31 % 251) as u8).collect(),
            ),
            ("HTML", b"<script>alert(1)</script>".to_vec()),
            ("a ZIP", b"PK\x03\x04\x14\0PK\x05\x06".to_vec()),
            ("a PDF", b"%PDF-1.7\n%%EOF".to_vec()),
            ("itself", whole.clone()),
            ("a JPEG", fixture("two_faces.jpg")),
            ("a PNG", png.clone()),
            ("a WebP", webp.clone()),
        ] {
            let bytes = [&whole[..], &tail].concat();
            cases.push(Case::new(
                format!("{format} followed by {name}"),
                bytes,
                Faces(1),
            ));
        }
    }
    cases
}

/// Files whose parts are well formed and do not fit together.
fn structure() -> Vec<Case> {
    use Expected::{Corrupt, Faces, ReadOrRefused, Unsupported};
    let picture = photograph("astronaut.jpg", SMALL);
    let mut cases = Vec::new();
    let mut add = |name: String, bytes, expected| cases.push(Case::new(name, bytes, expected));
    for process in [3_u8, 5, 6, 7, 9, 10, 11, 13, 14, 15] {
        add(
            format!("JPEG of process {process}"),
            jpeg_header(process, 8, 8, 3),
            Unsupported,
        );
    }
    for precision in [0_u8, 1, 7, 12, 16, 255] {
        let mut bytes = jpeg_header(0, 8, 8, 3);
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC0])
            .unwrap();
        bytes[frame + 4] = precision;
        add(format!("JPEG of {precision} bits"), bytes, Unsupported);
    }
    for (name, width, height) in [("no width", 0, 8), ("no height", 8, 0)] {
        add(
            format!("JPEG of {name}"),
            jpeg_header(0, width, height, 3),
            Corrupt,
        );
    }
    for across in 0..=5 {
        for down in 0..=5 {
            let mut bytes = Jpeg::default().encode(&picture);
            let frame = bytes
                .windows(2)
                .position(|pair| pair == [0xFF, 0xC0])
                .unwrap();
            bytes[frame + 11] = across << 4 | down;
            add(
                format!("JPEG whose grid is changed to {across}x{down}"),
                bytes,
                if (across, down) == (1, 1) {
                    Faces(1)
                } else {
                    ReadOrRefused
                },
            );
        }
    }
    for count in [2_u8, 5, 255] {
        let mut bytes = jpeg_header(0, 8, 8, 3);
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC0])
            .unwrap();
        bytes[frame + 9] = count;
        add(
            format!("JPEG that promises {count} components"),
            bytes,
            Corrupt,
        );
    }
    for (colour, name) in [(Colour::Cmyk, "CMYK"), (Colour::Ycck, "YCCK")] {
        let unmarked = Jpeg {
            colour,
            ..Jpeg::default()
        };
        add(
            format!("{name} JPEG without Adobe's marker"),
            unmarked.encode(&picture),
            Unsupported,
        );
        let wrong = Jpeg {
            colour,
            adobe: Some(1),
            ..Jpeg::default()
        };
        add(
            format!("{name} JPEG with a transform of three"),
            wrong.encode(&picture),
            Unsupported,
        );
    }
    let contradiction = Jpeg {
        ids: *b"RGBK",
        adobe: Some(1),
        ..Jpeg::default()
    };
    add(
        "JPEG called RGB by its ids and not by Adobe".to_owned(),
        contradiction.encode(&picture),
        Unsupported,
    );
    let unknown = Jpeg {
        adobe: Some(9),
        ..Jpeg::default()
    };
    add(
        "JPEG of Adobe's transform 9".to_owned(),
        unknown.encode(&picture),
        Corrupt,
    );
    for (name, find) in [
        ("quantisation", 0xDB_u8),
        ("code", 0xC4),
        ("frame", 0xC0),
        ("scan", 0xDA),
    ] {
        let mut bytes = Jpeg::default().encode(&picture);
        let at = bytes
            .windows(2)
            .position(|pair| pair == [0xFF, find])
            .unwrap();
        let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        let mut twice = bytes.clone();
        let again = bytes[at..at + 2 + length].to_vec();
        twice.splice(at..at, again);
        add(
            format!("JPEG with a second {name} segment"),
            twice,
            if find == 0xC0 { Corrupt } else { ReadOrRefused },
        );
        let mut long = bytes.clone();
        long[at + 2..at + 4].copy_from_slice(&[0xFF, 0xFF]);
        add(
            format!("JPEG with an endless {name} segment"),
            long,
            Corrupt,
        );
        let mut short = bytes.clone();
        short[at + 2..at + 4].copy_from_slice(&[0, 0]);
        add(
            format!("JPEG with a {name} segment of no length"),
            short,
            Corrupt,
        );
        bytes.drain(at..at + 2 + length);
        // Without its second table of codes the first still stands.
        add(format!("JPEG without a {name} segment"), bytes, Corrupt);
    }
    for offset in [0_u32, 1, 8, 1 << 31, u32::MAX] {
        let mut exif = b"Exif\0\0II*\0".to_vec();
        exif.extend(offset.to_le_bytes());
        exif.extend([0xFF; 40]);
        let mut extra = Vec::new();
        segment(&mut extra, 0xE1, &exif);
        add(
            format!("JPEG whose EXIF points to {offset}"),
            Jpeg {
                extra,
                ..Jpeg::default()
            }
            .encode(&picture),
            Faces(1),
        );
    }
    let png = plain_png(&picture);
    let mut at = SIGNATURE.len();
    let mut number = 0;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let mut bytes = png.clone();
        bytes[at + 8 + length] ^= 0x55;
        let last = &png[at + 4..at + 8] == b"IEND";
        add(
            format!("PNG with a wrong checksum of chunk {number}"),
            bytes,
            if last { ReadOrRefused } else { Corrupt },
        );
        let mut longer = png.clone();
        longer[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        add(
            format!("PNG with an endless chunk {number}"),
            longer,
            if last { ReadOrRefused } else { Corrupt },
        );
        at += 12 + length;
        number += 1;
    }
    for depth in 0..=17 {
        for colour in 0..=7 {
            let legal = match colour {
                0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
                3 => matches!(depth, 1 | 2 | 4 | 8),
                2 | 4 | 6 => matches!(depth, 8 | 16),
                _ => false,
            };
            if !legal {
                add(
                    format!("PNG of colour {colour} in {depth} bits"),
                    zeros(header(8, 8, colour, depth), 4_096),
                    Corrupt,
                );
            }
        }
    }
    add(
        "palette PNG without a palette".to_owned(),
        zeros(header(8, 8, 3, 8), 72),
        Corrupt,
    );
    add(
        "palette PNG that names colours it does not have".to_owned(),
        png::png(
            header(8, 8, 3, 8),
            &[chunk(b"PLTE", &[9; 3])],
            |_, _, _| 200,
            &[],
        ),
        ReadOrRefused,
    );
    let lossless = webp::lossless(&picture);
    add(
        "WebP without a picture".to_owned(),
        webp::riff(&[webp::canvas(0, 8, 8)]),
        Corrupt,
    );
    add(
        "WebP with its canvas larger than its picture".to_owned(),
        webp::riff(&[webp::canvas(0, 200, 200), lossless.clone()]),
        Corrupt,
    );
    add(
        "WebP animation without frames".to_owned(),
        webp::animation(8, 8, &[]),
        Corrupt,
    );
    add(
        "WebP of an endless chunk".to_owned(),
        [
            &b"RIFF\xFF\xFF\xFF\xFFWEBPVP8L\xFF\xFF\xFF\xFF"[..],
            &lossless[8..],
        ]
        .concat(),
        ReadOrRefused,
    );
    add(
        "WebP with 4 GiB of EXIF".to_owned(),
        [
            &webp::riff(&[webp::canvas(8, 160, 160), lossless])[..],
            b"EXIF\xF0\xFF\xFF\xFF",
        ]
        .concat(),
        ReadOrRefused,
    );
    cases
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
